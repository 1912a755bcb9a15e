// A page that is live: its cells, what they run one after another, and the bar that says so.
// @ts-check
import { button, enable, make, said } from "../dom.js";
import { Cell } from "./cell.js";
import { takeHome } from "./download.js";
import { KEYS } from "./editor.js";
import { decode, keep, kept } from "./edits.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */

const LIVE = "This page is live. Running a cell runs first what stands above it and has not run.";
const KEPT = "What you edit is kept in this browser.";
const AGAIN = "Stopping ... If that takes too long, press Stop again: Python is started anew";
const ANEW = "Stopped. Python was started anew: variables are gone, cells above will run again";

export class Live {
  /**
   * @param {HTMLElement} place Where the text on the keys stands.
   * @param {Kernel} kernel
   * @param {import("./cell.js").Info[]} cells
   * @param {() => void} onreset
   */
  constructor(place, kernel, cells, onreset) {
    this.place = place;
    this.kernel = kernel;
    this.turn = 0; // Stop and Reset end what was asked before
    this.busy = false;
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
    const [edits, link] = [kept(), decode(location.hash)];
    const count = { shown: 0, hidden: 0 };
    this.cells = cells.map((info, index) => {
      const element = document.querySelector(`.cell.live-${CSS.escape(info.id)}`);
      const kind = element ? "shown" : "hidden";
      count[kind] += 1;
      const own = edits[info.id];
      const brought = link?.id === info.id && link.code !== (own ?? info.source);
      const linked = brought ? link.code : undefined;
      return new Cell(this, info, index, count[kind], element, { own, linked });
    });
    this.count = count.shown;
    this.runAll = button(
      "Run all",
      () => this.run(() => this.cells.filter((cell) => !(cell.info.skip || cell.foreign)), true),
      "Run all cells",
    );
    this.stopper = button("Stop", () => this.stop(), "Stop the running cell");
    this.status = make("span", { role: "status", className: "nnbook-live-status" });
    const reset = button("Reset", onreset, "Reset the page");
    const region = { className: "nnbook-live-bar", role: "region", ariaLabel: "Live page" };
    this.bar = make("div", region, this.runAll, this.stopper, reset, this.status);
    this.setBusy(false);
    const waiting =
      place.contains(document.activeElement) || document.activeElement === document.body;
    document.body.append(this.bar);
    document.body.classList.add("nnbook-is-live");
    place.replaceChildren(
      make("span", { id: "nnbook-live-keys" }, `${LIVE} ${KEYS} ${KEPT}`),
      button("Download the notebook", () => this.download()),
      button("Reset all cells", () => this.restore()),
    );
    if (waiting) this.runAll.focus(); // who has gone on to something else stays there
    this.greet(link?.id);
  }

  /**
   * Say that the page is live, and what it has that is not the book's.
   * @param {string | undefined} linked The cell that a link brings code for.
   */
  greet(linked) {
    const edited = this.cells.filter((cell) => cell.isEdited && !cell.foreign);
    const cells = `${edited.length} ${edited.length === 1 ? "cell" : "cells"}`;
    const back = edited.length
      ? ["; ", this.lead(edited[0], `your edits of ${cells}`), " are back"]
      : [];
    this.say("This page is live", ...back);
    if (linked === undefined) return;
    history.replaceState(null, "", location.pathname + location.search); // shown once is enough
    this.cells.find((cell) => cell.info.id === linked)?.reveal();
  }

  /**
   * Keep what the reader has made of a cell; a browser that cannot asks before the page is left.
   * @param {Cell} cell
   */
  keep(cell) {
    const { [cell.info.id]: _, ...others } = kept();
    const edits = cell.isEdited ? { ...others, [cell.info.id]: cell.code } : others;
    window.onbeforeunload = keep(edits) ? null : (event) => event.preventDefault();
  }

  /** Bring back the book's code in all cells, until it is taken back. */
  restore() {
    const edited = this.cells.filter((cell) => cell.isEdited);
    const codes = edited.map((cell) => cell.code);
    for (const cell of edited) cell.shown?.editor.put(cell.info.source);
    const undo = button("Undo", () => {
      for (const [i, cell] of edited.entries()) cell.shown?.editor.put(codes[i]);
      this.say("Your edits are back");
    });
    this.say("All cells are as in the book. ", ...(edited.length ? [undo] : []));
  }

