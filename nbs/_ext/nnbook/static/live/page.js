// "Make this page live": turns the code cells of a chapter into cells that can be edited and run.
// Before the click this script only draws the button; nothing of Python is asked for.
// @ts-check
import { button, find, make, said, site } from "../dom.js";
import { decode, kept } from "./edits.js";
import { isolate, isolatedNow } from "./isolation.js";

/** @typedef {{ page: string, megabytes: { code?: number, data?: number } }} Offer */

const UNABLE =
  "This build of the book has no Python for the browser: its pages cannot be made live.";

const LINKED =
  "The link brings changed code for a cell: make the page live to see it. Nothing runs by itself.";

/**
 * Why Python did not start. Browsers have words of their own for what cannot be reached.
 * @param {unknown} error
 */
function reason(error) {
  const unreached =
    /dynamically imported|importing a module|failed to fetch|networkerror|load failed/i;
  const text = said(error);
  if (/could not load/.test(text) || !unreached.test(text)) return text;
  return "this site cannot be reached, or lacks a file. Try again when the line is back.";
}

class Page {
  /** @param {HTMLElement} place Where its one control stands. */
  constructor(place) {
    const { page, megabytes } = /** @type {Offer} */ (JSON.parse(place.dataset.live ?? "{}"));
    this.place = place;
    this.page = page;
    this.code = megabytes.code;
    this.data = megabytes.data ?? 0;
    this.turn = 0; // a later start, or Cancel, ends the one before
    /** @type {import("./kernel.js").Kernel | undefined} */
    this.kernel = undefined;
    /** @type {import("./live.js").Live | undefined} */
    this.live = undefined;
    this.offer();
  }

  offer() {
    this.place.hidden = false;
    if (this.code === undefined) {
      this.place.replaceChildren(make("span", {}, UNABLE));
      return;
    }
    const start = button("Make this page live", async () => (await isolate()) || this.start());
    const data = this.data >= 0.5 ? ` and ${this.data.toFixed(0)} MB of data` : "";
    const loads = `Loads ${this.code.toFixed(0)} MB${data} from this site.`;
    this.place.replaceChildren(
      start,
      make("span", {}, `Edit and run its code here, with nothing installed. ${loads}`),
    );
    const count = Object.keys(kept()).length;
    const edits = `Your edits of ${count} ${count === 1 ? "cell" : "cells"} are kept and come back.`;
    if (count) this.place.append(make("strong", {}, edits));
    if (decode(location.hash)) this.place.append(make("strong", {}, LINKED));
  }

  /** Show how much has been loaded; return what is to be called with it. */
  showProgress() {
    const total = ((this.code ?? 0) + this.data) * 1e6;
    const bar = make("progress", { max: total, value: 0, ariaLabel: "Loading Python" });
    const text = make("span", { role: "status" }, "Loading Python ...");
    const cancel = button("Cancel", () => this.reset());
    this.place.replaceChildren(bar, text, cancel);
    cancel.focus();
    return (/** @type {import("./kernel.js").Progress} */ { loaded, starting }) => {
      const done = Math.min(loaded, total);
      bar.value = Math.max(bar.value, done);
      const [part, whole] = [done, total].map((bytes) => (bytes / 1e6).toFixed(0));
      const loading = `Loading Python: ${part} of ${whole} MB`;
      text.textContent = starting || done > 0.99 * total ? "Starting Python ..." : loading;
    };
  }

  async start() {
    this.turn += 1;
    const turn = this.turn;
    const onprogress = this.showProgress();
    try {
      const [{ Kernel }, { Live }] = await Promise.all([
        import("./kernel.js"),
        import("./live.js"),
      ]);
      const answer = await fetch(new URL(`${this.page}.live.json`, location.href));
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      const { cells, data } = await answer.json();
      if (turn !== this.turn) return;
      const files = data.map((/** @type {string} */ path) => ({
        url: site(path),
        path: `/${path}`,
      }));
      this.kernel = new Kernel({ packages: ["nnlib", "matplotlib"], files, onprogress });
      await this.kernel.start();
      if (turn === this.turn)
        this.live = new Live(this.place, this.kernel, cells, () => this.reset());
    } catch (error) {
      if (turn !== this.turn) return;
      this.reset();
      const text = `Python did not start: ${reason(error)}`;
      this.place.append(make("span", { role: "alert", className: "nnbook-live-remark" }, text));
    }
  }

  reset() {
    this.turn += 1;
    this.live?.close(); // before its kernel, whose end it need not tell
    this.kernel?.close();
    this.live = this.kernel = undefined;
    this.offer();
    this.place.querySelector("button")?.focus();
    dispatchEvent(new Event("resize")); // the theme looks again at what can be scrolled
  }
}

addEventListener("hashchange", () => decode(location.hash) && location.reload());
const page = new Page(find(document, ".nnbook-live"));
if (isolatedNow()) page.start();
