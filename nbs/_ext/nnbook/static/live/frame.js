// HTML that a cell shows, in a frame where no script runs and nothing is asked for.
// @ts-check
import { make } from "../dom.js";

const POLICY = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'";

/**
 * What stands before the HTML: the policy, and the look of the page around it.
 * @param {{ color: string, font: string }} look
 */
export function head({ color, font }) {
  const style = [
    `body { margin: 0; color: ${color}; font: ${font}; overflow-wrap: anywhere; }`,
    "table { border-collapse: collapse; }",
    "th, td { padding: .2em .6em; border-bottom: 1px solid; text-align: right; }",
  ].join(" ");
  return `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><style>${style}</style>`;
}

/** @param {string} html */
export function makeFrame(html) {
  const { color, fontSize, fontFamily } = getComputedStyle(document.body);
  const look = { color, font: `${fontSize} ${fontFamily}` };
  const frame = make("iframe", { title: "HTML that this cell shows" });
  frame.className = "nnbook-live-frame";
  frame.setAttribute("sandbox", "allow-same-origin"); // to be measured; no scripts, forms, windows
  frame.srcdoc = head(look) + html;
  frame.onload = () => {
    const inside = frame.contentDocument?.documentElement;
    if (inside) frame.style.height = `${inside.scrollHeight}px`;
  };
  return frame;
}
