// Step through SMO: points that are placed by hand, and the pair that each step moves.
// @ts-check
import { button, enable, make, said } from "../dom.js";
import {
  choice,
  field,
  figure,
  latest,
  makeStatus,
  number,
  plotted,
  row,
  table,
  tops,
} from "./controls.js";
import { contour, mark, paintField, shape } from "./plot.js";

/** @typedef {[x: number, y: number, label: number]} Point */
/**
 * @typedef {{ steps: number, dual: number, primal: number, gap: number, solved: boolean,
 *   alpha: number[], field: number[], raised?: number, lowered?: number, wanted: number,
 *   moved: number }} State
 */

/** @type {{ [name: string]: Point[] }} */
const SETS = {
  "Two groups": [
    [-0.61, -0.52, -1],
    [-0.27, -0.74, -1],
    [-0.68, 0.05, -1],
    [-0.23, -0.18, -1],
    [0.47, 0.62, 1],
    [0.19, 0.51, 1],
    [0.73, 0.08, 1],
    [0.06, 0.83, 1],
  ],
  "One astray": [
    [-0.61, -0.52, -1],
    [-0.27, -0.74, -1],
    [-0.68, 0.05, -1],
    [0.36, 0.41, -1],
    [0.47, 0.62, 1],
    [0.19, 0.51, 1],
    [0.73, 0.08, 1],
    [0.06, 0.83, 1],
  ],
  Crosswise: [
    [-0.61, -0.64, -1],
    [-0.42, -0.47, -1],
    [0.58, 0.49, -1],
    [0.43, 0.66, -1],
    [-0.57, 0.63, 1],
    [-0.39, 0.52, 1],
    [0.62, -0.46, 1],
    [0.37, -0.65, 1],
  ],
};
const PLANE =
  "Plane of points. Arrow keys move the cursor, Enter places a point, " +
  "Delete takes the nearest away.";
const HEADS = ["step", "pair", "wanted", "moved", "dual", "KKT violation"];
const END = "Run to the end";
/** @type {{ [key: string]: [number, number] }} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const px = (/** @type {number} */ x) => 50 + 50 * x;
const py = (/** @type {number} */ y) => 50 - 50 * y;
const name = (/** @type {number} */ k) => String(k + 1);
const inside = (/** @type {number} */ value) => Math.max(-1, Math.min(1, value));

/**
 * How far a pair wanted to move; points in the same place would go on without end.
 * @param {State} state
 */
export const wanted = (state) => (state.wanted < 1e6 ? state.wanted.toFixed(4) : "without end");

/**
 * Whether the box stopped a pair before it was where it wanted to be.
 * @param {State} state
 */
export const clipped = (state) => state.moved < state.wanted * (1 - 1e-9);

/**
 * What a step did, in words.
 * @param {State & { raised: number, lowered: number }} state
 */
export function describe(state) {
  const moved =
    `Step ${state.steps}: points ${name(state.raised)} and ${name(state.lowered)} move by ` +
    state.moved.toFixed(4);
  const instead = clipped(state) ? ` instead of ${wanted(state)}, clipped by the box` : "";
  const dual = `The dual objective is ${state.dual.toFixed(4)}`;
  const gap = `the KKT violation ${state.gap.toFixed(4)}`;
  return `${moved}${instead}. ${dual}, ${gap}.${state.solved ? " Solved." : ""}`;
}

