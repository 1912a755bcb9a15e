// A Python kernel in a page: starts worker.js, which loads Pyodide from the site itself.
//
//   const kernel = new Kernel({ onprogress: ({ loaded, starting }) => ... });
//   await kernel.start();               // with NumPy; Matplotlib only if named in `packages`
//   await kernel.run("import nnlib", "cell 1", (output) => ...);  // true if it ran to its end
//   await kernel.call("f", 1, [2, 3]);  // what Python's f(1, [2, 3]) returns; rejects with the
//                                       // exception's type and message
//   await kernel.stop();                // true if the state of Python is still there
//
// `files` is a list of { url, path }: each is fetched at the start and written to the worker's
// file system. Where the page is cross-origin isolated a running cell is interrupted; elsewhere, or
// at a second call, Python is started anew.
// @ts-check

/** @typedef {import("./output.js").Shown} Shown */
/** @typedef {(shown: Shown) => void} Receiver */
/** @typedef {{ loaded: number, starting: boolean }} Progress */
/**
 * @typedef {{
 *   resolve: (value: any) => void,
 *   reject: (error: Error) => void,
 *   onoutput?: Receiver,
 * }} Asked
 * @typedef {{
 *   id?: number,
 *   output?: Shown,
 *   value?: unknown,
 *   error?: string,
 *   loaded?: number,
 *   starting?: boolean,
 * }} Message
 */

export class Stopped extends Error {}

export class Kernel {
  /**
   * @param {{
   *   packages?: string[],
   *   files?: { url: string, path: string }[],
   *   onprogress?: (progress: Progress) => void,
   * }} options
   */
  constructor({ packages = ["nnlib"], files = [], onprogress = () => {} } = {}) {
    this.packages = packages;
    this.files = files;
    this.onprogress = onprogress;
    /** @type {Map<number, Asked>} */
    this.running = new Map();
    this.count = 0;
    /** @type {Worker | undefined} */
    this.worker = undefined;
    /** @type {Uint8Array<SharedArrayBuffer> | undefined} */
    this.flag = undefined;
    this.interrupted = false; // what runs now has been asked to end, and may not heed it
  }

  start() {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) =>
      this.fail(new Error(event.message || "Python could not be loaded"));
    this.interrupted = false;
    this.flag = self.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : undefined;
    return this.ask("start", { packages: this.packages, files: this.files, interrupt: this.flag });
  }

  /**
   * @param {string} task
   * @param {object} details
   * @param {Receiver} [onoutput]
   * @returns {Promise<any>}
   */
  ask(task, details = {}, onoutput) {
    this.count += 1;
    const id = this.count;
    return new Promise((resolve, reject) => {
      this.running.set(id, { resolve, reject, onoutput });
      this.worker?.postMessage({ id, task, ...details });
    });
  }

  /** @param {Message} message */
  receive({ id, output, value, error, loaded = 0, starting = false }) {
    if (id === undefined) {
      this.onprogress({ loaded, starting });
      return;
    }
    const asked = this.running.get(id);
    if (output) {
      asked?.onoutput?.(output);
      return;
    }
    this.running.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  /** @param {Error} error */
  fail(error) {
    for (const { reject } of this.running.values()) reject(error);
    this.running.clear();
  }

  /**
   * @param {string} code
   * @param {string} name
   * @param {Receiver} onoutput
   * @returns {Promise<boolean>}
   */
  run(code, name, onoutput) {
    this.interrupted = false;
    return this.ask("run", { code, name }, onoutput);
  }

  /**
   * @param {string} name
   * @param {unknown[]} values
   */
  call(name, ...values) {
    return this.ask("call", { name, values });
  }

  clear() {
    return this.ask("clear");
  }

  /** Whether `stop` can only start Python anew: for the second time, or without isolation. */
  get startsAnew() {
    return !this.flag || this.interrupted;
  }

  // Stops what runs: interrupts it, or starts Python anew.
  async stop() {
    if (this.flag && !this.interrupted) {
      this.interrupted = true;
      this.flag[0] = 2; // SIGINT
      return true;
    }
    this.close();
    await this.start();
    return false;
  }

  close() {
    // what it still says is of no concern to the next one
    if (this.worker) this.worker.onmessage = this.worker.onerror = null;
    this.worker?.terminate();
    this.fail(new Stopped("stopped"));
  }
}
