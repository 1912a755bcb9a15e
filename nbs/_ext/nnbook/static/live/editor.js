// The code of a cell: a text area over its own text in colours; the text gives both their size.
// @ts-check
import { make } from "../dom.js";
import { broken, erased, typed } from "./brackets.js";
import { highlight } from "./highlight.js";
import { nameBefore } from "./hint.js";

export const KEYS =
  "Shift+Enter runs a cell and goes on to the next, Ctrl+Enter stays. " +
  "Tab indents, and behind a name says how it goes on and is called; Shift+Tab takes an indent " +
  "back, Ctrl+/ makes remarks; brackets and quotes come in pairs; after Escape, Tab leaves the code.";
const STEP = 4;

/**
 * Write text in the place of what is selected. Only this command, though deprecated, keeps what
 * the browser can undo.
 * @param {HTMLTextAreaElement} area
 * @param {string} text
 */
function insert(area, text) {
  const [command, value] = text ? ["insertText", text] : ["delete", ""];
  if (document.execCommand(command, false, value)) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

/**
 * Write what a key has led to; return whether there was something.
 * @param {HTMLTextAreaElement} area
 * @param {import("./brackets.js").Edit | undefined} edit
 */
function apply(area, edit) {
  if (!edit) return false;
  const { from, to, text, start, end } = edit;
  area.setSelectionRange(from, to);
  if (text || from !== to) insert(area, text);
  area.setSelectionRange(start, end);
  return true;
}

/**
 * Change the lines that are selected, or that of the caret.
 * @param {HTMLTextAreaElement} area
 * @param {(lines: string) => string} change
 */
function changeLines(area, change) {
  const { value, selectionStart: from, selectionEnd: to } = area;
  const start = value.lastIndexOf("\n", from - 1) + 1;
  const last = to > from && value[to - 1] === "\n" ? to - 1 : to;
  const end = value.indexOf("\n", last) < 0 ? value.length : value.indexOf("\n", last);
  const old = value.slice(start, end);
  const lines = change(old);
  if (lines === old) return;
  area.setSelectionRange(start, end);
  insert(area, lines);
  const caret = Math.max(start, from + lines.length - old.length);
  if (from === to) area.setSelectionRange(caret, caret);
  else area.setSelectionRange(start, start + lines.length);
}

/**
 * Lines with four more blanks; empty ones stay empty.
 * @param {string} lines
 */
export const indented = (lines) => lines.replace(/^(?=.)/gm, " ".repeat(STEP));

/**
 * Lines with up to four blanks less.
 * @param {string} lines
 */
export const dedented = (lines) => lines.replace(/^ {1,4}/gm, "");

/**
 * Lines made remarks; if all are, made code again.
 * @param {string} lines
 */
export function toggled(lines) {
  const all = lines.split("\n");
  const full = all.filter((line) => line.trim());
  if (full.length && full.every((line) => /^\s*#/.test(line)))
    return lines.replace(/^(\s*)# ?/gm, "$1");
  const column = Math.min(...full.map((line) => line.length - line.trimStart().length));
  return all
    .map((line) => (line.trim() ? `${line.slice(0, column)}# ${line.slice(column)}` : line))
    .join("\n");
}

/**
 * How many letters Backspace takes: in an indent, back to the stop before.
 * @param {string} before What stands before the caret in its line.
 */
export const taken = (before) => (/^ +$/.test(before) ? ((before.length - 1) % STEP) + 1 : 1);

/**
 * What the line after this one begins with: as many blanks, four more where a block begins or a
 * bracket is open, four less where a block has ended.
 * @param {string} line
 */
export function nextIndent(line) {
  const blanks = line.length - line.trimStart().length;
  const code = line.replace(/(^|\s)#[^'"]*$/, "").trimEnd();
  if (/[:([{]$/.test(code)) return " ".repeat(blanks + STEP);
  const ends = /^\s*(return|pass|break|continue|raise)\b/.test(code);
  return " ".repeat(ends ? Math.max(0, blanks - STEP) : blanks);
}

/**
 * What stands before the caret in its line.
 * @param {HTMLTextAreaElement} area
 */
const lineBefore = (area) => area.value.slice(0, area.selectionStart).split("\n").at(-1) ?? "";

/**
 * Ask about the name before the caret; where there is none, indent to the next stop.
 * @param {HTMLTextAreaElement} area
 * @param {(name: string) => void} onask
 */
function tab(area, onask) {
  const before = lineBefore(area);
  const name = nameBefore(before.replace(/\($/, ""));
  if (name) onask(name);
  else insert(area, " ".repeat(STEP - (before.length % STEP)));
}

/**
 * Whether a key writes something: with Ctrl it does only where that is a part of AltGr.
 * @param {KeyboardEvent} event
 */
const writes = (event) => !event.metaKey && (!event.ctrlKey || event.getModifierState("AltGraph"));

/**
 * Make an editor.
 * @param {string} code
 * @param {string} label What assistive software calls it.
 * @param {() => void} onedit
 * @param {(next: boolean) => void} onrun Called with whether to go on to the next cell.
 * @param {(name: string) => void} onask Called with the name behind which Tab was pressed.
 */
export function makeEditor(code, label, onedit, onrun, onask) {
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
      const indent = nextIndent(lineBefore(area));
      apply(area, broken(area.value, area.selectionStart, area.selectionEnd, indent));
    } else if (event.key === "Tab" && !leaving) {
      event.preventDefault();
      if (event.shiftKey) changeLines(area, dedented);
      else if (area.selectionStart !== area.selectionEnd) changeLines(area, indented);
      else tab(area, onask);
    } else if (event.key === "/" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      changeLines(area, toggled);
    } else if (event.key === "Backspace" && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const [at, count] = [area.selectionStart, taken(lineBefore(area))];
      const single = at === area.selectionEnd;
      if (single && apply(area, erased(area.value, at))) event.preventDefault();
      else if (single && count > 1) area.setSelectionRange(at - count, at);
    } else if (!event.isComposing && writes(event)) {
      const { value, selectionStart: from, selectionEnd: to } = area;
      if (apply(area, typed(event.key, value, from, to))) event.preventDefault();
    }
    if (event.key !== "Shift") leaving = event.key === "Escape";
  });
  draw();
  return {
    area,
    /**
     * Write other code in the place of what there is.
     * @param {string} text
     */
    put(text) {
      area.value = text;
      area.dispatchEvent(new Event("input"));
    },
    /**
     * The same so that the browser can undo it, at the price of the focus.
     * @param {string} text
     */
    replace(text) {
      area.focus({ preventScroll: true });
      area.select();
      insert(area, text);
    },
    /**
     * Write on where the caret stands, if it is here.
     * @param {string} text
     */
    type(text) {
      if (text && document.activeElement === area) insert(area, text);
    },
    element: make("div", { className: "nnbook-live-editor highlight" }, colours, area),
  };
}
