// Python in a worker, so that the page stays awake. live-kernel.js talks to it.
import { loadPyodide } from "../pyodide/pyodide.mjs";

let python, kernel, flag;
const here = (name) => new URL(name, import.meta.url).href;

// Every byte that Pyodide asks for is counted on its way.
let loaded = 0;
const plainFetch = self.fetch.bind(self);
self.fetch = async (...request) => {
  const response = await plainFetch(...request);
  if (!response.ok || !response.body) return response;
  const count = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      postMessage({ progress: loaded });
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(count), { status, statusText, headers });
};

async function read(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function start({ packages, files, interrupt }) {
  const needed = [
    { url: here("live-kernel.py"), path: "/lib/python3.12/site-packages/nnbook_kernel.py" },
    { url: here("../matplotlibrc"), path: "/matplotlibrc" },
    ...files,
  ].map(async ({ url, path }) => [path, await read(url)]);
  const home = { MPLBACKEND: "module://nnbook_kernel", MATPLOTLIBRC: "/matplotlibrc", NNLIB_DATA: "/data", HOME: "/home/pyodide" };
  python = await loadPyodide({ indexURL: here("../pyodide/"), packages, env: home });
  const { packages: known } = await (await plainFetch(here("../pyodide/pyodide-lock.json"))).json();
  const wanted = new Set(packages); // a set goes on to what is added on the way
  for (const name of wanted) known[name].depends.forEach((other) => wanted.add(other));
  const missing = [...wanted].filter((name) => !(name in python.loadedPackages)); // Pyodide only logs these
  if (missing.length) throw new Error(`could not load ${missing.join(", ")}`);
  for (const [path, data] of await Promise.all(needed)) {
    python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")) || "/");
    python.FS.writeFile(path, data);
  }
  postMessage({ progress: loaded, starting: true });
  if (interrupt) python.setInterruptBuffer((flag = interrupt));
  kernel = python.pyimport("nnbook_kernel").kernel;
}

// Python values become numbers, texts, arrays (typed ones for NumPy's) and objects.
const toJs = (value) =>
  value instanceof python.ffi.PyProxy ? value.toJs({ dict_converter: Object.fromEntries, create_proxies: false }) : value;

const tasks = {
  start,
  clear: () => kernel.clear(),
  run: ({ id, code, name }) => {
    const send = (output) => postMessage({ id, output: toJs(output) });
    if (flag) flag[0] = 0;
    return kernel.run(code, name, send);
  },
  call: ({ name, values }) => {
    const value = toJs(kernel.call(name, python.toPy(values)));
    if (kernel.failure) throw new Error(kernel.failure);
    return value;
  },
};

// Pyodide leaves a core that does not arrive to nobody.
self.addEventListener("unhandledrejection", (event) => {
  if (!kernel) throw new Error(`could not load Python: ${event.reason?.message ?? event.reason}`);
});

self.onmessage = async ({ data }) => {
  try {
    const value = await tasks[data.task](data);
    postMessage({ id: data.id, value });
  } catch (error) {
    postMessage({ id: data.id, error: String(error.message ?? error) });
  }
};
