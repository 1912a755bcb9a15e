// Train an autoencoder: its reconstructions and its error, while it learns.
// @ts-check
import { button, enable, make, said } from "../dom.js";
import { figure, makeStatus, plotted, row, tops } from "./controls.js";
import { curveParts, paintDigit, shape } from "./plot.js";

/**
 * @typedef {{ epochs: number, error: number, digits: number[][] }} State
 */

const FILE = "data/mnist/t10k-images-idx3-ubyte.gz";
const MORE = 10;

/** A picture for each of the digits that are shown. */
const makeRow = () => Array.from({ length: 8 }, () => make("canvas", { width: 28, height: 28 }));

class Train {
  /**
   * @param {import("./draw.js").Call} call
   * @param {number} mean The error of the mean image.
   */
  constructor(call, mean) {
    this.call = call;
    this.mean = mean;
    this.status = makeStatus();
    this.button = button("", () => this.train());
    this.button.style.minWidth = "11rem"; // another text moves nothing under the pointer
    this.originals = makeRow();
    this.decoded = makeRow();
    this.curve = shape("svg", { viewBox: "0 0 100 75", role: "img" });
    /** @type {[number, number][]} */
    this.errors = [];
    this.running = false;
    this.turn = 0; // a training that has been started over is of no concern any more
  }

  /**
   * @param {State} state
   * @returns {string} What there is to say of it.
   */
  show({ epochs, error, digits }) {
    this.errors.push([epochs, error]);
    for (const [k, canvas] of this.decoded.entries()) paintDigit(canvas, digits[k]);
    const text = `Epoch ${epochs.toFixed(1)}: validation error ${error.toFixed(4)}.`;
    this.plot();
    this.curve.setAttribute("aria-label", `Validation error by epoch. ${text}`);
    return text;
  }

  plot() {
    const epochs = Math.max(MORE, Math.ceil(this.errors.at(-1)?.[0] ?? 0));
    const top = 1.1 * Math.max(this.mean, 0.1);
    /** @type {[number, string][]} */
    const lines = [[this.mean, "mean image"]];
    this.curve.replaceChildren(...curveParts(this.errors, { name: "error", epochs, top, lines }));
  }

  pause() {
    this.running = false;
    this.button.textContent = `Train ${MORE} epochs`;
    enable(this.button, true);
  }

  async restart() {
    this.turn += 1;
    const { turn } = this;
    this.pause();
    this.status.textContent = "Running ...";
    /** @type {State} */
    const state = await this.call("train_start");
    if (turn !== this.turn) return;
    this.errors = [];
    this.status.textContent = this.show(state);
  }

  /** Train on, part of an epoch by part, or stop. */
  async train() {
    if (this.running) {
      this.running = false; // the part that is being trained comes to its end
      enable(this.button, false);
      return;
    }
    const { turn } = this;
    this.running = true;
    this.button.textContent = "Stop";
    this.status.textContent = "Running ...";
    const end = (this.errors.at(-1)?.[0] ?? 0) + MORE - 0.01;
    let text = "";
    try {
      while (this.running && (this.errors.at(-1)?.[0] ?? 0) < end) {
        /** @type {State} */
        const state = await this.call("train_part");
        if (turn !== this.turn) return;
        text = this.show(state);
        if (Number.isInteger(state.epochs)) this.status.textContent = text;
        await new Promise(requestAnimationFrame);
        if (turn !== this.turn) return;
      }
    } catch (error) {
      text = `Training broke off: ${said(error)}`;
    }
    if (turn !== this.turn) return;
    this.pause();
    this.status.textContent = text;
  }

  parts() {
    const curve = plotted(this.curve);
    curve.classList.add("wide");
    const rows = [this.originals, this.decoded].map((images) =>
      make("div", { className: "nnbook-explore-digits", ariaHidden: "true" }, ...images),
    );
    return [
      row(
        this.button,
        button("Start over", () => this.restart()),
      ),
      this.status,
      tops(
        figure("Above, digits that the network is not trained on; below, what it draws", ...rows),
        figure("Mean squared error on such digits", curve),
      ),
    ];
  }
}

/**
 * @param {HTMLElement} place
 * @param {import("./draw.js").Call} call
 * @param {(path: string) => Promise<Uint8Array>} fetchData
 */
export async function start(place, call, fetchData) {
  const { digits, mean } = await call("train_data", await fetchData(FILE));
  const train = new Train(call, mean);
  place.append(...train.parts());
  for (const [k, canvas] of train.originals.entries()) paintDigit(canvas, digits[k]);
  await train.restart();
}
