// What a cell shows, in the place of what the book shows there.
// @ts-check
import { button, make } from "../dom.js";
import { makeFrame } from "./frame.js";
import { markdown } from "./markdown.js";

const LIMIT = 100_000; // characters a cell may print
const LONG = 40; // lines that are shown without a way to fold them
const STYLES = { stdout: "stream", stderr: "stderr", text: "text_plain", error: "traceback" };

/** @typedef {{ kind: "svg" | "markdown" | "html" | keyof typeof STYLES, text: string }} Shown */

/**
 * Results in Markdown, with their formulas typeset.
 * @param {string} text
 */
function makeMarkdown(text) {
  const element = make("div", { className: "output text_markdown", innerHTML: markdown(text) });
  const { MathJax } =
    /** @type {{ MathJax?: { typesetPromise?: (places: Element[]) => unknown } }} */ (window);
  if (element.querySelector(".math")) MathJax?.typesetPromise?.([element]);
  return element;
}

export class Output {
  /**
   * @param {Element} cell
   * @param {Element} input
   */
  constructor(cell, input) {
    const found = cell.querySelector(".cell_output");
    this.made = !(found instanceof HTMLElement);
    this.element =
      found instanceof HTMLElement
        ? found
        : make("div", { className: "cell_output docutils container" });
    if (this.made) input.after(this.element);
    this.before = [...this.element.childNodes];
    this.figure = this.element.querySelector("figure");
    this.image = this.figure?.querySelector("img");
    this.source = this.image?.getAttribute("src") ?? "";
    /** @type {string[]} */
    this.urls = [];
    /** @type {HTMLElement | undefined} */
    this.last = undefined;
    this.fresh = this.cut = this.drawn = false;
    this.printed = 0;
  }

  begin() {
    this.fresh = true;
    this.printed = 0;
    this.cut = false;
    this.drawn = false;
    this.element.classList.add("nnbook-live-stale");
  }

  clear() {
    if (!this.fresh) return;
    this.fresh = false;
    this.element.classList.remove("nnbook-live-stale", "nnbook-live-folded");
    this.element.replaceChildren(...(this.figure ? [this.figure] : []));
    this.figure?.classList.add("nnbook-live-stale");
    this.revoke();
  }

  /** @param {Shown} shown */
  add({ kind, text }) {
    this.clear();
    if (kind === "svg") this.draw(text);
    else if (kind === "markdown") this.insert(makeMarkdown(text));
    else if (kind === "html") this.insert(makeFrame(text));
    else this.print(kind, text);
  }

  /** @param {Element} element */
  insert(element) {
    if (this.figure && !this.drawn) this.figure.before(element);
    else this.element.append(element);
  }

  /** @param {string} svg */
  draw(svg) {
    const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    this.urls.push(url);
    if (this.image && !this.drawn) this.image.src = url;
    else
      this.insert(
        make("img", {
          src: url,
          alt: "Figure drawn by this cell",
          className: "nnbook-live-figure",
        }),
      );
    this.image?.classList.add("nnbook-live-figure");
    this.figure?.classList.remove("nnbook-live-stale");
    this.drawn = true;
  }

  /**
   * @param {keyof typeof STYLES} kind
   * @param {string} text
   */
  print(kind, text) {
    const printed = kind === "error" ? text : this.shortened(text);
    if (!printed) return;
    const goesOn =
      this.last?.isConnected && this.last.dataset.kind === kind && kind.startsWith("std");
    if (goesOn) {
      this.last?.querySelector("pre")?.append(printed);
      return;
    }
    const block = make(
      "div",
      { className: "highlight nnbook-live-printed" },
      make("pre", {}, printed),
    );
    this.last = make("div", { className: `output ${STYLES[kind]}` }, block);
    this.last.dataset.kind = kind;
    if (kind === "error") this.last.setAttribute("role", "alert");
    this.insert(this.last);
  }

  /**
   * What of a text may still be printed.
   * @param {string} text
   */
  shortened(text) {
    if (this.cut) return "";
    const room = LIMIT - this.printed;
    this.cut = text.length > room;
    const printed = this.cut ? `${text.slice(0, room)}\n... and more, which is not shown.` : text;
    this.printed += printed.length;
    return printed;
  }

  end() {
    this.clear();
    this.element.hidden = !this.element.childNodes.length;
    this.addTools();
  }

  /** What is long scrolls in its place, by the keyboard too, and can be folded and cleared. */
  addTools() {
    const long = [...this.element.querySelectorAll("pre")].filter(
      (pre) => (pre.textContent ?? "").split("\n").length > LONG,
    );
    if (!long.length) return;
    for (const pre of long) pre.tabIndex = 0;
    const fold = button("Fold output", () => this.fold(fold));
    fold.setAttribute("aria-expanded", "true");
    const wipe = button("Clear output", () => this.wipe());
    this.element.prepend(make("div", { className: "nnbook-live-tools" }, fold, wipe));
  }

  /** @param {HTMLButtonElement} fold */
  fold(fold) {
    const folded = this.element.classList.toggle("nnbook-live-folded");
    fold.textContent = folded ? "Unfold output" : "Fold output";
    fold.setAttribute("aria-expanded", String(!folded));
  }

  wipe() {
    this.fresh = true;
    this.end();
  }

  keep() {
    this.element.classList.remove("nnbook-live-stale"); // it did not run after all
  }

  revoke() {
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }

  reset() {
    this.element.replaceChildren(...this.before);
    this.element.hidden = false;
    for (const element of [this.element, this.figure])
      element?.classList.remove("nnbook-live-stale", "nnbook-live-folded");
    this.image?.classList.remove("nnbook-live-figure");
    if (this.image?.className === "") this.image.removeAttribute("class");
    this.image?.setAttribute("src", this.source);
    this.revoke();
    if (this.made) this.element.remove();
  }
}
