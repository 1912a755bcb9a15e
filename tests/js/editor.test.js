// What the editor of a cell writes by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { indented, nextIndent } from "../../nbs/_ext/nnbook/static/live/editor.js";

test("lines are indented, empty ones are not", () => {
  assert.equal(indented("a\n\n  b\n"), "    a\n\n      b\n");
});

test("the next line begins where this one does, deeper after a colon or an open bracket", () => {
  assert.equal(nextIndent("  x = 1"), "  ");
  assert.equal(nextIndent("    def f():"), " ".repeat(8));
  for (const open of ["f(", "[", "{"]) assert.equal(nextIndent(open), "    ");
  assert.equal(nextIndent(""), "");
});
