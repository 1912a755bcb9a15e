// What the explorables are operated with.
// @ts-check
import { make } from "../dom.js";

/** @param {(Node | string)[]} children */
export const row = (...children) => make("div", { className: "nnbook-explore-row" }, ...children);

/**
 * A row whose parts begin at one height.
 * @param {(Node | string)[]} children
 */
export function tops(...children) {
  const element = row(...children);
  element.classList.add("tops");
  return element;
}

/**
 * @param {string} text
 * @param {HTMLElement} input
 */
export const field = (text, input) => make("label", {}, text, input);

/**
 * @param {number} value
 * @param {number} min
 * @param {number} max
 * @param {number | "any"} step
 */
export function number(value, min, max, step) {
  const bounds = { min: String(min), max: String(max), step: String(step) };
  return make("input", { type: "number", value: String(value), ...bounds });
}

/**
 * Say which number is needed where another one, or none, was written.
 * @param {string} name
 * @param {HTMLInputElement} input
 */
export function checkNumber(name, input) {
  if (input.checkValidity() && input.value !== "") return;
  const kind = input.step === "any" ? "" : "whole ";
  throw new Error(`for ${name} a ${kind}number from ${input.min} to ${input.max} is needed`);
}

/** @param {string[]} options */
export function choice(options) {
  return make("select", {}, ...options.map((text) => make("option", { textContent: text })));
}

/**
 * @param {string} caption
 * @param {(Node | string)[]} children
 */
export const figure = (caption, ...children) =>
  make("figure", {}, ...children, make("figcaption", {}, caption));

/** @param {Node[]} children */
export const plotted = (...children) =>
  make("div", { className: "nnbook-explore-plot" }, ...children);

export const makeStatus = () => make("p", { className: "nnbook-explore-status", role: "status" });

/** @typedef {string | Node} Content */

/**
 * @param {string} caption
 * @param {string[]} heads
 * @param {Content[][]} rows
 */
export function table(caption, heads, rows) {
  /**
   * @param {Content[]} cells
   * @param {"th" | "td"} tag
   */
  const line = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
  const body = make("tbody", {}, ...rows.map((cells) => line(cells, "td")));
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, line(heads, "th")),
    body,
  );
}

/**
 * Ask for one thing at a time; of what is wanted meanwhile, only the last.
 * @param {() => Promise<unknown>} ask
 */
export function latest(ask) {
  let busy = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      try {
        await ask();
      } catch (error) {
        console.error(error);
      }
    }
    busy = false;
  };
}
