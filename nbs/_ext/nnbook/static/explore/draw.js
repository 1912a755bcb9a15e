// Draw a digit: an autoencoder encodes and decodes it, ten machines score it.
// @ts-check
import { button, make } from "../dom.js";
import { figure, latest, makeStatus, plotted, row, table, tops } from "./controls.js";
import { paintDigit, pen } from "./plot.js";

/** @typedef {(name: string, ...values: unknown[]) => Promise<any>} Call */
/** @typedef {{ decoded: number[], scores: number[], digit: number }} Answer */

const SIDE = 112;
const CELL = 4;
const FILES = [
  "data/runs/autoencoder.npz",
  "data/mnist/t10k-images-idx3-ubyte.gz",
  "data/mnist/t10k-labels-idx1-ubyte.gz",
];
const PAPER =
  "Paper for a digit. Arrow keys move the pen, Space puts it down or lifts it, Delete clears.";
/** @type {{ [key: string]: [number, number] }} */
const MOVES = {
  ArrowLeft: [-CELL, 0],
  ArrowRight: [CELL, 0],
  ArrowUp: [0, -CELL],
  ArrowDown: [0, CELL],
};

/** @param {string} label */
function makeImage(label) {
  const canvas = make("canvas", { width: 28, height: 28, className: "nnbook-explore-image" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/** The paper, and the pen that is moved over it by pointer or keys. */
class Paper {
  /**
   * @param {{
   *   onstroke: () => void,
   *   onclear: () => void,
   *   onsay: (text: string) => void,
   * }} listeners
   */
  constructor({ onstroke, onclear, onsay }) {
    this.onstroke = onstroke;
    this.onclear = onclear;
    this.onsay = onsay;
    this.pad = make("canvas", {
      width: SIDE,
      height: SIDE,
      tabIndex: 0,
      className: "nnbook-explore-pad",
    });
    this.pad.setAttribute("role", "application");
    this.pad.setAttribute("aria-label", PAPER);
    this.pen = make("div", { className: "nnbook-explore-pen", hidden: true });
    this.context = pen(this.pad);
    this.x = this.y = 0;
    this.down = false;
    this.pad.onpointerdown = (event) => this.press(event);
    this.pad.onpointermove = (event) => this.drag(event);
    this.pad.onkeydown = (event) => this.type(event);
    this.pad.onfocus = () => {
      this.pen.hidden = !this.pad.matches(":focus-visible");
    };
    this.pad.onblur = () => {
      this.pen.hidden = true;
    };
  }

  clear() {
    const style = {
      fillStyle: "#fff",
      strokeStyle: "#000",
      lineWidth: 9,
      lineCap: "round",
      lineJoin: "round",
    };
    Object.assign(this.context, style);
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  /** Clear it, lift the pen and put it where digits begin. */
  wipe() {
    this.clear();
    this.lift(false);
    this.go(56, 20, false);
  }

  /** How much ink there is, from 0 to 255; nothing if there is none. */
  ink() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const ink = new Uint8Array(SIDE * SIDE).map((_, i) => 255 - data[4 * i]);
    return ink.some(Boolean) ? ink : undefined;
  }

  /**
   * Put a digit of 28 by 28 on it.
   * @param {number[]} pixels
   */
  place(pixels) {
    const small = make("canvas", { width: 28, height: 28 });
    paintDigit(small, pixels);
    this.clear();
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(small, 0, 0, SIDE, SIDE);
  }

  /** @param {boolean} down */
  lift(down) {
    this.down = down;
    this.pen.classList.toggle("down", down);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {boolean} stroke Whether to draw on the way.
   */
  go(x, y, stroke) {
    if (stroke) {
      this.context.beginPath();
      this.context.moveTo(this.x, this.y);
      this.context.lineTo(x, y);
      this.context.stroke();
      this.onstroke();
    }
    this.x = x;
    this.y = y;
    this.pen.style.left = `${(100 * x) / SIDE}%`;
    this.pen.style.top = `${(100 * y) / SIDE}%`;
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} stroke
   */
  follow(event, stroke) {
    const box = this.pad.getBoundingClientRect();
    const x = ((event.clientX - box.left) * SIDE) / box.width;
    const y = ((event.clientY - box.top) * SIDE) / box.height;
    this.go(x, y, stroke);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button) return;
    this.pad.setPointerCapture(event.pointerId);
    this.follow(event, false);
    this.follow(event, true);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.pad.hasPointerCapture(event.pointerId)) return;
    for (const part of [...(event.getCoalescedEvents?.() ?? []), event]) this.follow(part, true);
  }

  /** @param {KeyboardEvent} event */
  type(event) {
    const move = MOVES[event.key];
    const inside = (/** @type {number} */ value) => Math.min(SIDE - 6, Math.max(6, value));
    this.pen.hidden = false;
    if (move) this.go(inside(this.x + move[0]), inside(this.y + move[1]), this.down);
    else if (event.key === " ") {
      this.lift(!this.down);
      this.onsay(this.down ? "The pen is down." : "The pen is up.");
      this.go(this.x, this.y, this.down);
    } else if (event.key === "Delete" || event.key === "Backspace") this.onclear();
    else return;
    event.preventDefault();
  }
}

/** The paper, what the network makes of it, the scores, and the latents. */
class Draw {
  /**
   * @param {Call} call
   * @param {{ digits: number[], low: number[], high: number[] }} start
   */
  constructor(call, { digits, low, high }) {
    this.call = call;
    this.turn = 0; // what is answered after a later clearing is out of date
    /** @type {number[]} */
    this.latents = [];
    /** @type {number[]} */
    this.encoded = [];
    this.digits = digits;
    this.status = makeStatus();
    this.scores = make("div");
    this.seen = makeImage("The drawing as the network sees it, 28 by 28 pixels");
    this.decoded = makeImage("The decoded digit");
    this.encode = latest(() => this.askForCode());
    this.decode = latest(() => this.askForDigit());
    this.paper = new Paper({
      onstroke: this.encode,
      onclear: () => this.wipe(),
      onsay: (text) => this.say(text),
    });
    this.sliders = low.map((min, i) => this.makeSlider(i, min, high[i]));
    this.paper.wipe();
  }

  /** @param {string} text */
  say(text) {
    this.status.textContent = text;
  }

  /**
   * @param {number} i
   * @param {number} min
   * @param {number} max
   */
  makeSlider(i, min, max) {
    const bounds = { min: String(min), max: String(max), step: "any" };
    const slider = make("input", { type: "range", ...bounds, ariaLabel: `Latent ${i + 1}` });
    slider.oninput = () => {
      if (this.latents.length) {
        this.latents[i] = Number(slider.value);
        this.decode();
      } else this.say("The paper is empty: there is nothing to decode.");
    };
    return slider;
  }

  async askForCode() {
    const ink = this.paper.ink();
    if (!ink) return;
    const { turn } = this;
    const answer = await this.call("draw_image", ink, SIDE);
    if (turn !== this.turn) return; // the paper has been cleared meanwhile
    paintDigit(this.seen, answer.image);
    this.encoded = answer.latents;
    this.back();
    this.show(answer);
  }

  async askForDigit() {
    const { turn } = this;
    const answer = await this.call("draw_latents", this.latents);
    if (turn === this.turn) this.show(answer);
  }

  back() {
    this.latents = [...this.encoded];
    for (const [i, slider] of this.sliders.entries()) slider.value = String(this.latents[i]);
  }

  /** @param {Answer} answer */
  show({ decoded, scores, digit }) {
    paintDigit(this.decoded, decoded);
    const least = Math.min(...scores);
    const span = Math.max(...scores) - least;
    const rows = scores.map((score, k) => {
      const part = make("div");
      part.style.width = `${(100 * (score - least)) / span}%`;
      return [String(k), score.toFixed(2), make("div", { className: "nnbook-explore-bar" }, part)];
    });
    this.scores.replaceChildren(table("Scores of the ten machines", ["digit", "score", ""], rows));
    this.scores.querySelectorAll("tbody tr")[digit].className = "best";
    const others = scores.filter((_, k) => k !== digit);
    const second = scores.indexOf(Math.max(...others));
    const first = `The machine says ${digit}, with a score of ${scores[digit].toFixed(2)}`;
    this.say(`${first}; next comes ${second} with ${scores[second].toFixed(2)}.`);
  }

  wipe() {
    this.turn += 1;
    this.latents = [];
    this.encoded = [];
    for (const canvas of [this.seen, this.decoded]) pen(canvas).clearRect(0, 0, 28, 28);
    this.scores.replaceChildren();
    this.paper.wipe();
    this.say("The paper is empty. Draw a digit, or take one of the test digits.");
  }

  /** @param {number} index */
  async take(index) {
    this.say("Running ...");
    const pixels = await this.call("draw_digit", index);
    this.paper.place(Array.from(pixels, (value) => value / 255));
    await this.encode();
  }

  parts() {
    const tests = this.digits.map((digit, index) =>
      button(String(digit), () => this.take(index), `Test digit ${index + 1}, a ${digit}`),
    );
    const images = make(
      "div",
      { className: "nnbook-explore-pair" },
      figure("What the network sees", this.seen),
      figure("Decoded", this.decoded),
    );
    const back = button("Back to the encoded", () => {
      if (!this.encoded.length) return;
      this.back();
      this.decode();
    });
    const latents = this.sliders.map((slider, i) =>
      make("label", {}, make("span", {}, String(i + 1)), slider),
    );
    const paper = plotted(this.paper.pad, this.paper.pen);
    return [
      row(
        "First test digits:",
        ...tests,
        button("Clear", () => this.wipe()),
      ),
      this.status,
      tops(
        figure("Draw here: pointer, finger, or arrow keys and Space", paper),
        images,
        this.scores,
      ),
      row("The 32 latents", back),
      make("div", { className: "nnbook-explore-latents" }, ...latents),
    ];
  }
}

/**
 * @param {HTMLElement} place
 * @param {Call} call
 * @param {(path: string) => Promise<Uint8Array>} fetchData
 */
export async function start(place, call, fetchData) {
  const draw = new Draw(
    call,
    await call("draw_start", ...(await Promise.all(FILES.map(fetchData)))),
  );
  place.append(...draw.parts());
  await draw.take(0);
}
