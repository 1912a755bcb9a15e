// The explorables of a page: a button each; after a click nnlib runs in the page, and what can be tried out takes the
// place of the figure. What is computed is in explore.py; the functions are called by name through the live page's kernel.
import { button, enable, make } from "../dom.js";

const site = (path) => new URL(`../${path}`, import.meta.url).href; // this script lies in the site's _static/explore
const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

const row = (...children) => make("div", { className: "nnbook-explore-row" }, ...children);
const field = (text, input) => make("label", {}, text, input);
const number = (value, min, max, step) => make("input", { type: "number", value, min, max, step });
const figure = (caption, ...children) => make("figure", {}, ...children, make("figcaption", {}, caption));
const say = () => make("p", { className: "nnbook-explore-status", role: "status" });

function choice(options, value = options[0]) {
  const element = make("select", {}, ...options.map((text) => make("option", { textContent: text })));
  element.value = value;
  return element;
}

function table(caption, heads, rows) {
  const line = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
  return make("table", {}, make("caption", {}, caption), make("thead", {}, line(heads, "th")), make("tbody", {}, ...rows.map((cells) => line(cells, "td"))));
}

// Asks for one thing at a time; of what is wanted meanwhile, only the last.
function latest(ask) {
  let busy = false, next;
  return async (...values) => {
    if (busy) return void (next = values);
    for (busy = true, next = values; next; ) {
      const now = next;
      next = undefined;
      try { await ask(...now); } catch (error) { console.error(error); }
    }
    busy = false;
  };
}

// ---------------------------------------------------------------- pictures
// Values from -1 to 1 on a square grid, in the two colours of the classes; weak ones show the page.
function paintField(canvas, values) {
  const side = Math.sqrt(values.length), context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colors = ["--explore-two", "--explore-one"].map((name) => style.getPropertyValue(name).match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16)));
  canvas.width = canvas.height = side;
  const image = context.createImageData(side, side);
  values.forEach((value, i) => image.data.set([...colors[value > 0 ? 1 : 0], 150 * Math.min(1, Math.abs(value))], 4 * i));
  context.putImageData(image, 0, 0);
}

// The curve on which values on a square grid are `level`, for a picture of 100 by 100: marching squares.
function contour(values, level) {
  const side = Math.sqrt(values.length), scale = 100 / (side - 1), at = (i, j) => values[i * side + j] - level, parts = [];
  for (let i = 0; i + 1 < side; i++) for (let j = 0; j + 1 < side; j++) {
    const corners = [[i, j], [i, j + 1], [i + 1, j + 1], [i + 1, j]], cuts = [];
    corners.forEach(([a, b], k) => {
      const [c, d] = corners[(k + 1) % 4], one = at(a, b), two = at(c, d), share = one / (one - two);
      if (one > 0 !== two > 0) cuts.push(`${(scale * (b + share * (d - b))).toFixed(1)},${(scale * (a + share * (c - a))).toFixed(1)}`);
    });
    for (let k = 0; k + 1 < cuts.length; k += 2) parts.push(`M${cuts[k]}L${cuts[k + 1]}`);
  }
  return parts.join("");
}

function paintDigit(canvas, pixels) {
  const context = canvas.getContext("2d", { willReadFrequently: true }), image = context.createImageData(28, 28);
  pixels.forEach((ink, i) => image.data.set([...Array(3).fill(255 - 255 * ink), 255], 4 * i));
  context.putImageData(image, 0, 0);
}

const mark = (label, x, y) => (label > 0 ? draw("circle", { class: "mark plus", cx: x, cy: y, r: 2.6 })
  : draw("rect", { class: "mark minus", x: x - 2.3, y: y - 2.3, width: 4.6, height: 4.6 }));

