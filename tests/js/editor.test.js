// What the editor of a cell writes by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dedented,
  indented,
  nextIndent,
  taken,
  toggled,
} from "../../nbs/_ext/nnbook/static/live/editor.js";
import { common, nameBefore } from "../../nbs/_ext/nnbook/static/live/hint.js";

test("lines are indented, empty ones are not", () => {
  assert.equal(indented("a\n\n  b\n"), "    a\n\n      b\n");
});

test("an indent is taken back as far as there is one", () => {
  assert.equal(dedented("a\n\n  b\n      c"), "a\n\nb\n  c");
});

test("lines become remarks at their least indent, and code again", () => {
  const code = "    if x:\n\n        y = 1  # one";
  assert.equal(toggled(code), "    # if x:\n\n    #     y = 1  # one");
  assert.equal(toggled(toggled(code)), code);
  assert.equal(toggled("# a\nb"), "# # a\n# b");
  assert.equal(toggled(""), "");
});

test("Backspace goes back to the stop before, in an indent only", () => {
  const before = [4, 5, 8, 3, 1].map((count) => " ".repeat(count));
  assert.deepEqual(before.map(taken), [4, 1, 4, 3, 1]);
  assert.equal(taken("    x"), 1);
  assert.equal(taken(""), 1);
});

test("the next line begins where this one does, deeper after a colon or an open bracket", () => {
  assert.equal(nextIndent("  x = 1"), "  ");
  assert.equal(nextIndent("    def f():"), " ".repeat(8));
  for (const open of ["f(", "[", "{"]) assert.equal(nextIndent(open), "    ");
  assert.equal(nextIndent(""), "");
});

test("a remark that ends in a colon begins no block, and what ends a block takes its indent back", () => {
  assert.equal(nextIndent("    # so:"), "    ");
  assert.equal(nextIndent("x = 1  # so:"), "");
  assert.equal(nextIndent("if x:  # so"), "    ");
  assert.equal(nextIndent("        return x"), "    ");
  assert.equal(nextIndent("pass"), "");
  assert.equal(nextIndent("    return f("), "        ");
  assert.equal(nextIndent("    returned = 1"), "    ");
});

test("a name is asked about with what it belongs to", () => {
  assert.equal(nameBefore("x = np.lin"), "np.lin");
  assert.equal(nameBefore("np."), "np.");
  assert.equal(nameBefore("f(3"), "");
  assert.equal(nameBefore("x = "), "");
});

test("what several names begin with is sure", () => {
  assert.equal(common(["np.linspace", "np.linalg"]), "np.lin");
  assert.equal(common(["a", "b"]), "");
  assert.equal(common([]), "");
});
