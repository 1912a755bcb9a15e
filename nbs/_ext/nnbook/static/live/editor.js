// The code of a cell: a text area over its own text in colours; the text gives both their size.
// @ts-check
import { make } from "../dom.js";
import { highlight } from "./highlight.js";

export const KEYS =
  "Shift+Enter runs a cell and goes on to the next, Ctrl+Enter stays. " +
  "Tab indents; after Escape, Tab leaves the code.";

/**
 * Write text in the place of what is selected. Only this command, though deprecated, keeps what
 * the browser can undo.
 * @param {HTMLTextAreaElement} area
 * @param {string} text
 */
function insert(area, text) {
  if (document.execCommand("insertText", false, text)) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

/**
 * Indent the lines that are selected.
 * @param {HTMLTextAreaElement} area
 */
function indent(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  area.setSelectionRange(start, area.selectionEnd);
  const lines = indented(area.value.slice(start, area.selectionEnd));
  insert(area, lines);
  area.setSelectionRange(start, start + lines.length);
}

/**
 * Lines with four more blanks; empty ones stay empty.
 * @param {string} lines
 */
export const indented = (lines) => lines.replace(/^(?=.)/gm, "    ");

/**
 * What the line after this one begins with: as many blanks, and four more where a block begins
 * or a bracket is open.
 * @param {string} line
 */
export function nextIndent(line) {
  const blanks = line.length - line.trimStart().length;
  return " ".repeat(blanks + (/[:([{]$/.test(line) ? 4 : 0));
}

/**
 * Make an editor.
 * @param {string} code
 * @param {string} label What assistive software calls it.
 * @param {() => void} onedit
 * @param {(next: boolean) => void} onrun Called with whether to go on to the next cell.
 */
export function makeEditor(code, label, onedit, onrun) {
  const colours = make("pre", { ariaHidden: "true" });
  const area = make("textarea", {
    value: code,
    spellcheck: false,
    autocapitalize: "off",
    autocomplete: "off",
  });
  area.wrap = "off";
  area.setAttribute("aria-label", label);
  area.setAttribute("aria-describedby", "nnbook-live-keys");
  const draw = () => {
    colours.innerHTML = highlight(area.value);
  };
  let leaving = false;
  area.addEventListener("input", () => {
    draw();
    onedit();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onrun(event.shiftKey);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const line = area.value.slice(0, area.selectionStart).split("\n").at(-1) ?? "";
      insert(area, `\n${nextIndent(line)}`);
    } else if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      if (area.selectionStart === area.selectionEnd) insert(area, "    ");
      else indent(area);
    }
    leaving = event.key === "Escape";
  });
  draw();
  return {
    area,
    element: make("div", { className: "nnbook-live-editor highlight" }, colours, area),
  };
}