// ---------------------------------------------------------------- draw a digit
async function startDraw(place, call, fetchData) {
  const SIDE = 112, CELL = 4;
  const files = ["data/runs/autoencoder.npz", "data/mnist/t10k-images-idx3-ubyte.gz", "data/mnist/t10k-labels-idx1-ubyte.gz"];
  const { digits, low, high } = await call("draw_start", ...(await Promise.all(files.map(fetchData))));
  const pad = make("canvas", { width: SIDE, height: SIDE, tabIndex: 0, className: "nnbook-explore-pad" });
  pad.setAttribute("role", "application");
  pad.setAttribute("aria-label", "Paper for a digit. Arrow keys move the pen, Space puts it down or lifts it, Delete clears.");
  const pen = make("div", { className: "nnbook-explore-pen", hidden: true });
  const context = pad.getContext("2d", { willReadFrequently: true });
  const [seen, decoded] = ["The drawing as the network sees it, 28 by 28 pixels", "The decoded digit"].map((text) => {
    const canvas = make("canvas", { width: 28, height: 28, className: "nnbook-explore-image" });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text);
    return canvas;
  });
  const status = say(), scores = make("div"), state = { x: 56, y: 20, down: false, latents: [], encoded: [], turn: 0 };

  const show = (answer) => {
    paintDigit(decoded, answer.decoded);
    const least = Math.min(...answer.scores), span = Math.max(...answer.scores) - least;
    const rows = answer.scores.map((score, digit) => {
      const bar = make("div", { className: "nnbook-explore-bar" }, make("div"));
      bar.firstChild.style.width = `${(100 * (score - least)) / span}%`;
      return [String(digit), score.toFixed(2), bar];
    });
    scores.replaceChildren(table("Scores of the ten machines", ["digit", "score", ""], rows));
    scores.querySelectorAll("tbody tr")[answer.digit].className = "best";
    const second = answer.scores.indexOf(Math.max(...answer.scores.filter((_, digit) => digit !== answer.digit)));
    status.textContent = `The machine says ${answer.digit}, with a score of ${answer.scores[answer.digit].toFixed(2)}; next comes ${second} with ${answer.scores[second].toFixed(2)}.`;
  };
  const encode = latest(async () => {
    const { data } = context.getImageData(0, 0, SIDE, SIDE), ink = new Uint8Array(SIDE * SIDE).map((_, i) => 255 - data[4 * i]);
    if (!ink.some(Boolean)) return;
    const turn = state.turn, answer = await call("draw_image", ink, SIDE);
    if (turn !== state.turn) return; // the paper has been cleared meanwhile
    paintDigit(seen, answer.image);
    state.encoded = answer.latents;
    back();
    show(answer);
  });
  const decode = latest(async () => {
    const turn = state.turn, answer = await call("draw_latents", state.latents);
    if (turn === state.turn) show(answer);
  });
  const back = () => {
    state.latents = [...state.encoded];
    sliders.forEach((slider, i) => (slider.value = state.latents[i]));
  };
  const sliders = low.map((min, i) => {
    const slider = make("input", { type: "range", min, max: high[i], step: "any", ariaLabel: `Latent ${i + 1}` });
    slider.oninput = () => {
      if (!state.latents.length) return void (status.textContent = "The paper is empty: there is nothing to decode.");
      state.latents[i] = Number(slider.value);
      decode();
    };
    return slider;
  });

  const clear = () => {
    Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000", lineWidth: 9, lineCap: "round", lineJoin: "round" });
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const lift = (down) => pen.classList.toggle("down", (state.down = down));
  const wipe = () => {
    state.turn += 1;
    Object.assign(state, { latents: [], encoded: [] });
    for (const canvas of [seen, decoded]) canvas.getContext("2d").clearRect(0, 0, 28, 28);
    scores.replaceChildren();
    lift(false);
    clear();
    go(56, 20, false);
    status.textContent = "The paper is empty. Draw a digit, or take one of the test digits.";
  };
  const go = (x, y, stroke) => {
    if (stroke) {
      context.beginPath();
      context.moveTo(state.x, state.y);
      context.lineTo(x, y);
      context.stroke();
      encode();
    }
    Object.assign(state, { x, y });
    pen.style.left = `${(100 * x) / SIDE}%`;
    pen.style.top = `${(100 * y) / SIDE}%`;
  };
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  pad.onpointerdown = (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    go(...at(event), false);
    go(...at(event), true);
  };
  pad.onpointermove = (event) => {
    if (pad.hasPointerCapture(event.pointerId)) for (const part of event.getCoalescedEvents?.().concat(event) ?? [event]) go(...at(part), true);
  };
  pad.onfocus = () => { pen.hidden = !pad.matches(":focus-visible"); go(state.x, state.y, false); };
  pad.onblur = () => { pen.hidden = true; };
  pad.onkeydown = (event) => {
    const move = { ArrowLeft: [-CELL, 0], ArrowRight: [CELL, 0], ArrowUp: [0, -CELL], ArrowDown: [0, CELL] }[event.key];
    const inside = (value) => Math.min(SIDE - 6, Math.max(6, value));
    pen.hidden = false;
    if (move) go(inside(state.x + move[0]), inside(state.y + move[1]), state.down);
    else if (event.key === " ") {
      lift(!state.down);
      status.textContent = state.down ? "The pen is down." : "The pen is up.";
      go(state.x, state.y, state.down);
    } else if (event.key === "Delete" || event.key === "Backspace") wipe();
    else return;
    event.preventDefault();
  };
  const take = async (index) => {
    const small = make("canvas", { width: 28, height: 28 });
    paintDigit(small, (await call("draw_digit", index)).map((value) => value / 255));
    clear();
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, SIDE, SIDE);
    await encode();
  };

  const tests = digits.map((digit, index) => {
    const element = button(String(digit), () => take(index));
    element.setAttribute("aria-label", `Test digit ${index + 1}, a ${digit}`);
    return element;
  });
  const paper = make("div", { className: "nnbook-explore-plot" }, pad, pen);
  const tops = row(figure("Draw here: pointer, finger, or arrow keys and Space", paper),
    make("div", { className: "nnbook-explore-pair" }, figure("What the network sees", seen), figure("Decoded", decoded)), scores);
  tops.classList.add("tops");
  place.append(row("First test digits:", ...tests, button("Clear", wipe)), status, tops,
    row("The 32 latents", button("Back to the encoded", () => state.encoded.length && (back(), decode()))),
    make("div", { className: "nnbook-explore-latents" }, ...sliders.map((slider, i) => make("label", {}, make("span", {}, String(i + 1)), slider))));
  await take(0);
}