class Smo {
  /** @param {import("./draw.js").Call} call */
  constructor(call) {
    this.call = call;
    this.C = number(1, 0.001, 1000, "any");
    this.kernel = choice(["linear", "rbf", "poly"]);
    this.kind = choice(["circle, +1", "square, −1"]);
    this.canvas = make("canvas");
    this.plane = shape("svg", {
      viewBox: "0 0 100 100",
      tabindex: "0",
      role: "application",
      "aria-label": PLANE,
    });
    this.status = makeStatus();
    this.numbers = make("div");
    const region = { tabIndex: 0, role: "region", ariaLabel: "Steps so far" };
    this.steps = make("div", { className: "nnbook-explore-steps", ...region });
    const label = "Points; press one to take it away";
    this.list = make("ul", { className: "nnbook-explore-points", ariaLabel: label });
    this.step = button(
      "Step",
      latest(() => this.advanceOnce()),
    );
    this.runner = button(END, () => this.run());
    this.runner.style.minWidth = "9rem";
    this.cursor = { x: 0, y: 0 };
    /** @type {Point[]} */
    this.points = [];
    /** @type {string[][]} */
    this.done = [];
    /** @type {State | undefined} */
    this.now = undefined;
    this.running = false;
    this.turn = 0; // what is answered after a later start is out of date
    this.plane.onpointerup = (event) => this.place(event); // a finger scrolls with pointerdown
    this.plane.onkeydown = (event) => this.type(event);
    this.plane.onfocus = this.plane.onblur = () => this.paint();
    this.C.onchange = this.kernel.onchange = () => this.restart();
  }

  paint() {
    const { now, plane } = this;
    plane.replaceChildren();
    if (now) {
      paintField(this.canvas, now.field);
      for (const level of [0, 1, -1]) {
        plane.append(
          shape("path", { class: level ? "margin" : "", d: contour(now.field, level) }),
        );
      }
    } else this.canvas.width = 0;
    for (const [k, [x, y, label]] of this.points.entries()) {
      const center = { cx: px(x), cy: py(y) };
      if (now && now.alpha[k] > 0)
        plane.append(shape("circle", { class: "ring", ...center, r: 4 }));
      if (now && [now.raised, now.lowered].includes(k)) {
        plane.append(shape("circle", { class: "ring pair", ...center, r: 5.2 }));
      }
      const text = shape("text", { class: "halo", x: px(x) + 4.5, y: py(y) - 2 }, name(k));
      plane.append(mark(label, px(x), py(y)), text);
    }
    if (document.activeElement !== plane) return;
    const [x, y] = [px(this.cursor.x), py(this.cursor.y)];
    plane.append(shape("path", { d: `M${x - 4},${y}h8M${x},${y - 4}v8` }));
  }

  show() {
    const { now } = this;
    this.paint();
    this.list.replaceChildren(...this.points.map((_, k) => make("li", {}, this.makeItem(k))));
    const rows = now
      ? [
          ["steps", String(now.steps)],
          ["dual objective", now.dual.toFixed(5)],
          ["primal objective", now.primal.toFixed(5)],
          ["KKT violation", now.gap.toFixed(5)],
        ]
      : [];
    this.numbers.replaceChildren(table("Now", ["", ""], rows));
    const latestFirst = this.done.slice(-100).reverse();
    this.steps.replaceChildren(table("Steps so far, the last one first", HEADS, latestFirst));
    for (const element of [this.step, this.runner])
      enable(element, now !== undefined && !now.solved);
  }

  /** @param {number} k */
  makeItem(k) {
    const [x, y, label] = this.points[k];
    const alpha = this.now ? ` α ${Math.abs(this.now.alpha[k]).toFixed(3)}` : "";
    const place = `(${x.toFixed(2)}, ${y.toFixed(2)})`;
    const text = `${name(k)}: ${label > 0 ? "+" : "−"} ${place}${alpha}`;
    return button(text, () => this.remove(k), `Take away point ${text}`);
  }

  async restart() {
    this.turn += 1;
    const { turn } = this;
    this.running = false;
    this.runner.textContent = END;
    let text;
    try {
      if (!this.C.checkValidity() || this.C.value === "")
        throw new Error("C: a number from 0.001 to 1000 is needed");
      const places = this.points.map(([x, y]) => [x, y]);
      const labels = this.points.map((point) => point[2]);
      /** @type {State} */
      const state = await this.call(
        "smo_start",
        places,
        labels,
        Number(this.C.value),
        this.kernel.value,
      );
      if (turn !== this.turn) return;
      this.now = state;
      const gap = state.gap.toFixed(3);
      text = `${labels.length} points. All multipliers are 0; the KKT violation is ${gap}.`;
    } catch (error) {
      if (turn !== this.turn) return;
      this.now = undefined;
      text = said(error);
    }
    this.done = [];
    this.status.textContent = text;
    this.show();
  }

