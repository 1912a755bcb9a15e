// Python in a worker, so that the page stays awake. kernel.js talks to it.
// @ts-check
import { said, site } from "../dom.js";

/** @typedef {{ id: number, task: string, [detail: string]: any }} Asked */

/** @type {any} */
let python;
/** @type {any} */
let kernel;
/** @type {Uint8Array | undefined} */
let flag;

/** @type {(error: unknown) => void} */
let lose = () => {};
// Rejected by what could not be loaded: Pyodide only logs a package, and waits for its core.
const lost = new Promise((_, reject) => {
  lose = reject;
});
lost.catch(() => {});

// Every byte that Pyodide asks for is counted on its way.
let loaded = 0;
const plainFetch = self.fetch.bind(self);

/** @param {Parameters<typeof fetch>} request */
async function counted(...request) {
  const response = await plainFetch(...request);
  if (!response.ok) throw new Error(`the site answers ${response.status}`);
  if (!response.body) return response;
  const count = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      postMessage({ loaded });
      controller.enqueue(chunk);
    },
  });
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  // a host may give another type, with which a browser compiles nothing
  if (response.url.endsWith(".wasm")) headers.set("Content-Type", "application/wasm");
  return new Response(response.body.pipeThrough(count), { status, statusText, headers });
}

/**
 * Say of a promise that fails which file could not be loaded.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} name
 */
async function loading(promise, name) {
  try {
    return await promise;
  } catch (error) {
    const told = new Error(`could not load ${name}: ${said(error)}`);
    lose(told);
    throw told;
  }
}

self.fetch = (...request) => {
  const [asked] = request;
  const name = (asked instanceof Request ? asked.url : String(asked)).split("/").at(-1) ?? "";
  return loading(counted(...request), name);
};
const compile = WebAssembly.instantiateStreaming;
WebAssembly.instantiateStreaming = (...given) => loading(compile(...given), "pyodide.asm.wasm");

/** @param {string} url */
async function read(url) {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/**
 * List the packages with all that they need; Pyodide only logs what it could not load.
 * @param {string[]} packages
 * @param {{ [name: string]: { depends: string[] } }} known
 */
function needed(packages, known) {
  const wanted = new Set(packages); // a set goes on to what is added on the way
  for (const name of wanted) for (const other of known[name].depends) wanted.add(other);
  return [...wanted];
}

/** @param {Asked} asked */
async function start({ packages, files, interrupt }) {
  /** @type {{ url: string, path: string }[]} */
  const wanted = [
    { url: site("live/kernel.py"), path: "/lib/python3.12/site-packages/nnbook_kernel.py" },
    { url: site("matplotlibrc"), path: "/matplotlibrc" },
    ...files,
  ];
  const contents = wanted.map(
    async ({ url, path }) => /** @type {const} */ ([path, await read(url)]),
  );
  const home = {
    MPLBACKEND: "module://nnbook_kernel",
    MATPLOTLIBRC: "/matplotlibrc",
    NNLIB_DATA: "/data",
    HOME: "/home/pyodide",
  };
  const { loadPyodide } = await import(site("pyodide/pyodide.mjs"));
  python = await loadPyodide({ indexURL: site("pyodide/"), packages, env: home });
  const { packages: known } = await (await plainFetch(site("pyodide/pyodide-lock.json"))).json();
  const missing = needed(packages, known).filter((name) => !(name in python.loadedPackages));
  if (missing.length) throw new Error(`could not load ${missing.join(", ")}`);
  for (const [path, data] of await Promise.all(contents)) {
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")) || "/");
    python.FS.writeFile(path, data);
  }
  postMessage({ loaded, starting: true });
  flag = interrupt;
  if (flag) python.setInterruptBuffer(flag);
  kernel = python.pyimport("nnbook_kernel").kernel;
}

/**
 * Python values become numbers, texts, arrays (typed ones for NumPy's) and objects.
 * @param {any} value
 */
function toJs(value) {
  if (!(value instanceof python.ffi.PyProxy)) return value;
  return value.toJs({ dict_converter: Object.fromEntries, create_proxies: false });
}

/** @type {{ [task: string]: (asked: Asked) => unknown }} */
const tasks = {
  start: (asked) => Promise.race([start(asked), lost]),
  clear: () => kernel.clear(),
  run: ({ id, code, name }) => {
    if (flag) flag[0] = 0;
    return kernel.run(code, name, (/** @type {unknown} */ output) =>
      postMessage({ id, output: toJs(output) }),
    );
  },
  know: ({ name }) => toJs(kernel.know(name)),
  call: ({ name, values }) => {
    const value = toJs(kernel.call(name, python.toPy(values)));
    if (kernel.failure) throw new Error(kernel.failure);
    return value;
  },
};

self.addEventListener("unhandledrejection", ({ reason }) => lose(reason));

self.onmessage = async ({ data }) => {
  try {
    const value = await tasks[data.task](data);
    postMessage({ id: data.id, value });
  } catch (error) {
    postMessage({ id: data.id, error: said(error) });
  }
};
