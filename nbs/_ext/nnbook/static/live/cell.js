// A code cell of the page: its editor, its output, its state.
// @ts-check
import { button, find, make } from "../dom.js";
import { makeEditor } from "./editor.js";
import { Output } from "./output.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */
/**
 * @typedef {{ id: string, source: string, hidden: boolean, skip?: boolean, note?: string }} Info
 */

/** What the reader sees of a cell that is shown. */
class Shown {
  /**
   * @param {HTMLElement} element
   * @param {Cell} cell
   */
  constructor(element, cell) {
    const input = find(element, ".cell_input");
    this.element = element;
    this.original = /** @type {HTMLElement} */ (input.firstElementChild);
    const label = `Code of cell ${cell.number}`;
    this.editor = makeEditor(
      cell.info.source,
      label,
      () => cell.edited(),
      (next) => cell.go(next),
    );
    this.state = make("span", { className: "nnbook-live-state" });
    const run = button("Run", () => cell.live.runUpTo(cell), `Run cell ${cell.number}`);
    const foot = make("div", { className: "nnbook-live-foot" }, run, this.state);
    this.original.hidden = true;
    input.append(this.editor.element, foot);
    this.output = new Output(element, input);
    /** @type {HTMLElement[]} */
    this.added = [this.editor.element, foot];
    if (cell.info.note) {
      const note = make("p", { className: "nnbook-live-remark" }, cell.info.note);
      this.output.element.before(note); // to be seen where the code is folded, too
      this.added.push(note);
    }
  }

  /** @returns {boolean} Whether the reader can see the code now. */
  get open() {
    return this.editor.area.checkVisibility?.() ?? true;
  }

  remove() {
    this.output.reset();
    for (const element of this.added) element.remove();
    this.original.hidden = false;
  }
}

export class Cell {
  /**
   * @param {import("./live.js").Live} live
   * @param {Info} info
   * @param {number} number
   */
  constructor(live, info, number) {
    this.live = live;
    this.info = info;
    this.number = number;
    this.ran = false;
    const element = document.querySelector(`.cell.live-${CSS.escape(info.id)}`);
    this.shown = element instanceof HTMLElement ? new Shown(element, this) : undefined;
    /** @type {HTMLElement | undefined} */
    this.box = undefined;
  }

  get code() {
    return this.shown?.editor.area.value ?? this.info.source;
  }

  edited() {
    this.ran = false;
    this.say(this.code === this.info.source ? "" : "edited");
  }

  /** @param {boolean} next Whether to go on to the next cell that can be seen. */
  go(next) {
    this.live.runUpTo(this);
    if (next)
      this.live.cells
        .slice(this.number)
        .find((cell) => cell.shown?.open)
        ?.shown?.editor.area.focus();
  }

  /** @param {string} text */
  say(text) {
    if (this.shown) this.shown.state.textContent = text;
  }

  /**
   * Run it; return whether it ran to its end.
   * @param {Kernel} kernel
   */
  async run(kernel) {
    let failure = "";
    const output = this.shown?.output;
    const start = performance.now();
    const code = this.code;
    output?.begin();
    this.say("running ...");
    this.shown?.element.setAttribute("aria-busy", "true");
    let ended = false;
    try {
      ended = await kernel.run(code, `<cell ${this.number}>`, (shown) => {
        output?.add(shown);
        if (shown.kind === "error") failure = shown.text;
      });
      this.ran = ended && this.code === code; // it may have been edited meanwhile
    } catch (error) {
      output?.keep();
      this.say("stopped");
      throw error;
    } finally {
      this.shown?.element.removeAttribute("aria-busy");
    }
    output?.end();
    const seconds = (performance.now() - start) / 1000;
    const verdict = `${ended ? "ran" : "failed"}, ${seconds.toFixed(1)} s`;
    this.say(this.code === code ? verdict : `${verdict}, edited since`);
    if (!this.shown) this.warn(failure);
    return ended;
  }

  /**
   * A hidden cell that fails is one that checks what the text says: say so where it stands.
   * @param {string} failure
   */
  warn(failure) {
    this.box?.remove();
    this.box = undefined;
    if (!failure) return;
    const text =
      "A hidden cell failed here: with this code, something that the text says does not hold.";
    const trace = make("details", {}, make("summary", {}, "Traceback"), make("pre", {}, failure));
    this.box = make("div", { className: "nnbook-live-warning" }, make("p", {}, text), trace);
    const above = this.live.cells.slice(0, this.number - 1).findLast((cell) => cell.shown);
    (above?.shown?.element ?? this.live.place).after(this.box);
  }

  reset() {
    this.box?.remove();
    this.shown?.remove();
  }
}
