// Train on XOR: a small network, its output over the plane, its loss, and the traps.
// @ts-check
import { button, enable, make, said } from "../dom.js";
import {
  checkNumber,
  choice,
  field,
  figure,
  makeStatus,
  number,
  plotted,
  row,
  table,
  tops,
} from "./controls.js";
import { contour, curveParts, mark, paintField, shape } from "./plot.js";

/**
 * @typedef {{ epochs: number, loss: number, losses: number[], outputs: number[], field: number[],
 *   alike: [number, number][] }} State
 */

const CORNERS = ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"];
const TARGETS = [0, 1, 1, 0];
/** @type {[number, string][]} */
const TRAPS = [
  [1 / 4, "1/4"],
  [1 / 6, "1/6"],
  [1 / 8, "1/8"],
];
const EVERY = 10;
const PART = 50;
const MORE = 5000;

class Xor {
  /** @param {import("./draw.js").Call} call */
  constructor(call) {
    this.call = call;
    this.units = number(4, 1, 16, 1);
    this.activation = choice(["tanh", "ReLU", "sigmoid"]);
    this.seed = number(42, 0, 2 ** 31 - 1, 1);
    this.rate = number(0.5, 0.001, 100, "any");
    this.status = makeStatus();
    this.canvas = make("canvas");
    this.plane = shape("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" });
    this.curve = shape("svg", {
      viewBox: "0 0 100 75",
      role: "img",
      "aria-label": "Loss by epoch",
    });
    this.outputs = make("div");
    this.button = button("", () => this.train());
    this.button.style.minWidth = "11rem"; // another text moves nothing under the pointer
    /** @type {number[]} */
    this.losses = [];
    this.running = false;
    this.turn = 0; // a training that has been started over is of no concern any more
    for (const input of [this.units, this.activation, this.seed, this.rate]) {
      input.onchange = () => this.restart();
    }
  }

  /**
   * @param {State} state
   * @returns {string} What there is to say of it.
   */
  show(state) {
    paintField(this.canvas, state.field);
    this.plane.replaceChildren(shape("path", { d: contour(state.field, 0) }));
    for (const [k, output] of state.outputs.entries()) {
      const x = 100 / 6 + (k > 1 ? 200 / 3 : 0);
      const y = 500 / 6 - (k % 2 ? 200 / 3 : 0);
      const text = shape(
        "text",
        { class: "halo", x, y: y - 4, "text-anchor": "middle" },
        output.toFixed(3),
      );
      this.plane.append(mark(TARGETS[k] ? 1 : -1, x, y), text);
    }
    const right = state.outputs.map((output, k) => output > 0.5 === Boolean(TARGETS[k]));
    const rows = state.outputs.map((output, k) => [
      CORNERS[k],
      String(TARGETS[k]),
      output.toFixed(4),
      right[k] ? "right" : "wrong",
    ]);
    this.outputs.replaceChildren(table("Outputs", ["point", "target", "output", ""], rows));
    this.plot(state.epochs);
    const alike = state.alike.map(([i, j]) => `${CORNERS[i]} and ${CORNERS[j]}`).join(", ");
    const count = right.filter(Boolean).length;
    const text =
      `Epoch ${state.epochs}: loss ${state.loss.toFixed(4)}, ${count} of 4 right.` +
      (alike ? ` To the hidden units these look alike: ${alike}.` : "");
    this.curve.setAttribute("aria-label", `Loss by epoch. ${text}`);
    return text;
  }

  /** @param {number} done */
  plot(done) {
    const epochs = Math.max(MORE, done);
    /** @type {[number, number][]} */
    const losses = this.losses.map((loss, i) => [i * EVERY, loss]);
    const parts = curveParts(losses, { name: "loss", epochs, top: 0.3, lines: TRAPS });
    this.curve.replaceChildren(...parts);
  }

  pause() {
    this.running = false;
    this.button.textContent = `Train ${MORE} epochs`;
  }

  async restart() {
    this.turn += 1;
    const { turn } = this;
    this.pause();
    let possible = true;
    try {
      checkNumber("hidden units", this.units);
      checkNumber("the seed", this.seed);
      checkNumber("the learning rate", this.rate);
      const numbers = [this.units, this.seed, this.rate].map((input) => Number(input.value));
      const state = await this.call(
        "xor_start",
        numbers[0],
        this.activation.value,
        numbers[1],
        numbers[2],
      );
      if (turn !== this.turn) return;
      this.losses = [];
      this.status.textContent = this.show(state);
    } catch (error) {
      possible = false;
      this.status.textContent = `Not possible: ${said(error)}`;
    }
    enable(this.button, possible);
  }

  /** Train on, or pause. */
  async train() {
    if (this.running) {
      this.pause();
      return;
    }
    const { turn } = this;
    this.running = true;
    this.button.textContent = "Pause";
    this.status.textContent = "Running ...";
    let text = "";
    try {
      for (let done = 0; this.running && done < MORE; done += PART) {
        const state = await this.call("xor_train", PART, EVERY);
        if (turn !== this.turn) return;
        this.losses.push(...state.losses);
        text = this.show(state);
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

  /**
   * @param {string} text
   * @param {number} units
   * @param {string} activation
   */
  recipe(text, units, activation) {
    return button(text, () => {
      this.units.value = String(units);
      this.activation.value = activation;
      this.seed.value = "42";
      this.rate.value = "0.5";
      this.restart();
    });
  }

  parts() {
    const recipes = [
      this.recipe("The report's", 4, "tanh"),
      this.recipe("Four ReLU units", 4, "ReLU"),
      this.recipe("Two tanh units", 2, "tanh"),
    ];
    const curve = plotted(this.curve);
    curve.classList.add("wide");
    return [
      row("Recipes:", ...recipes),
      row(
        field("Hidden units", this.units),
        field("Activation", this.activation),
        field("Seed", this.seed),
        field("Learning rate", this.rate),
      ),
      row(
        this.button,
        button("Start over", () => this.restart()),
      ),
      this.status,
      tops(
        figure(
          "Output: circles are to be 1, squares 0; the line is at one half",
          plotted(this.canvas, this.plane),
        ),
        figure("Loss; the dashed lines are where runs get stuck", curve),
        this.outputs,
      ),
    ];
  }
}

/**
 * @param {HTMLElement} place
 * @param {import("./draw.js").Call} call
 */
export async function start(place, call) {
  const xor = new Xor(call);
  place.append(...xor.parts());
  await xor.restart();
}
