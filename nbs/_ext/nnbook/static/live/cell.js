// A code cell of the page: its editor, its output, its state.
// @ts-check
import { button, find, make } from "../dom.js";
import { makeEditor } from "./editor.js";
import { encode } from "./edits.js";
import { common, show } from "./hint.js";
import { Output } from "./output.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */
/**
 * @typedef {{ id: string, source: string, hidden: boolean, skip?: boolean, note?: string }} Info
 */

const FROM_LINK =
  "This code came with the link. Read it first: only its own Run runs it, and nothing by itself.";

/** What the reader sees of a cell that is shown. */
class Shown {
  /**
   * @param {HTMLElement} element
   * @param {Cell} cell
   * @param {string} code
   */
  constructor(element, cell, code) {
    const input = find(element, ".cell_input");
    this.element = element;
    this.original = /** @type {HTMLElement} */ (input.firstElementChild);
    const label = `Code of cell ${cell.number}`;
    this.editor = makeEditor(
      code,
      label,
      () => cell.edited(),
      (next) => cell.go(next),
      (name) => cell.ask(name),
    );
    this.hint = make("div", { className: "nnbook-live-hint", role: "status" });
    this.state = make("span", { className: "nnbook-live-state" });
    const run = button("Run", () => cell.live.runUpTo(cell), `Run cell ${cell.number}`);
    const name = make("span", {}, `Cell ${cell.number}`);
    this.own = make("span", {});
    this.own.append(
      button("Reset", () => cell.restore(), `Reset cell ${cell.number}`),
      button("Link", () => cell.share(), `Copy a link to cell ${cell.number} as it is now`),
    );
    const foot = make("div", { className: "nnbook-live-foot" }, run, this.own, name, this.state);
    this.original.hidden = true;
    this.editor.element.id = cell.place;
    input.append(this.editor.element, this.hint, foot);
    this.output = new Output(element, input);
    /** @type {HTMLElement[]} */
    this.added = [this.editor.element, this.hint, foot];
    if (cell.info.note) this.remark(cell.info.note);
    this.warning = cell.foreign ? this.remark(FROM_LINK) : undefined;
  }

  /** @param {string} text To be seen where the code is folded, too. */
  remark(text) {
    const note = make("p", { className: "nnbook-live-remark" }, text);
    this.output.element.before(note);
    this.added.push(note);
    return note;
  }

  /** @returns {boolean} Whether the reader can see the code now. */
  get open() {
    return this.editor.area.checkVisibility?.() ?? true;
  }

  /**
   * Offer code that came with a link for a cell that the reader has edited.
   * @param {string} code
   */
  offer(code) {
    const note = this.remark("The link brings other code for this cell than your own. ");
    const take = button("Show it", () => {
      this.editor.replace(code);
      note.textContent = "This is the code of the link; Ctrl+Z brings back your own.";
    });
    note.append(take);
  }

  /** Mark the cell as one that failed, or take the mark away. */
  mark(/** @type {boolean} */ failed) {
    this.element.classList.toggle("nnbook-live-failed", failed);
  }

  remove() {
    this.mark(false);
    this.output.reset();
    for (const element of this.added) element.remove();
    this.original.hidden = false;
  }
}

export class Cell {
  /**
   * @param {import("./live.js").Live} live
   * @param {Info} info
   * @param {number} index Among all cells.
   * @param {number} number Among those that are shown, or those that are not; as the reader counts.
   * @param {Element | null} element
   * @param {{ own?: string, linked?: string }} edits
   */
  constructor(live, info, index, number, element, { own, linked } = {}) {
    this.live = live;
    this.info = info;
    this.index = index;
    this.number = number;
    this.name = `${element ? "cell" : "hidden cell"} ${number}`;
    this.place = `nnbook-${element ? "" : "hidden-"}cell-${number}`;
    this.ran = false;
    // code that came with a link waits for its own Run
    this.foreign = own === undefined && linked !== undefined;
    const code = own ?? linked ?? info.source;
    this.shown = element instanceof HTMLElement ? new Shown(element, this, code) : undefined;
    if (own !== undefined && linked !== undefined) this.shown?.offer(linked);
    this.showState();
    /** @type {HTMLElement | undefined} */
    this.box = undefined;
  }

  get code() {
    return this.shown?.editor.area.value ?? this.info.source;
  }

  get isEdited() {
    return this.code !== this.info.source;
  }

  edited() {
    this.ran = false;
    this.shown?.hint.replaceChildren();
    this.accept();
    this.live.keep(this);
    this.showState();
  }

  showState() {
    if (this.shown) this.shown.own.hidden = !this.isEdited;
    this.say(this.isEdited ? "edited" : "");
  }

  /** From now on the code is the reader's own. */
  accept() {
    if (!this.foreign) return;
    this.foreign = false;
    this.shown?.warning?.remove();
    this.live.keep(this);
  }

  /** Bring back the book's code. */
  restore() {
    this.shown?.editor.replace(this.info.source);
    this.say("as in the book; Ctrl+Z takes that back");
  }

  /** Copy a link that carries this code; where a browser does not let it, show the link. */
  async share() {
    const href = new URL(encode(this.info.id, this.code), location.href).href;
    try {
      await navigator.clipboard.writeText(href);
      this.say("link copied");
    } catch {
      this.shown?.state.replaceChildren(make("a", { href, textContent: "the link to copy" }));
    }
  }

  /**
   * Ask Python about a name, write on what is sure, and show the rest.
   * @param {string} name
   */
  async ask(name) {
    if (!this.shown || this.live.busy) return; // it would answer only when the cell has ended
    const code = this.code;
    const known = await this.live.kernel.ask("know", { name });
    if (this.code !== code) return;
    this.shown.editor.type(common(known.names).slice(name.length));
    show(this.shown.hint, name, known);
  }

  /** @param {boolean} next Whether to go on to the next cell that can be seen. */
  go(next) {
    this.live.runUpTo(this);
    if (next)
      this.live.cells
        .slice(this.index + 1)
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
    this.shown?.mark(false);
    this.say("running ...");
    this.shown?.element.setAttribute("aria-busy", "true");
    let ended = false;
    try {
      ended = await kernel.run(code, `<${this.name}>`, (shown) => {
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
    this.shown?.mark(!ended);
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
    this.box = make(
      "div",
      { className: "nnbook-live-warning", id: this.place, tabIndex: -1 },
      make("p", {}, text),
      trace,
    );
    const above = this.live.cells.slice(0, this.index).findLast((cell) => cell.shown);
    (above?.shown?.element ?? this.live.place).after(this.box);
  }

  /** Bring what failed before the reader's eyes, unfolded, and the focus with it. */
  reveal() {
    const place = this.shown?.element ?? this.box;
    for (let box = place; box; box = box.parentElement?.closest("details") ?? undefined)
      if (box instanceof HTMLDetailsElement) box.open = true;
    for (const fold of place?.querySelectorAll("details:has(.nnbook-live-editor)") ?? [])
      if (fold instanceof HTMLDetailsElement) fold.open = true;
    (this.shown?.editor.area ?? this.box)?.focus({ preventScroll: true });
    const told = place?.querySelector('[role="alert"]') ?? place;
    told?.scrollIntoView({ block: "center" });
  }

  reset() {
    this.box?.remove();
    this.shown?.remove();
  }
}