  /** Make one step; return what there is to say of it. */
  async advance() {
    const { turn } = this;
    /** @type {State} */
    const state = await this.call("smo_step");
    if (turn !== this.turn) return undefined;
    this.now = state;
    const { raised, lowered } = state;
    if (raised === undefined || lowered === undefined) {
      this.show();
      return undefined;
    }
    const moved = `${state.moved.toFixed(4)}${clipped(state) ? " (clipped)" : ""}`;
    const pair = `${name(raised)} up, ${name(lowered)} down`;
    this.done.push([
      String(state.steps),
      pair,
      wanted(state),
      moved,
      state.dual.toFixed(4),
      state.gap.toFixed(4),
    ]);
    this.show();
    return describe({ ...state, raised, lowered });
  }

  async advanceOnce() {
    const text = await this.advance();
    if (text) this.status.textContent = text;
  }

  /** Make step after step, or pause. */
  async run() {
    const { turn } = this;
    this.running = !this.running;
    this.runner.textContent = this.running ? "Pause" : END;
    if (this.running) this.status.textContent = "Running ...";
    let text;
    for (let k = 0; this.running && turn === this.turn && !this.now?.solved && k < 2000; k++) {
      text = (await this.advance()) ?? text;
      await new Promise((wake) => setTimeout(wake, k < 20 ? 150 : 10));
    }
    if (turn !== this.turn) return;
    this.running = false;
    this.runner.textContent = END;
    if (text) this.status.textContent = text;
  }

  /** @param {Point[]} points */
  change(points) {
    this.points = points;
    this.restart();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  add(x, y) {
    this.change([...this.points, [x, y, this.kind.selectedIndex ? -1 : 1]]);
  }

  /** @param {number} k */
  remove(k) {
    this.change(this.points.filter((_, other) => other !== k));
    this.show();
    (
      this.list.querySelectorAll("button")[Math.min(k, this.points.length - 1)] ?? this.plane
    ).focus();
  }

  /** @param {PointerEvent} event */
  place(event) {
    const matrix = this.plane.getScreenCTM();
    if (event.button || !matrix) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    this.add(inside(x / 50 - 1), inside(1 - y / 50));
  }

  /** @param {KeyboardEvent} event */
  type(event) {
    const { cursor } = this;
    const move = MOVES[event.key];
    const step = (/** @type {number} */ from, /** @type {number} */ by) =>
      inside(Math.round(20 * from + by) / 20);
    if (move) {
      cursor.x = step(cursor.x, move[0]);
      cursor.y = step(cursor.y, move[1]);
      this.status.textContent = `Cursor at (${cursor.x.toFixed(2)}, ${cursor.y.toFixed(2)}).`;
      this.paint();
    } else if (event.key === "Enter" || event.key === " ") this.add(cursor.x, cursor.y);
    else if ((event.key === "Delete" || event.key === "Backspace") && this.points.length) {
      const far = this.points.map(([x, y]) => Math.hypot(x - cursor.x, y - cursor.y));
      this.change(this.points.filter((_, k) => k !== far.indexOf(Math.min(...far))));
    } else return;
    event.preventDefault();
  }

  parts() {
    const sets = Object.entries(SETS).map(([text, set]) => button(text, () => this.change(set)));
    const none = button("None", () => this.change([]));
    const caption =
      "Solid: f = 0; dashed: f = 1 and −1. Rings: multipliers above 0; thick: the pair";
    return [
      row("Points:", ...sets, none, field("New points are", this.kind)),
      row(
        field("C", this.C),
        field("Kernel", this.kernel),
        this.step,
        this.runner,
        button("Start over", () => this.restart()),
      ),
      this.status,
      tops(figure(caption, plotted(this.canvas, this.plane)), this.numbers, this.steps),
      this.list,
    ];
  }
}

/**
 * @param {HTMLElement} place
 * @param {import("./draw.js").Call} call
 */
export async function start(place, call) {
  const smo = new Smo(call);
  place.append(...smo.parts());
  smo.points = SETS["Two groups"];
  await smo.restart();
}
