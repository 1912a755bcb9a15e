// What is drawn: contours, paths, colours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { color, contour, path } from "../../nbs/_ext/nnbook/static/explore/plot.js";

/** The numbers of a path. */
const numbers = (text) => (text.match(/-?[\d.]+/g) ?? []).map(Number);

test("a slope is cut along a straight line", () => {
  assert.equal(contour([-1, 1, -1, 1], 0), "M50.0,0.0L50.0,100.0");
  assert.equal(contour([-1, 3, -1, 3], 0), "M25.0,0.0L25.0,100.0");
});

test("where the values never pass the level there is no curve", () => {
  assert.equal(contour([1, 1, 1, 1], 0), "");
  assert.equal(contour([1, 1, 1, 1], 2), "");
});

test("a saddle has two curves", () => {
  assert.equal(contour([1, -1, -1, 1], 0).match(/M/g)?.length, 2);
});

test("the contour of a cone is a circle", () => {
  const side = 41;
  const values = Array.from({ length: side * side }, (_, k) =>
    Math.hypot((k % side) - 20, Math.floor(k / side) - 20),
  );
  const found = numbers(contour(values, 10));
  assert.ok(found.length > 100);
  for (let k = 0; k < found.length; k += 2) {
    assert.ok(Math.abs(Math.hypot(found[k] - 50, found[k + 1] - 50) - 25) < 0.2);
  }
});

test("a path goes from point to point", () => {
  assert.equal(path([]), "");
  assert.equal(
    path([
      [1, 2],
      [3.12, 4],
    ]),
    "M1.0,2.0L3.1,4.0",
  );
});

test("a colour has three parts", () => {
  assert.deepEqual(color(" #0072B2"), [0, 0x72, 0xb2]);
  assert.deepEqual(color(""), []);
});
