// A page that is live: its cells, what they run one after another, and the bar that says so.
// @ts-check
import { button, enable, make, said } from "../dom.js";
import { Cell } from "./cell.js";
import { KEYS } from "./editor.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */

const LIVE = "This page is live. Running a cell runs first what stands above it and has not run.";
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
    const count = { shown: 0, hidden: 0 };
    this.cells = cells.map((info, index) => {
      const element = document.querySelector(`.cell.live-${CSS.escape(info.id)}`);
      const kind = element ? "shown" : "hidden";
      count[kind] += 1;
      return new Cell(this, info, index, count[kind], element);
    });
    this.count = count.shown;
    this.runAll = button(
      "Run all",
      () => this.run(() => this.cells.filter((cell) => !cell.info.skip), true),
      "Run all cells",
    );
    this.stopper = button("Stop", () => this.stop(), "Stop the running cell");
    this.status = make(
      "span",
      { role: "status", className: "nnbook-live-status" },
      "This page is live",
    );
    const reset = button("Reset", onreset, "Reset the page");
    const region = { className: "nnbook-live-bar", role: "region", ariaLabel: "Live page" };
    this.bar = make("div", region, this.runAll, this.stopper, reset, this.status);
    this.setBusy(false);
    const waiting =
      place.contains(document.activeElement) || document.activeElement === document.body;
    document.body.append(this.bar);
    document.body.classList.add("nnbook-is-live");
    place.replaceChildren(make("span", { id: "nnbook-live-keys" }, `${LIVE} ${KEYS}`));
    if (waiting) this.runAll.focus(); // who has gone on to something else stays there
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
    const due = (/** @type {Cell} */ other) => other === cell || !(other.ran || other.info.skip);
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
    for (const cell of this.cells) cell.reset();
    this.bar.remove();
    document.body.classList.remove("nnbook-is-live");
  }
}
