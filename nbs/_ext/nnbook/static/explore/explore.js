// The explorables of a page: a button each; after a click nnlib runs in the page, and what can be
// tried out takes the place of the figure. What is computed is in explore.py; its functions are
// called by name through the live page's kernel.
// @ts-check
import { button, find, make, said, site } from "../dom.js";

/** @typedef {import("../live/kernel.js").Kernel} Kernel */
/** @typedef {import("../live/kernel.js").Progress} Progress */

/** @type {{ [kind: string]: { title: string, load: () => Promise<{ start: Function }> } }} */
const EXPLORABLES = {
  draw: { title: "Draw a digit", load: () => import("./draw.js") },
  smo: { title: "Step through SMO", load: () => import("./smo.js") },
  train: { title: "Train an autoencoder", load: () => import("./train.js") },
  valley: { title: "Descend into a valley", load: () => import("./valley.js") },
  xor: { title: "Train on XOR", load: () => import("./xor.js") },
};
const COMPUTE = {
  url: site("explore/explore.py"),
  path: "/lib/python3.12/site-packages/nnbook_explore.py",
};

/**
 * A kernel of their own: what the reader runs in the cells of the page disturbs nothing here.
 * @param {(progress: Progress) => void} onprogress
 */
async function startKernel(onprogress) {
  const { Kernel } = await import("../live/kernel.js");
  const kernel = new Kernel({ onprogress, files: [COMPUTE] });
  try {
    await kernel.start();
    let failure = "";
    const ran = await kernel.run("from nnbook_explore import *", "explore", ({ text }) => {
      failure = text;
    });
    if (!ran) throw new Error(failure.trim().split("\n").at(-1));
  } catch (error) {
    kernel.close();
    throw error;
  }
  return kernel;
}

/**
 * Call a function of explore.py.
 * @param {Kernel} kernel
 * @param {string} name
 * @param {unknown[]} values
 */
async function call(kernel, name, ...values) {
  const { value, error } = await kernel.call("attempt", name, ...values);
  if (error !== undefined) throw new Error(error);
  return value;
}

/** @param {string} path */
async function fetchData(path) {
  const answer = await fetch(site(path));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * Show how much has been loaded; return what is to be called with it.
 * @param {HTMLElement} place
 * @param {number} total In megabytes.
 */
function showProgress(place, total) {
  const bar = make("progress", { max: total, value: 0, ariaLabel: "Loading Python" });
  const text = make("span", { role: "status" }, "Loading Python ...");
  place.replaceChildren(bar, text);
  return (/** @type {Progress} */ { loaded, starting }) => {
    bar.value = Math.min(loaded / 1e6, total);
    const loading = `Loading Python: ${bar.value.toFixed(0)} of ${total.toFixed(0)} MB`;
    text.textContent = starting ? "Starting Python ..." : loading;
  };
}

/**
 * @param {HTMLElement} place
 * @param {string} kind
 * @param {number} total
 */
async function open(place, kind, total) {
  const { title, load } = EXPLORABLES[kind];
  try {
    const [kernel, { start }] = await Promise.all([
      startKernel(showProgress(place, total)),
      load(),
    ]);
    const inside = make("div");
    await start(inside, (/** @type {[string]} */ ...asked) => call(kernel, ...asked), fetchData);
    place.classList.add("nnbook-explore-on");
    place.setAttribute("role", "region");
    place.setAttribute("aria-label", title);
    place.replaceChildren(...inside.childNodes);
    document
      .getElementById(place.dataset.figure ?? "")
      ?.closest(".cell")
      ?.classList.add("nnbook-explore-figure");
    find(place, "button").focus({ preventScroll: true });
  } catch (error) {
    offer(place);
    place.append(make("span", { role: "alert" }, `Python did not start: ${said(error)}`));
  }
}

/** @param {HTMLElement} place */
function offer(place) {
  const { kind = "", code, data } = place.dataset;
  place.hidden = false;
  if (code === undefined) {
    place.replaceChildren("This build of the book has no Python for the browser.");
    return;
  }
  const total = Number(code) + Number(data);
  const text = `nnlib itself, in this page. Loads ${total.toFixed(0)} MB from this site.`;
  place.replaceChildren(
    button(EXPLORABLES[kind].title, () => open(place, kind, total)),
    make("span", {}, text),
  );
}

for (const place of /** @type {NodeListOf<HTMLElement>} */ (
  document.querySelectorAll(".nnbook-explorable")
)) {
  offer(place);
}
