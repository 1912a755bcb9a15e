// What the explorables say, and in which order they ask.
import assert from "node:assert/strict";
import { test } from "node:test";
import { latest } from "../../nbs/_ext/nnbook/static/explore/controls.js";
import { clipped, describe, wanted } from "../../nbs/_ext/nnbook/static/explore/smo.js";
import { verdict } from "../../nbs/_ext/nnbook/static/explore/valley.js";

const STEP = { steps: 3, raised: 0, lowered: 4, wanted: 2, moved: 1, dual: 0.5, gap: 0.25 };

test("a step that the box stops is said to be clipped", () => {
  assert.ok(clipped(STEP) && !clipped({ ...STEP, moved: 2 }));
  assert.equal(
    describe(STEP),
    "Step 3: points 1 and 5 move by 1.0000 instead of 2.0000, clipped by the box. " +
      "The dual objective is 0.5000, the KKT violation 0.2500.",
  );
  assert.ok(describe({ ...STEP, moved: 2, solved: true }).endsWith("0.2500. Solved."));
  assert.ok(!describe({ ...STEP, moved: 2 }).includes("clipped"));
});

test("a descent arrives, is still on its way, or diverges", () => {
  const descent = {
    path: [
      [4, 1],
      [3, 1],
      [2, 1],
    ],
    distance: 2.236,
    diverges: false,
  };
  assert.ok(verdict({ ...descent, arrived: 2 }).startsWith("It arrives: from step 2 on"));
  assert.equal(verdict(descent), "After 2 steps it is still 2.24 from the minimum.");
  const far = { ...descent, distance: 1234.5, diverges: true };
  assert.equal(verdict(far), "It diverges: after 2 steps it is 1,235 from the minimum.");
});

test("two points in one place would move without end", () => {
  assert.equal(wanted({ ...STEP, wanted: 1e9 }), "without end");
});

test("of what is wanted while one is asked for, only the last is asked for", async () => {
  const asked = [];
  let value = 0;
  const ask = latest(async () => {
    asked.push(value);
    await null;
  });
  const first = ask();
  for (value of [1, 2, 3]) ask();
  await first;
  assert.deepEqual(asked, [0, 3]);
});

test("after one that failed the next is asked for", async (t) => {
  t.mock.method(console, "error", () => {});
  let count = 0;
  const ask = latest(async () => {
    count += 1;
    throw new Error("lost");
  });
  await ask();
  await ask();
  assert.equal(count, 2);
});
