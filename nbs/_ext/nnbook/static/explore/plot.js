// Pictures: fields of colour, contours, marks, digits.
// @ts-check

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element of SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{ [name: string]: string | number }} attributes
 * @param {string} text
 */
export function shape(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/**
 * The mark of a point: a circle for the class +1, a square for −1.
 * @param {number} label
 * @param {number} x
 * @param {number} y
 */
export function mark(label, x, y) {
  if (label > 0) return shape("circle", { class: "mark plus", cx: x, cy: y, r: 2.6 });
  return shape("rect", { class: "mark minus", x: x - 2.3, y: y - 2.3, width: 4.6, height: 4.6 });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function pen(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser does not draw");
  return context;
}

/**
 * The parts of a color from its name in the theme, such as #1f77b4.
 * @param {string} text
 */
export const color = (text) =>
  (text.match(/[0-9a-f]{2}/gi) ?? []).map((part) => Number.parseInt(part, 16));

/**
 * Values from -1 to 1 on a square grid, in the colours of the classes; weak ones show the page.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 */
export function paintField(canvas, values) {
  const side = Math.sqrt(values.length);
  const style = getComputedStyle(document.documentElement);
  const [below, above] = ["two", "one"].map((name) =>
    color(style.getPropertyValue(`--explore-${name}`)),
  );
  canvas.width = canvas.height = side;
  const image = pen(canvas).createImageData(side, side);
  Array.from(values).forEach((value, i) => {
    image.data.set([...(value > 0 ? above : below), 150 * Math.min(1, Math.abs(value))], 4 * i);
  });
  pen(canvas).putImageData(image, 0, 0);
}

/**
 * A digit of 28 by 28 pixels, whose ink is from 0 to 1.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} pixels
 */
export function paintDigit(canvas, pixels) {
  const image = pen(canvas).createImageData(28, 28);
  Array.from(pixels).forEach((ink, i) => {
    const grey = 255 - 255 * ink;
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  pen(canvas).putImageData(image, 0, 0);
}

/**
 * The curve on which values on a square grid are `level`, for a picture of 100 by 100:
 * marching squares.
 * @param {ArrayLike<number>} values
 * @param {number} level
 */
export function contour(values, level) {
  const side = Math.sqrt(values.length);
  const parts = [];
  for (let i = 0; i + 1 < side; i++) {
    for (let j = 0; j + 1 < side; j++) {
      const cuts = crossings(values, level, side, i, j);
      for (let k = 0; k + 1 < cuts.length; k += 2) parts.push(`M${cuts[k]}L${cuts[k + 1]}`);
    }
  }
  return parts.join("");
}

/**
 * Where the curve crosses the four sides of one square of the grid.
 * @param {ArrayLike<number>} values
 * @param {number} level
 * @param {number} side
 * @param {number} i
 * @param {number} j
 */
function crossings(values, level, side, i, j) {
  const scale = 100 / (side - 1);
  const corners = [
    [i, j],
    [i, j + 1],
    [i + 1, j + 1],
    [i + 1, j],
  ];
  const heights = corners.map(([a, b]) => values[a * side + b] - level);
  const cuts = [];
  for (const [k, [a, b]] of corners.entries()) {
    const [c, d] = corners[(k + 1) % 4];
    const one = heights[k];
    const two = heights[(k + 1) % 4];
    if (one > 0 === two > 0) continue;
    const share = one / (one - two);
    const x = scale * (b + share * (d - b));
    const y = scale * (a + share * (c - a));
    cuts.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  return cuts;
}

/**
 * A path through points, to one decimal.
 * @param {[number, number][]} points
 */
export function path(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}

/**
 * A curve over epochs with its axes and dashed lines at some heights, for a picture of 100 by 75.
 * @param {[number, number][]} values Epochs, and what is drawn over them.
 * @param {{ name: string, epochs: number, top: number, lines: [number, string][] }} frame
 */
export function curveParts(values, { name, epochs, top, lines }) {
  const x = (/** @type {number} */ epoch) => 8 + (90 * epoch) / epochs;
  const y = (/** @type {number} */ value) => 68 - Math.min(1, value / top) * 64;
  const dashed = lines.flatMap(([level, text]) => [
    shape("path", { class: "trap", d: `M8,${y(level)}H98` }),
    shape("text", { x: 98, y: y(level) - 1, "text-anchor": "end" }, text),
  ]);
  return [
    shape("path", { d: "M8,4V68H98" }),
    ...dashed,
    shape("path", { class: "one", d: path(values.map(([epoch, value]) => [x(epoch), y(value)])) }),
    shape("text", { x: 7, y: 69, "text-anchor": "end" }, "0"),
    shape("text", { x: 98, y: 74, "text-anchor": "end" }, `${epochs} epochs`),
    shape("text", { x: 10, y: 5 }, name),
  ];
}