// ---------------------------------------------------------------- the XOR playground
const CORNERS = ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"], TARGETS = [0, 1, 1, 0];
const TRAPS = [[1 / 4, "1/4"], [1 / 6, "1/6"], [1 / 8, "1/8"]];

async function startXor(place, call) {
  const EVERY = 10, PART = 50, MORE = 5000;
  const units = number(4, 1, 16, 1), activation = choice(["tanh", "ReLU", "sigmoid"]), seed = number(42, 0, 2 ** 31 - 1, 1), rate = number(0.5, 0.001, 100, "any");
  const status = say(), canvas = make("canvas"), svg = draw("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" });
  const curve = draw("svg", { viewBox: "0 0 100 75", role: "img", "aria-label": "Loss by epoch" }), outputs = make("div");
  let losses = [], running = false, turn = 0;

  const show = (state) => {
    paintField(canvas, state.field);
    svg.replaceChildren(draw("path", { d: contour(state.field, 0) }));
    state.outputs.forEach((output, k) => {
      const x = 100 / 6 + (k > 1 ? 200 / 3 : 0), y = 500 / 6 - (k % 2 ? 200 / 3 : 0);
      svg.append(mark(TARGETS[k] ? 1 : -1, x, y), draw("text", { class: "halo", x, y: y - 4, "text-anchor": "middle" }, output.toFixed(3)));
    });
    const rows = state.outputs.map((output, k) => [CORNERS[k], String(TARGETS[k]), output.toFixed(4), output > 0.5 === Boolean(TARGETS[k]) ? "right" : "wrong"]);
    outputs.replaceChildren(table("Outputs", ["point", "target", "output", ""], rows));
    plot(state.epochs);
    const right = rows.filter((cells) => cells[3] === "right").length;
    const alike = state.alike.map(([i, j]) => `${CORNERS[i]} and ${CORNERS[j]}`).join(", ");
    const text = `Epoch ${state.epochs}: loss ${state.loss.toFixed(4)}, ${right} of 4 right.` + (alike ? ` To the hidden units these look alike: ${alike}.` : "");
    curve.setAttribute("aria-label", `Loss by epoch. ${text}`);
    return text;
  };
  const plot = (epochs) => {
    const width = Math.max(MORE, epochs), x = (epoch) => 8 + (90 * epoch) / width, y = (loss) => 68 - Math.min(1, loss / 0.3) * 64;
    curve.replaceChildren(draw("path", { d: `M8,4V68H98` }));
    for (const [level, text] of TRAPS) curve.append(draw("path", { class: "trap", d: `M8,${y(level)}H98` }), draw("text", { x: 98, y: y(level) - 1, "text-anchor": "end" }, text));
    curve.append(draw("path", { class: "one", d: losses.map((loss, i) => `${i ? "L" : "M"}${x(i * EVERY).toFixed(1)},${y(loss).toFixed(1)}`).join("") }));
    curve.append(draw("text", { x: 7, y: 69, "text-anchor": "end" }, "0"), draw("text", { x: 98, y: 74, "text-anchor": "end" }, `${width} epochs`), draw("text", { x: 10, y: 5 }, "loss"));
  };
  const pause = () => { running = false; train.textContent = `Train ${MORE} epochs`; };
  const restart = async () => {
    const mine = ++turn;
    pause();
    try {
      for (const [name, input] of [["hidden units", units], ["the seed", seed], ["the learning rate", rate]]) {
        if (!input.checkValidity() || input.value === "") throw new Error(`for ${name} a ${input.step === "any" ? "" : "whole "}number from ${input.min} to ${input.max} is needed`);
      }
      const state = await call("xor_start", Number(units.value), activation.value, Number(seed.value), Number(rate.value));
      if (mine !== turn) return;
      losses = [];
      status.textContent = show(state);
    } catch (error) { status.textContent = `Not possible: ${error.message}`; }
    enable(train, !status.textContent.startsWith("Not"));
  };
  const train = button("", async () => {
    if (running) return pause();
    const mine = turn;
    running = true;
    train.textContent = "Pause";
    status.textContent = "Training ...";
    let text = "";
    try {
      for (let done = 0; running && done < MORE; done += PART) {
        const state = await call("xor_train", PART, EVERY);
        if (mine !== turn) return;
        losses.push(...state.losses);
        text = show(state);
        await new Promise(requestAnimationFrame);
        if (mine !== turn) return;
      }
    } catch (error) { text = `Training broke off: ${error.message}`; }
    if (mine !== turn) return;
    pause();
    status.textContent = text;
  });
  for (const input of [units, activation, seed, rate]) input.onchange = restart;
  const recipe = (text, n, name) => button(text, () => {
    Object.assign(units, { value: n });
    Object.assign(activation, { value: name });
    Object.assign(seed, { value: 42 });
    Object.assign(rate, { value: 0.5 });
    restart();
  });
  const pictures = row(figure("Output: circles are to be 1, squares 0; the line is at one half", make("div", { className: "nnbook-explore-plot" }, canvas, svg)),
    figure("Loss; the dashed lines are where runs get stuck", make("div", { className: "nnbook-explore-plot wide" }, curve)), outputs);
  pictures.classList.add("tops");
  train.style.minWidth = "11rem"; // so that nothing comes under the pointer when its text changes
  place.append(row("Recipes:", recipe("The report's", 4, "tanh"), recipe("Four ReLU units", 4, "ReLU"), recipe("Two tanh units", 2, "tanh")),
    row(field("Hidden units", units), field("Activation", activation), field("Seed", seed), field("Learning rate", rate)),
    row(train, button("Start over", restart)), status, pictures);
  await restart();
}

