// Python in colours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeHtml, highlight } from "../../nbs/_ext/nnbook/static/live/highlight.js";

/** What is coloured, as pairs of class and text. */
const tokens = (code) =>
  [...highlight(code).matchAll(/<span class="(\w+)">(.*?)<\/span>/gs)].map((match) =>
    match.slice(1),
  );

test("text of HTML is written as text", () => {
  assert.equal(escapeHtml(`<a href="x">&`), "&#60;a href=&#34;x&#34;&#62;&#38;");
  assert.equal(highlight("a < b"), '<span class="n">a</span> &#60; <span class="n">b</span>\n');
});

test("words, names, numbers, strings and remarks are told apart", () => {
  assert.deepEqual(tokens("for i in range(10):  # ten"), [
    ["k", "for"],
    ["n", "i"],
    ["k", "in"],
    ["n", "range"],
    ["mi", "10"],
    ["c1", "# ten"],
  ]);
});

test("a word inside a name is not a word", () => {
  assert.deepEqual(tokens("format import_ isnan"), [
    ["n", "format"],
    ["n", "import_"],
    ["n", "isnan"],
  ]);
});

test("strings with prefixes, escapes and marks of remarks are one token", () => {
  for (const string of ["'a\\'b'", "f'{x}'", "rb'#'", "'''one\ntwo'''", "'never closed"]) {
    assert.deepEqual(tokens(string), [["s2", string]], string);
  }
});

test("a string of one line ends with it", () => {
  assert.deepEqual(tokens("'open\nx"), [
    ["s2", "'open"],
    ["n", "x"],
  ]);
});

test("no text is lost", () => {
  const code = "x = f'{a}' if a else 1e-3  # <&>\n@é\t¬";
  const text = highlight(code)
    .replace(/<.*?>/g, "")
    .replace(/&#(\d+);/g, (_, mark) => String.fromCharCode(mark));
  assert.equal(text, `${code}\n`);
});
