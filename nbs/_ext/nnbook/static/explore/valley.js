// Descend into a valley: the path of gradient descent, for a learning rate and a momentum.
// @ts-check
import { button, make } from "../dom.js";
import { figure, latest, makeStatus, plotted, row } from "./controls.js";
import { path, shape } from "./plot.js";

/**
 * @typedef {{ path: [number, number][], distance: number, arrived?: number,
 *   diverges: boolean }} Descent
 */

/** @type {[text: string, rate: number, momentum: number][]} */
const RECIPES = [
  ["Too small", 0.02, 0],
  ["Good", 0.17, 0],
  ["Too large", 0.205, 0],
  ["Small, with momentum", 0.02, 0.8],
];
const LEVELS = [0.6, 1.2, 2.5, 5.1, 10.4, 21.5, 44, 90];
const CAPTION =
  "Lines of equal height, the minimum (+), and each step (dots), from the start at the right";

/** @param {[number, number]} place */
const drawn = ([x, y]) => /** @type {[number, number]} */ ([50 + 10 * x, 30 - 10 * y]);

/**
 * How a descent ended, in words.
 * @param {Descent} descent
 */
export function verdict({ path: visited, distance, arrived, diverges }) {
  const steps = visited.length - 1;
  const far = distance < 100 ? distance.toPrecision(3) : Math.round(distance).toLocaleString("en");
  if (diverges) return `It diverges: after ${steps} steps it is ${far} from the minimum.`;
  if (arrived === undefined) return `After ${steps} steps it is still ${far} from the minimum.`;
  return `It arrives: from step ${arrived} on it stays within 0.01 of the minimum.`;
}

/**
 * A slider with its name and its value.
 * @param {string} text
 * @param {number} max
 * @param {number} step
 * @param {() => void} oninput
 */
function slider(text, max, step, oninput) {
  const range = { type: "range", min: "0", max: String(max), step: String(step) };
  const input = make("input", { ...range, oninput });
  const value = make("span", { ariaHidden: "true" });
  return { input, value, label: make("label", {}, text, input, value) };
}

class Valley {
  /** @param {import("./draw.js").Call} call */
  constructor(call) {
    this.call = call;
    this.show = latest(() => this.descend());
    this.rate = slider("Learning rate", 0.4, 0.005, this.show);
    this.momentum = slider("Momentum", 0.95, 0.05, this.show);
    this.status = makeStatus();
    this.plane = shape("svg", { viewBox: "0 0 100 60", role: "img" });
    this.frame = plotted(this.plane);
    this.frame.classList.add("valley");
  }

  async descend() {
    const [rate, momentum] = [this.rate, this.momentum].map(({ input }) => Number(input.value));
    this.rate.value.textContent = rate.toFixed(3);
    this.momentum.value.textContent = momentum.toFixed(2);
    this.status.textContent = "Running ...";
    /** @type {Descent} */
    const descent = await this.call("valley_path", rate, momentum);
    const text = verdict(descent);
    const places = descent.path.map(drawn);
    const visible = places.filter(([x, y]) => x > 0 && x < 100 && y > 0 && y < 60);
    this.frame.classList.toggle("diverges", descent.diverges);
    this.plane.replaceChildren(
      ...LEVELS.map((level) => {
        const radii = { rx: 10 * Math.sqrt(level), ry: 10 * Math.sqrt(level / 10) };
        return shape("ellipse", { class: "level", cx: 50, cy: 30, ...radii });
      }),
      shape("path", { d: "M48.5,30h3M50,28.5v3" }),
      shape("path", { class: "descent", d: path(places) }),
      ...visible.map(([cx, cy]) =>
        shape("circle", { class: descent.diverges ? "minus" : "plus", cx, cy, r: 0.7 }),
      ),
    );
    this.plane.setAttribute("aria-label", `The path of gradient descent. ${text}`);
    this.status.textContent = `Rate ${rate}, momentum ${momentum}: ${text}`;
  }

  /**
   * @param {number} rate
   * @param {number} momentum
   */
  choose(rate, momentum) {
    this.rate.input.value = String(rate);
    this.momentum.input.value = String(momentum);
    return this.show();
  }

  parts() {
    const recipes = RECIPES.map(([text, rate, momentum]) =>
      button(text, () => this.choose(rate, momentum)),
    );
    return [
      row(...recipes),
      row(this.rate.label, this.momentum.label),
      this.status,
      figure(CAPTION, this.frame),
    ];
  }
}

/**
 * @param {HTMLElement} place
 * @param {import("./draw.js").Call} call
 */
export async function start(place, call) {
  const valley = new Valley(call);
  place.append(...valley.parts());
  await valley.choose(0.17, 0);
}
