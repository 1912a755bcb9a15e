// A Python kernel in a page: starts live-worker.js, which loads Pyodide from the site itself.
//
//   const kernel = new Kernel({ packages: ["nnlib"], onprogress: ({ loaded, starting }) => ... });
//   await kernel.start();                                  // NumPy, Matplotlib only if named in `packages`
//   await kernel.run("import nnlib", "cell 1", (output) => ...);   // true if it ran to its end
//   await kernel.call("f", 1, [2, 3]);                      // what Python's f(1, [2, 3]) returns
//                                                          // rejects with the exception's type and message
//   await kernel.stop();                                    // true if the state of Python is still there
//
// `files` is a list of { url, path }: each is fetched at the start and written to the worker's file system.
// Where the page is cross-origin isolated a running cell is interrupted; elsewhere Python is started anew.

export class Stopped extends Error {}

export class Kernel {
  constructor({ packages = ["nnlib"], files = [], onprogress = () => {} } = {}) {
    Object.assign(this, { packages, files, onprogress, running: new Map(), count: 0 });
  }

  start() {
    this.worker = new Worker(new URL("live-worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => this.fail(new Error(event.message || "Python could not be loaded"));
    this.flag = self.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : undefined;
    return this.ask("start", { packages: this.packages, files: this.files, interrupt: this.flag });
  }

  ask(task, details = {}, onoutput) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.running.set(id, { resolve, reject, onoutput });
      this.worker.postMessage({ id, task, ...details });
    });
  }

  receive({ id, output, value, error, ...progress }) {
    if (id === undefined) return this.onprogress({ loaded: progress.progress, starting: Boolean(progress.starting) });
    const asked = this.running.get(id);
    if (output) return asked?.onoutput?.(output);
    this.running.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  fail(error) {
    for (const { reject } of this.running.values()) reject(error);
    this.running.clear();
  }

  run(code, name, onoutput) {
    return this.ask("run", { code, name }, onoutput);
  }

  call(name, ...values) {
    return this.ask("call", { name, values });
  }

  clear() {
    return this.ask("clear");
  }

  // Stops what runs. A second call, or one without isolation, starts Python anew.
  async stop() {
    if (this.flag && this.flag[0] === 0) {
      this.flag[0] = 2; // SIGINT
      return true;
    }
    this.close();
    await this.start();
    return false;
  }

  close() {
    if (this.worker) this.worker.onmessage = this.worker.onerror = null; // what it still says is of no concern to the next one
    this.worker?.terminate();
    this.fail(new Stopped("stopped"));
  }
}