// ---------------------------------------------------------------- SMO step by step
const SETS = {
  "Two groups": [[-0.61, -0.52, -1], [-0.27, -0.74, -1], [-0.68, 0.05, -1], [-0.23, -0.18, -1], [0.47, 0.62, 1], [0.19, 0.51, 1], [0.73, 0.08, 1], [0.06, 0.83, 1]],
  "One astray": [[-0.61, -0.52, -1], [-0.27, -0.74, -1], [-0.68, 0.05, -1], [0.36, 0.41, -1], [0.47, 0.62, 1], [0.19, 0.51, 1], [0.73, 0.08, 1], [0.06, 0.83, 1]],
  "Crosswise": [[-0.61, -0.64, -1], [-0.42, -0.47, -1], [0.58, 0.49, -1], [0.43, 0.66, -1], [-0.57, 0.63, 1], [-0.39, 0.52, 1], [0.62, -0.46, 1], [0.37, -0.65, 1]],
};

async function startSmo(place, call) {
  const C = number(1, 0.001, 1000, "any"), kernel = choice(["linear", "rbf", "poly"]), kind = choice(["circle, +1", "square, −1"]);
  const canvas = make("canvas"), svg = draw("svg", { viewBox: "0 0 100 100", tabindex: "0", role: "application" });
  svg.setAttribute("aria-label", "Plane of points. Arrow keys move the cursor, Enter places a point, Delete takes the nearest away.");
  const status = say(), numbers = make("div"), steps = make("div", { className: "nnbook-explore-steps", tabIndex: 0, role: "region", ariaLabel: "Steps so far" });
  const list = make("ul", { className: "nnbook-explore-points", ariaLabel: "Points; press one to take it away" });
  const cursor = { x: 0, y: 0 };
  let points = [], done = [], now, running = false, turn = 0;

  const px = (x) => 50 + 50 * x, py = (y) => 50 - 50 * y, name = (k) => String(k + 1);
  const drawing = () => {
    svg.replaceChildren();
    if (now) {
      paintField(canvas, now.field);
      for (const [level, style] of [[0, ""], [1, "margin"], [-1, "margin"]]) svg.append(draw("path", { class: style, d: contour(now.field, level) }));
    } else canvas.width = 0;
    points.forEach(([x, y, label], k) => {
      if (now?.alpha[k] > 0) svg.append(draw("circle", { class: "ring", cx: px(x), cy: py(y), r: 4 }));
      if (now && [now.raised, now.lowered].includes(k)) svg.append(draw("circle", { class: "ring pair", cx: px(x), cy: py(y), r: 5.2 }));
      svg.append(mark(label, px(x), py(y)), draw("text", { class: "halo", x: px(x) + 4.5, y: py(y) - 2 }, name(k)));
    });
    if (document.activeElement === svg) svg.append(draw("path", { d: `M${px(cursor.x) - 4},${py(cursor.y)}h8M${px(cursor.x)},${py(cursor.y) - 4}v8` }));
  };
  const show = () => {
    drawing();
    list.replaceChildren(...points.map(([x, y, label], k) => {
      const element = button(`${name(k)}: ${label > 0 ? "+" : "−"} (${x.toFixed(2)}, ${y.toFixed(2)})${now ? ` α ${Math.abs(now.alpha[k]).toFixed(3)}` : ""}`, () => remove(k));
      element.setAttribute("aria-label", `Take away point ${element.textContent}`);
      return make("li", {}, element);
    }));
    const rows = now ? [["steps", String(now.steps)], ["dual objective", now.dual.toFixed(5)], ["primal objective", now.primal.toFixed(5)], ["KKT gap", now.gap.toFixed(5)]] : [];
    numbers.replaceChildren(table("Now", ["", ""], rows));
    steps.replaceChildren(table("Steps so far, the last one first", ["step", "pair", "wanted", "moved", "dual", "KKT gap"], done.slice(-100).reverse()));
    for (const element of [step, run]) enable(element, now && !now.solved);
  };
  const restart = async () => {
    const mine = ++turn;
    running = false;
    run.textContent = "Run to the end";
    let text;
    try {
      if (!C.checkValidity() || C.value === "") throw new Error("C: a number from 0.001 to 1000 is needed");
      const state = await call("smo_start", points.map(([x, y]) => [x, y]), points.map((point) => point[2]), Number(C.value), kernel.value);
      if (mine !== turn) return;
      now = state;
      text = `${points.length} points. All multipliers are 0; the KKT gap is ${now.gap.toFixed(3)}.`;
    } catch (error) {
      if (mine !== turn) return;
      now = undefined;
      text = error.message;
    }
    done = [];
    status.textContent = text;
    show();
  };
  const wanted = (state) => (state.wanted < 1e6 ? state.wanted.toFixed(4) : "without end"); // points in the same place
  const advance = async () => {
    const mine = turn, state = await call("smo_step");
    if (mine !== turn) return;
    now = state;
    if (now.raised === undefined) return show();
    const clipped = now.moved < now.wanted * (1 - 1e-9) ? " (clipped)" : "";
    done.push([String(now.steps), `${name(now.raised)} up, ${name(now.lowered)} down`, wanted(now), now.moved.toFixed(4) + clipped, now.dual.toFixed(4), now.gap.toFixed(4)]);
    show();
    return `Step ${now.steps}: points ${name(now.raised)} and ${name(now.lowered)} move by ${now.moved.toFixed(4)}${clipped && ` instead of ${wanted(now)}, clipped by the box`}. `
      + `The dual objective is ${now.dual.toFixed(4)}, the KKT gap ${now.gap.toFixed(4)}.${now.solved ? " Solved." : ""}`;
  };
  const single = latest(async () => { status.textContent = (await advance()) ?? status.textContent; });
  const step = button("Step", single);
  const run = button("Run to the end", async () => {
    const mine = turn;
    running = !running;
    run.textContent = running ? "Pause" : "Run to the end";
    let text;
    for (let k = 0; running && mine === turn && !now.solved && k < 2000; k++) {
      text = (await advance()) ?? text;
      await new Promise((wake) => setTimeout(wake, k < 20 ? 150 : 10));
    }
    if (mine !== turn) return;
    running = false;
    run.textContent = "Run to the end";
    status.textContent = text ?? status.textContent;
  });
  const change = (changed) => { points = changed; restart(); };
  const add = (x, y) => change([...points, [x, y, kind.selectedIndex ? -1 : 1]]);
  const remove = (k) => {
    change(points.filter((_, other) => other !== k));
    show();
    (list.querySelectorAll("button")[Math.min(k, points.length - 1)] ?? svg).focus();
  };
  svg.onpointerup = (event) => { // not pointerdown: that is also how a finger begins to scroll, which ends otherwise
    if (event.button) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const inside = (value) => Math.max(-1, Math.min(1, value));
    add(inside(x / 50 - 1), inside(1 - y / 50));
  };
  svg.onkeydown = (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (move) {
      for (const [k, axis] of ["x", "y"].entries()) cursor[axis] = Math.max(-1, Math.min(1, Math.round(20 * cursor[axis] + move[k]) / 20));
      status.textContent = `Cursor at (${cursor.x.toFixed(2)}, ${cursor.y.toFixed(2)}).`;
      drawing();
    } else if (event.key === "Enter" || event.key === " ") add(cursor.x, cursor.y);
    else if ((event.key === "Delete" || event.key === "Backspace") && points.length) {
      const far = points.map(([x, y]) => Math.hypot(x - cursor.x, y - cursor.y));
      change(points.filter((_, k) => k !== far.indexOf(Math.min(...far))));
    } else return;
    event.preventDefault();
  };
  svg.onfocus = svg.onblur = drawing;
  C.onchange = kernel.onchange = restart;
  const pictures = row(figure("Solid: f = 0; dashed: f = 1 and −1. Rings: multipliers above 0; thick: the pair", make("div", { className: "nnbook-explore-plot" }, canvas, svg)), numbers, steps);
  pictures.classList.add("tops");
  run.style.minWidth = "9rem";
  place.append(row("Points:", ...Object.entries(SETS).map(([text, set]) => button(text, () => change(set))), button("None", () => change([])), field("New points are", kind)),
    row(field("C", C), field("Kernel", kernel), step, run, button("Start over", restart)), status, pictures, list);
  points = SETS["Two groups"];
  await restart();
}

