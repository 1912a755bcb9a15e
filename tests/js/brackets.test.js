// Brackets and quotes in pairs; the bar is the caret, two of them hold what is selected.
import assert from "node:assert/strict";
import { test } from "node:test";
import { broken, erased, typed } from "../../nbs/_ext/nnbook/static/live/brackets.js";
import { nextIndent } from "../../nbs/_ext/nnbook/static/live/editor.js";

/** The text and what is selected in it. */
function read(shown) {
  const from = shown.indexOf("|");
  const to = shown.lastIndexOf("|");
  return [shown.replaceAll("|", ""), from, to === from ? from : to - 1];
}

/** What an edit makes of a text, shown in the same way. */
function after(value, edit) {
  if (!edit) return undefined;
  const { from, to, text, start, end } = edit;
  const now = value.slice(0, from) + text + value.slice(to);
  const rest = start === end ? now.slice(end) : `${now.slice(start, end)}|${now.slice(end)}`;
  return `${now.slice(0, start)}|${rest}`;
}

const type = (shown, key) => after(read(shown)[0], typed(key, ...read(shown)));
const erase = (shown) => after(read(shown)[0], erased(...read(shown)));
function enter(shown) {
  const [value, from, to] = read(shown);
  const indent = nextIndent(value.slice(0, from).split("\n").at(-1));
  return after(value, broken(value, from, to, indent));
}

test("what opens brings what closes", () => {
  assert.equal(type("f|", "("), "f(|)");
  assert.equal(type("x = |", "["), "x = [|]");
  assert.equal(type("f(|)", "{"), "f({|})");
  assert.equal(type("x = |", '"'), 'x = "|"');
  assert.equal(type("print(f|)", "'"), "print(f'|')");
});

test("the closing one steps over the one that stands there", () => {
  assert.equal(type("f(|)", ")"), "f()|");
  assert.equal(type("'a|'", "'"), "'a'|");
  assert.equal(type("f(|", ")"), undefined);
  assert.equal(type("f(|]", ")"), undefined);
});

test("before a name, and where a text ends, a key writes only itself", () => {
  assert.equal(type("|x", "("), undefined);
  assert.equal(type("|'a'", "["), undefined);
  assert.equal(type("# don|", "'"), undefined);
  assert.equal(type("''|", "'"), undefined);
  assert.equal(type("x|", "a"), undefined);
  assert.equal(type("x|", "Enter"), undefined);
});

test("what is selected is wrapped and stays selected", () => {
  assert.equal(type("f|x + 1|", "("), "f(|x + 1|)");
  assert.equal(type("|name|", '"'), '"|name|"');
  assert.equal(type("|name|", ")"), undefined);
});

test("Backspace takes both of an empty pair", () => {
  assert.equal(erase("f(|)"), "f|");
  assert.equal(erase("''|"), undefined);
  assert.equal(erase("'|'"), "|");
  assert.equal(erase("(|]"), undefined);
  assert.equal(erase("(x|)"), undefined);
  assert.equal(erase("|)"), undefined);
});

test("Enter between brackets opens a line, with the closing bracket on its own", () => {
  assert.equal(enter("  x = f(|)"), "  x = f(\n      |\n  )");
  assert.equal(enter("[|]"), "[\n    |\n]");
  assert.equal(enter("f(|x)"), "f(\n    |x)");
  assert.equal(enter("'|'"), "'\n|'");
  assert.equal(enter("  x|"), "  x\n  |");
  assert.equal(enter("a|b|c"), "a\n|c");
});
