// Brackets and quotes in pairs: what a key writes, from text to text.
// @ts-check

/**
 * What is to be written in the place of `from` to `to`, and what is selected then.
 * @typedef {{ from: number, to: number, text: string, start: number, end: number }} Edit
 */

/** @type {{ [open: string]: string }} */
const PAIRS = { "(": ")", "[": "]", "{": "}", '"': '"', "'": "'" };
const CLOSING = new Set(Object.values(PAIRS));

/**
 * Whether a quote here begins a text: beside a name or another quote it ends one, or is an
 * apostrophe. The prefixes of Python's strings belong to the quote.
 * @param {string} before
 */
const beginsText = (before) => !/[\w'"]$/.test(before.replace(/(^|\W)[rbfu]{1,2}$/i, "$1"));

/**
 * What a key writes that opens or closes a pair; undefined where it writes only itself. What is
 * selected is wrapped.
 * @param {string} key
 * @param {string} value
 * @param {number} from
 * @param {number} to
 * @returns {Edit | undefined}
 */
export function typed(key, value, from, to) {
  const close = PAIRS[key];
  if (from !== to) {
    if (!close) return undefined;
    const text = key + value.slice(from, to) + close;
    return { from, to, text, start: from + 1, end: to + 1 };
  }
  const after = value[to] ?? "";
  if (CLOSING.has(key) && after === key) return { from, to, text: "", start: to + 1, end: to + 1 };
  // in front of a name a bracket is put around what stands there, by hand
  if (!close || !/^[\s)\]},:;]?$/.test(after)) return undefined;
  if (close === key && !beginsText(value.slice(0, from))) return undefined;
  return { from, to, text: key + close, start: from + 1, end: from + 1 };
}

/**
 * What Backspace takes: both of an empty pair.
 * @param {string} value
 * @param {number} at
 * @returns {Edit | undefined}
 */
export function erased(value, at) {
  const close = PAIRS[value[at - 1] ?? ""];
  if (!close || value[at] !== close) return undefined;
  return { from: at - 1, to: at + 1, text: "", start: at - 1, end: at - 1 };
}

/**
 * What Enter writes: the next line with its indent; between brackets the closing one gets a line
 * of its own.
 * @param {string} value
 * @param {number} from
 * @param {number} to
 * @param {string} indent Of the next line.
 * @returns {Edit}
 */
export function broken(value, from, to, indent) {
  const line = value.slice(value.lastIndexOf("\n", from - 1) + 1, from);
  const close = PAIRS[value[from - 1] ?? ""];
  const own = /^ */.exec(line)?.[0] ?? "";
  const between = from === to && /[)\]}]/.test(close ?? "") && value[to] === close;
  const at = from + 1 + indent.length;
  return { from, to, text: `\n${indent}${between ? `\n${own}` : ""}`, start: at, end: at };
}
