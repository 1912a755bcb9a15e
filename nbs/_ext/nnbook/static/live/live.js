// "Make this page live": turns the code cells of a chapter into cells that can be edited and run.
// Before the click this script only draws the button; nothing of Python is asked for.
import { button, enable, make } from "../dom.js";

const place = document.querySelector(".nnbook-live");
const { page, megabytes } = JSON.parse(place.dataset.live);
const site = (path) => new URL(`../${path}`, import.meta.url).href; // this script lies in the site's _static/live
const KEYS = "Shift+Enter runs a cell and goes on to the next, Ctrl+Enter stays. Tab indents; after Escape, Tab leaves the code.";

// ---------------------------------------------------------------- the code of a cell
const WORDS = "False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield";
const TOKENS = new RegExp(
  [
    /(?<c1>#.*)/, /(?<s2>[rbfRBF]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    `(?<k>\\b(?:${WORDS})\\b)`, /(?<mi>\b\d[\w.]*)/, /(?<n>[A-Za-z_]\w*)/,
  ].map((part) => part.source ?? part).join("|"), "g");
const escape = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

function highlight(code) {
  let html = "", end = 0;
  for (const match of code.matchAll(TOKENS)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    html += `${escape(code.slice(end, match.index))}<span class="${kind}">${escape(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return `${html}${escape(code.slice(end))}\n`;
}

// A text area over its own text in colours; the text gives both their size.
function makeEditor(code, label, onedit, onrun) {
  const colours = make("pre", { ariaHidden: "true" });
  const area = make("textarea", { value: code, spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off" });
  area.setAttribute("aria-label", label);
  area.setAttribute("aria-describedby", "nnbook-live-keys");
  const draw = () => (colours.innerHTML = highlight(area.value));
  const insert = (text) => document.execCommand("insertText", false, text) || area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  const indent = () => { // the lines that are selected
    const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, stop = area.selectionEnd;
    area.setSelectionRange(start, stop);
    const lines = area.value.slice(start, stop).replace(/^(?=.)/gm, "    ");
    insert(lines);
    area.setSelectionRange(start, start + lines.length);
  };
  let leaving = false;
  area.addEventListener("input", () => { draw(); onedit(); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onrun(event.shiftKey);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const line = area.value.slice(0, area.selectionStart).split("\n").pop();
      insert("\n" + line.match(/^ */)[0] + (/[:([{]$/.test(line) ? "    " : ""));
    } else if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      if (area.selectionStart === area.selectionEnd) insert("    ");
      else indent();
    }
    leaving = event.key === "Escape";
  });
  draw();
  return { area, element: make("div", { className: "nnbook-live-editor highlight" }, colours, area) };
}

// ---------------------------------------------------------------- the outputs of a cell
const LIMIT = 100_000; // characters a cell may print

function inline(text) {
  return escape(text)
    .replace(/&#38;(#?\w+;)/g, "&$1") // an entity is written as one
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\$([^$]+)\$/g, '<span class="math">\\($1\\)</span>')
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(?<![\w*])[*_]([^*_\s][^*_]*)[*_](?![\w*])/g, "<em>$1</em>");
}

// As much of Markdown as computed results use: paragraphs, tables and fenced code.
function blocks(text) {
  return text.split(/\n\s*\n/).map((block) => block.trim()).filter(Boolean).map((block) => {
    const rows = block.split("\n").map((line) => line.trim());
    if (rows.length < 2 || !/^\|?[\s:|-]+\|[\s:|-]*$/.test(rows[1])) return `<p>${inline(block)}</p>`;
    const cells = (row) => row.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
    const sides = cells(rows[1]).map((mark) => (mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "right") : "left"));
    const line = (row, tag) => `<tr>${cells(row).map((cell, i) => `<${tag} class="text-${sides[i]}"><p>${cell}</p></${tag}>`).join("")}</tr>`;
    return `<div class="pst-scrollable-table-container"><table class="table"><thead>${line(rows[0], "th")}</thead><tbody>${rows.slice(2).map((row) => line(row, "td")).join("")}</tbody></table></div>`;
  }).join("");
}

function markdown(text) {
  const parts = text.split(/^```\w*\n([^]*?)^```$/m); // every second is code
  const html = parts.map((part, i) => (i % 2 ? `<div class="highlight"><pre>${highlight(part.trimEnd())}</pre></div>` : blocks(part)));
  const element = make("div", { className: "output text_markdown", innerHTML: html.join("") });
  if (element.querySelector(".math")) window.MathJax?.typesetPromise?.([element]);
  return element;
}

class Output {
  constructor(cell, input) {
    this.made = !cell.querySelector(".cell_output");
    this.element = cell.querySelector(".cell_output") ?? make("div", { className: "cell_output docutils container" });
    if (this.made) input.after(this.element);
    this.before = [...this.element.childNodes];
    this.figure = this.element.querySelector("figure");
    this.image = this.figure?.querySelector("img");
    this.source = this.image?.getAttribute("src");
    this.urls = [];
  }

  begin() {
    this.fresh = true;
    this.printed = 0;
    this.cut = false;
    this.drawn = false;
    this.element.classList.add("nnbook-live-stale");
  }

  clear() {
    if (!this.fresh) return;
    this.fresh = false;
    this.element.classList.remove("nnbook-live-stale");
    this.element.replaceChildren(...(this.figure ? [this.figure] : []));
    this.figure?.classList.add("nnbook-live-stale");
    this.revoke();
  }

  add({ kind, text }) {
    this.clear();
    if (kind === "svg") this.draw(text);
    else if (kind === "markdown") this.insert(markdown(text));
    else this.print(kind, text);
  }

  insert(element) {
    if (this.figure && !this.drawn) this.figure.before(element);
    else this.element.append(element);
  }

  draw(svg) {
    const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    this.urls.push(url);
    if (this.figure && !this.drawn) this.image.src = url;
    else this.insert(make("img", { src: url, alt: "Figure drawn by this cell", className: "nnbook-live-figure" }));
    this.image?.classList.add("nnbook-live-figure");
    this.figure?.classList.remove("nnbook-live-stale");
    this.drawn = true;
  }

  print(kind, text) {
    if (kind !== "error") {
      if (this.cut) return;
      const room = LIMIT - this.printed;
      this.cut = text.length > room;
      if (this.cut) text = `${text.slice(0, room)}\n... and more, which is not shown.`;
      this.printed += text.length;
    }
    const style = { stdout: "stream", stderr: "stderr", text: "text_plain", error: "traceback" }[kind];
    const last = this.last?.isConnected && this.last.dataset.kind === kind && kind.startsWith("std") ? this.last : undefined;
    if (last) return last.querySelector("pre").append(text);
    this.last = make("div", { className: `output ${style}` }, make("div", { className: "highlight" }, make("pre", {}, text)));
    this.last.dataset.kind = kind;
    if (kind === "error") this.last.setAttribute("role", "alert");
    this.insert(this.last);
  }

  end() {
    this.clear();
    if (!this.element.childNodes.length) this.element.hidden = true;
    else this.element.hidden = false;
  }

  keep() {
    this.element.classList.remove("nnbook-live-stale"); // it did not run after all
  }

  revoke() {
    this.urls.splice(0).forEach(URL.revokeObjectURL);
  }

  reset() {
    this.element.replaceChildren(...this.before);
    this.element.hidden = false;
    for (const element of [this.element, this.figure]) element?.classList.remove("nnbook-live-stale");
    this.image?.classList.remove("nnbook-live-figure");
    if (this.image?.className === "") this.image.removeAttribute("class");
    this.image?.setAttribute("src", this.source);
    this.revoke();
    if (this.made) this.element.remove();
  }
}

// ---------------------------------------------------------------- cells
class Cell {
  constructor(live, info, number) {
    Object.assign(this, info, { live, number, ran: false, name: `<cell ${number}>` });
    this.shown = document.querySelector(`.cell.live-${CSS.escape(info.id)}`);
  }

  get code() {
    return this.editor?.area.value ?? this.source;
  }

  build() {
    if (!this.shown) return;
    const input = this.shown.querySelector(".cell_input");
    this.original = input.firstElementChild;
    this.editor = makeEditor(this.source, `Code of cell ${this.number}`, () => this.edited(), (next) => this.go(next));
    this.state = make("span", { className: "nnbook-live-state" });
    this.button = button("Run", () => this.live.runUpTo(this), `Run cell ${this.number}`);
    const foot = make("div", { className: "nnbook-live-foot" }, this.button, this.state);
    this.original.hidden = true;
    input.append(this.editor.element, foot);
    this.output = new Output(this.shown, input);
    this.added = [this.editor.element, foot];
    if (this.note) {
      this.added.push(make("p", { className: "nnbook-live-remark" }, this.note));
      this.output.element.before(this.added.at(-1)); // to be seen where the code is folded, too
    }
  }

  edited() {
    this.ran = false;
    this.state.textContent = this.code === this.source ? "" : "edited";
  }

  go(next) {
    this.live.runUpTo(this);
    const rest = this.live.cells.slice(this.number).find((cell) => cell.editor?.area.checkVisibility?.() ?? cell.editor);
    if (next) rest?.editor.area.focus();
  }

  say(text) {
    if (this.state) this.state.textContent = text;
  }

  async run(kernel) {
    let failure = "";
    const receive = (output) => {
      this.output?.add(output);
      if (output.kind === "error") failure = output.text;
    };
    this.output?.begin();
    this.say("running ...");
    this.shown?.setAttribute("aria-busy", "true");
    const start = performance.now(), code = this.code;
    let ended;
    try {
      ended = await kernel.run(code, this.name, receive);
      this.ran = ended && this.code === code; // it may have been edited meanwhile
    } catch (error) {
      this.output?.keep();
      this.say("stopped");
      throw error;
    } finally {
      this.shown?.removeAttribute("aria-busy");
    }
    this.output?.end();
    const verdict = `${ended ? "ran" : "failed"}, ${((performance.now() - start) / 1000).toFixed(1)} s`;
    this.say(this.code === code ? verdict : `${verdict}, edited since`);
    if (!this.shown) this.warn(failure);
    return ended;
  }

  // A hidden cell that fails is one that checks what the text says: say so where it stands.
  warn(failure) {
    this.box?.remove();
    this.box = undefined;
    if (!failure) return;
    const said = "A hidden cell failed here: with this code, something that the text says does not hold.";
    const trace = make("details", {}, make("summary", {}, "Traceback"), make("pre", {}, failure));
    this.box = make("div", { className: "nnbook-live-warning" }, make("p", {}, said), trace);
    const above = this.live.cells.slice(0, this.number - 1).findLast((cell) => cell.shown);
    (above?.shown ?? place).after(this.box);
  }

  reset() {
    this.box?.remove();
    if (!this.shown) return;
    this.output.reset();
    this.added.forEach((element) => element.remove());
    this.original.hidden = false;
  }
}

// ---------------------------------------------------------------- the page
class Live {
  constructor() {
    this.data = megabytes.data >= 0.5 ? ` and ${megabytes.data.toFixed(0)} MB of data` : "";
    this.offer();
  }

  offer() {
    place.hidden = false;
    if (megabytes.code === undefined) return this.explain("This build of the book has no Python for the browser: its pages cannot be made live.");
    const start = button("Make this page live", () => this.start());
    const text = `Edit and run its code here, with nothing installed. Loads ${megabytes.code.toFixed(0)} MB${this.data} from this site.`;
    place.replaceChildren(start, make("span", {}, text));
  }

  explain(text) {
    place.replaceChildren(make("span", {}, text));
  }

  async start() {
    const turn = (this.turn = (this.turn ?? 0) + 1); // a later start, or Cancel, ends this one
    const total = (megabytes.code + megabytes.data) * 1e6;
    const bar = make("progress", { max: total, value: 0, ariaLabel: "Loading Python" });
    const text = make("span", { role: "status" }, "Loading Python ...");
    const cancel = button("Cancel", () => this.reset());
    place.replaceChildren(bar, text, cancel);
    cancel.focus();
    const progress = ({ loaded, starting }) => {
      bar.value = Math.max(bar.value, Math.min(loaded, total));
      const done = Math.min(loaded, total) / 1e6;
      text.textContent = starting || done > 0.99 * total / 1e6 ? "Starting Python ..." : `Loading Python: ${done.toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`;
    };
    try {
      const { Kernel, Stopped } = await import("./live-kernel.js");
      this.Stopped = Stopped;
      const answer = await fetch(new URL(`${page}.live.json`, location.href));
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      const { cells, data } = await answer.json();
      if (turn !== this.turn) return;
      const files = data.map((path) => ({ url: site(path), path: `/${path}` }));
      this.kernel = new Kernel({ packages: ["nnlib", "matplotlib"], files, onprogress: progress });
      await this.kernel.start();
      if (turn !== this.turn) return;
      this.open(cells);
    } catch (error) {
      if (turn !== this.turn || (this.Stopped && error instanceof this.Stopped)) return;
      this.reset();
      place.append(make("span", { role: "alert", className: "nnbook-live-remark" }, `Python did not start: ${error.message}`));
    }
  }

  open(cells) {
    this.cells = cells.map((info, index) => new Cell(this, info, index + 1));
    this.cells.forEach((cell) => cell.build());
    this.queue = Promise.resolve();
    this.runAll = button("Run all", () => this.run(() => this.cells.filter((cell) => !cell.skip), true), "Run all cells");
    this.stopper = button("Stop", () => this.stop(), "Stop the running cell");
    this.setBusy(false);
    this.status = make("span", { role: "status", className: "nnbook-live-status" }, "This page is live");
    this.bar = make("div", { className: "nnbook-live-bar", role: "region", ariaLabel: "Live page" },
      this.runAll, this.stopper, button("Reset", () => this.reset(), "Reset the page"), this.status);
    const waiting = place.contains(document.activeElement) || document.activeElement === document.body;
    document.body.append(this.bar);
    document.body.classList.add("nnbook-is-live");
    place.replaceChildren(make("span", { id: "nnbook-live-keys" }, `This page is live. Running a cell runs first what stands above it and has not run. ${KEYS}`));
    if (waiting) this.runAll.focus(); // who has gone on to something else stays there
  }

  setBusy(busy) {
    this.busy = busy;
    enable(this.stopper, busy);
  }

  // Run a cell, after everything above it that has not run as it stands.
  runUpTo(cell) {
    this.run(() => this.cells.slice(0, cell.number).filter((other) => other === cell || !(other.ran || other.skip)));
  }

  // `choose` names the cells when their turn has come, for what waits before them may run some.
  run(choose, anew = false) {
    const turn = this.turn;
    this.queue = this.queue.then(() => this.perform(choose, turn, anew));
  }

  async perform(choose, turn, anew) {
    if (turn !== this.turn) return;
    this.setBusy(true);
    try {
      let failed = 0;
      if (anew) {
        this.cells.forEach((cell) => (cell.ran = false));
        await this.kernel.clear();
      }
      for (const cell of choose()) {
        if (turn !== this.turn) return;
        this.say(`Running cell ${cell.number} of ${this.cells.length}`);
        if (await cell.run(this.kernel)) continue;
        failed += 1;
        if (cell.shown) return this.say(`Cell ${cell.number} failed`);
        cell.ran = true; // it has been told; what stands below goes on
      }
      this.say(failed ? `Done; ${failed} hidden ${failed === 1 ? "cell" : "cells"} failed` : "Done");
    } catch (error) {
      if (!(error instanceof this.Stopped)) this.say(`Python broke off: ${error.message}`);
    } finally {
      if (turn === this.turn) this.setBusy(false);
    }
  }

  // Where the site is not served cross-origin isolated, Python cannot be interrupted: it is started anew.
  async stop() {
    const turn = (this.turn += 1);
    const said = (text) => turn === this.turn && this.say(text);
    this.say("Stopping ...");
    if (!this.kernel.flag || this.kernel.flag[0]) {
      this.cells.forEach((cell) => (cell.ran = false));
      this.queue = this.restart(said);
    } else {
      setTimeout(() => this.busy && said("Stopping ... If that takes too long, press Stop again: Python is started anew"), 2000);
      await this.kernel.stop();
      this.queue = this.queue.then(() => said("Stopped"));
    }
    this.queue = this.queue.then(() => turn === this.turn && this.setBusy(false));
  }

  async restart(said) {
    try {
      await this.kernel.stop();
      said("Stopped. Python was started anew: variables are gone, cells above will run again");
    } catch (error) {
      if (error instanceof this.Stopped) return;
      said(`Python did not start again: ${error.message}. Press Reset, then make the page live again`);
    }
  }

  say(text) {
    this.status.textContent = text;
  }

  reset() {
    this.turn += 1;
    this.kernel?.close();
    this.cells?.forEach((cell) => cell.reset());
    this.bar?.remove();
    document.body.classList.remove("nnbook-is-live");
    this.kernel = this.cells = this.bar = undefined;
    this.offer();
    place.querySelector("button")?.focus();
    dispatchEvent(new Event("resize")); // the theme looks again at what can be scrolled
  }
}

new Live();
