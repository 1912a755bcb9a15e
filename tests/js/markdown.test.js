// As much of Markdown as computed results use.
import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks, inline, markdown } from "../../nbs/_ext/nnbook/static/live/markdown.js";

test("what stands inside a line", () => {
  assert.equal(
    inline("**a** *b* _c_ `d`"),
    "<strong>a</strong> <em>b</em> <em>c</em> <code>d</code>",
  );
  assert.equal(inline("$x_i$"), '<span class="math">\\(x_i\\)</span>');
  assert.equal(inline("<b> & &nbsp;"), "&#60;b&#62; &#38; &nbsp;");
});

test("names with underscores and products are not emphasized", () => {
  assert.equal(inline("n_in and n_out, 2 * 3 * 4"), "n_in and n_out, 2 * 3 * 4");
});

test("paragraphs are parted by empty lines", () => {
  assert.equal(blocks("one\ntwo\n\n \nthree\n"), "<p>one\ntwo</p><p>three</p>");
  assert.equal(blocks(""), "");
});

test("a table has its sides and its escaped bars", () => {
  const html = blocks("| a | b | c |\n|---|:-:|--:|\n| x \\| y | **2** | 3 |");
  assert.equal((html.match(/<th /g) ?? []).length, 3);
  assert.ok(html.includes('<td class="text-left"><p>x | y</p></td>'));
  assert.ok(html.includes('<td class="text-center"><p><strong>2</strong></p></td>'));
  assert.ok(html.includes('<td class="text-right"><p>3</p></td>'));
});

test("a line of bars without a second line of dashes is no table", () => {
  assert.equal(blocks("|x| is small\nand more"), "<p>|x| is small\nand more</p>");
});

test("fenced code is coloured and nothing else is done to it", () => {
  const html = markdown("before\n```python\nx = **y**\n```\nafter");
  assert.ok(html.startsWith("<p>before</p>") && html.endsWith("<p>after</p>"));
  assert.ok(html.includes('<span class="n">x</span> = **<span class="n">y</span>**'));
});

test("a formula that would make a link is shown as it is written", () => {
  for (const tex of [
    "\\href{javascript:alert(1)}{x}",
    "a \\require{html}",
    "\\style{color:red}{x}",
    "\\mmlToken{mi}[href=javascript:alert(1)]{x}",
  ])
    assert.equal(inline(`$${tex}$`), `<code>$${tex}$</code>`);
  assert.equal(inline("$\\datax$"), '<span class="math">\\(\\datax\\)</span>');
});