  async download() {
    const edited = this.cells.filter((cell) => cell.isEdited);
    const edits = Object.fromEntries(edited.map((cell) => [cell.info.id, cell.code]));
    try {
      await takeHome(edits);
    } catch (error) {
      this.say(`The notebook could not be had: ${said(error)}`);
    }
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.busy = busy;
    enable(this.stopper, busy);
  }

  /**
   * Run a cell, after everything above it that has not run as it stands.
   * @param {Cell} cell
   */
  runUpTo(cell) {
    cell.accept();
    const due = (/** @type {Cell} */ other) =>
      other === cell || !(other.ran || other.info.skip || other.foreign);
    this.run(() => this.cells.slice(0, cell.index + 1).filter(due));
  }

  /**
   * Run cells when what was asked before has been done.
   * @param {() => Cell[]} choose Names them when their turn has come, for what waits before them
   *   may run some.
   * @param {boolean} anew Whether to forget all variables first.
   */
  run(choose, anew = false) {
    const turn = this.turn;
    if (!this.busy) this.say("Running ...");
    this.queue = this.queue.then(() => this.perform(choose, turn, anew));
  }

  /**
   * @param {() => Cell[]} choose
   * @param {number} turn
   * @param {boolean} anew
   */
  async perform(choose, turn, anew) {
    if (turn !== this.turn) return;
    this.setBusy(true);
    try {
      if (anew) await this.forget();
      await this.runCells(choose(), turn);
    } catch (error) {
      if (turn === this.turn) this.say(`Python broke off: ${said(error)}`);
    } finally {
      if (turn === this.turn) this.setBusy(false);
    }
  }

  async forget() {
    for (const cell of this.cells) cell.ran = false;
    await this.kernel.clear();
  }

  /**
   * Run cells one after another, as long as what is shown does not fail.
   * @param {Cell[]} cells
   * @param {number} turn
   */
  async runCells(cells, turn) {
    /** @type {Cell[]} */
    const failed = [];
    for (const cell of cells) {
      if (turn !== this.turn) return;
      this.say(`Running ${cell.name}${cell.shown ? ` of ${this.count}` : ""}`);
      if (await cell.run(this.kernel)) continue;
      failed.push(cell);
      if (cell.shown) {
        this.say(this.lead(cell, `Cell ${cell.number} failed`));
        return;
      }
      cell.ran = true; // it has been told; what stands below goes on
    }
    const text = `${failed.length} hidden ${failed.length === 1 ? "cell" : "cells"} failed`;
    this.say("Done", ...(failed.length ? ["; ", this.lead(failed[0], text)] : []));
  }

  /**
   * A link to a cell that failed.
   * @param {Cell} cell
   * @param {string} text
   */
  lead(cell, text) {
    const link = make("a", { href: `#${cell.place}`, textContent: text });
    link.onclick = (event) => {
      event.preventDefault();
      cell.reveal();
    };
    return link;
  }

  // Where the page is not cross-origin isolated, Python cannot be interrupted: it is started anew.
  async stop() {
    this.turn += 1;
    const turn = this.turn;
    const report = (/** @type {string} */ text) => {
      if (turn === this.turn) this.say(text);
    };
    this.say("Stopping ...");
    if (this.kernel.startsAnew) {
      for (const cell of this.cells) cell.ran = false;
      this.queue = this.restart(report);
    } else {
      setTimeout(() => this.busy && report(AGAIN), 2000);
      await this.kernel.stop();
      this.queue = this.queue.then(() => report("Stopped"));
    }
    this.queue = this.queue.then(() => turn === this.turn && this.setBusy(false));
  }

  /** @param {(text: string) => void} report */
  async restart(report) {
    try {
      await this.kernel.stop();
      report(ANEW);
    } catch (error) {
      report(
        `Python did not start again: ${said(error)}. Press Reset, then make the page live again`,
      );
    }
  }

  /** @param {(string | Node)[]} parts */
  say(...parts) {
    this.status.replaceChildren(...parts);
  }

  close() {
    this.turn += 1;
    window.onbeforeunload = null;
    for (const cell of this.cells) cell.reset();
    this.bar.remove();
    document.body.classList.remove("nnbook-is-live");
  }
}
