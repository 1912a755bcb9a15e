// The notebook of a page as the reader has edited it, to be taken home.
// @ts-check
import { make } from "../dom.js";
import { merged } from "./edits.js";

/** @param {import("./edits.js").Edits} edits */
export async function takeHome(edits) {
  const name =
    location.pathname
      .split("/")
      .at(-1)
      ?.replace(/\.html$/, "") ?? "";
  const answer = await fetch(new URL(`../_sources/nbs/${name}.ipynb`, location.href));
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  const notebook = merged(await answer.json(), edits);
  const file = new Blob([JSON.stringify(notebook, null, 1)], { type: "application/x-ipynb+json" });
  const href = URL.createObjectURL(file);
  const edited = Object.keys(edits).length ? "-edited" : "";
  make("a", { href, download: `${name}${edited}.ipynb` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
