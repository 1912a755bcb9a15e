// What Python knows of the name before the caret: how it may go on, how it is called, and where the
// reference describes it. Shown below the code, as a shell does.
// @ts-check
import { make, site } from "../dom.js";

const MOST = 60; // names that are listed

/** @typedef {{ names: string[], call: string, text: string, place: string }} Known */

/**
 * The name, with dots, that ends where the caret stands.
 * @param {string} before
 */
export const nameBefore = (before) => /[A-Za-z_][\w.]*$/.exec(before)?.[0] ?? "";

/**
 * What several names begin with.
 * @param {string[]} names
 */
export function common(names) {
  let shared = names[0] ?? "";
  for (const name of names) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  return shared;
}

/**
 * Show what is known; nothing if that is nothing.
 * @param {HTMLElement} place
 * @param {string} name
 * @param {Known} known
 */
export function show(place, name, { names, call, text, place: entry }) {
  const parts = [];
  if (names.length > 1) {
    const last = names.slice(0, MOST).map((each) => each.slice(each.lastIndexOf(".") + 1));
    const more = names.length > MOST ? ` and ${names.length - MOST} more` : "";
    parts.push(make("p", {}, `${last.join("  ")}${more}`));
  }
  if (call) parts.push(make("p", {}, make("code", {}, call), text ? ` ${text}` : ""));
  if (entry) {
    const href = site(`../nbs/api.html#${entry}`);
    parts.push(make("p", {}, make("a", { href, target: "_blank" }, `Reference of ${entry}`)));
  }
  if (!parts.length && !names.length)
    parts.push(make("p", {}, `Python does not know ${name} yet: run the cells above first.`));
  place.replaceChildren(...parts);
}
