// The reader's edits of a page: kept in the browser as they are typed, carried by a link, put into
// the notebook that is taken home.
// @ts-check
const MARK = "#nnbook-code=";

/** @typedef {{ [id: string]: string }} Edits The code of each cell that was edited. */

const key = () => `nnbook-edits:${location.pathname}`;

/** @returns {Edits} */
export function kept() {
  try {
    return JSON.parse(localStorage.getItem(key()) ?? "{}");
  } catch {
    return {}; // this browser keeps nothing
  }
}

/**
 * Keep these instead of what was kept; return whether the browser does.
 * @param {Edits} edits
 */
export function keep(edits) {
  try {
    if (Object.keys(edits).length) localStorage.setItem(key(), JSON.stringify(edits));
    else localStorage.removeItem(key());
    return true;
  } catch {
    return false;
  }
}

/**
 * The part of an address that carries the code of a cell.
 * @param {string} id
 * @param {string} code
 */
export function encode(id, code) {
  const bytes = new TextEncoder().encode(code);
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `${MARK}${id}.${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/**
 * The cell and the code that an address carries, if it does.
 * @param {string} hash
 * @returns {{ id: string, code: string } | undefined}
 */
export function decode(hash) {
  if (!hash.startsWith(MARK)) return undefined;
  const [id, text = ""] = hash.slice(MARK.length).split(".");
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    return { id, code: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return undefined; // cut off on its way
  }
}

/**
 * A notebook with the edits in it; the lines at the head of a cell that direct the build stay.
 * @template {{ cells: { id: string, source: string | string[] }[] }} Notebook
 * @param {Notebook} notebook
 * @param {Edits} edits
 * @returns {Notebook}
 */
export function merged(notebook, edits) {
  const cells = notebook.cells.map((cell) => {
    if (!(cell.id in edits)) return cell;
    const lines = [cell.source].flat().join("").split("\n");
    const directives = lines.filter((line) => line.startsWith("#|"));
    return { ...cell, source: [...directives, edits[cell.id]].join("\n") };
  });
  return { ...notebook, cells };
}