// ---------------------------------------------------------------- the page
const STARTS = {
  draw: ["Draw a digit", startDraw],
  xor: ["Train on XOR", startXor],
  smo: ["Step through SMO", startSmo],
};
let shared; // one kernel for all of them: started by the first click

async function getKernel(onprogress) {
  const { Kernel } = await import("../live/live-kernel.js");
  const kernel = new Kernel({ onprogress, files: [{ url: site("explore/explore.py"), path: "/lib/python3.12/site-packages/nnbook_explore.py" }] });
  try {
    await kernel.start();
    let failure = "";
    const ran = await kernel.run("from nnbook_explore import *", "explore", ({ text }) => (failure = text));
    if (!ran) throw new Error(failure.trim().split("\n").pop());
  } catch (error) {
    kernel.close();
    throw error;
  }
  return kernel;
}

async function callKernel(kernel, name, ...values) {
  const { value, error } = await kernel.call("attempt", name, ...values);
  if (error !== undefined) throw new Error(error);
  return value;
}

async function fetchData(path) {
  const answer = await fetch(site(path));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function offer(place) {
  const [title, begin] = STARTS[place.dataset.kind], { code, data } = place.dataset;
  place.hidden = false;
  if (code === undefined) return place.replaceChildren("This build of the book has no Python for the browser.");
  const total = Number(code) + Number(data);
  const start = async () => {
    const bar = make("progress", { max: total, value: 0, ariaLabel: "Loading Python" }), text = make("span", { role: "status" }, "Loading Python ...");
    place.replaceChildren(bar, text);
    try {
      shared ??= getKernel(({ loaded, starting }) => {
        bar.value = Math.min(loaded / 1e6, total);
        text.textContent = starting ? "Starting Python ..." : `Loading Python: ${Math.min(loaded / 1e6, total).toFixed(0)} of ${total.toFixed(0)} MB`;
      }).catch((error) => {
        shared = undefined;
        throw error;
      });
      const kernel = await shared, inside = make("div");
      await begin(inside, (...asked) => callKernel(kernel, ...asked), fetchData);
      place.classList.add("nnbook-explore-on");
      place.setAttribute("role", "region");
      place.setAttribute("aria-label", title);
      place.replaceChildren(...inside.childNodes);
      document.getElementById(`fig-explore-${place.dataset.kind}`)?.closest(".cell")?.classList.add("nnbook-explore-figure");
      place.querySelector("button").focus({ preventScroll: true });
    } catch (error) {
      offer(place);
      place.append(make("span", { role: "alert" }, `Python did not start: ${error.message}`));
    }
  };
  place.replaceChildren(button(title, start), make("span", {}, `nnlib itself, in this page. Loads ${total.toFixed(0)} MB from this site.`));
}

document.querySelectorAll(".nnbook-explorable").forEach(offer);
