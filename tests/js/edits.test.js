// The reader's edits: in a link, in a notebook.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, merged } from "../../nbs/_ext/nnbook/static/live/edits.js";

test("a link carries a cell's code, whatever letters it has", () => {
  for (const code of ["", "x = 1\nprint('ä € 𝄞 <&#?/+')", "~".repeat(3000)]) {
    const hash = encode("cell-1", code);
    assert.match(hash, /^#nnbook-code=cell-1\.[\w-]*$/);
    assert.deepEqual(decode(hash), { id: "cell-1", code });
  }
});

test("any other address carries none", () => {
  for (const hash of ["", "#exercise-1", "#nnbook-code=a.%%%", "#nnbook-code=a._w"])
    assert.equal(decode(hash), undefined);
});

test("an edited cell keeps the lines that direct the build", () => {
  const cells = [
    { id: "a", source: ["#| export\n", "#| live: 9 -> 3\n", "x = 9"] },
    { id: "b", source: "#| hide\ny = 2" },
  ];
  assert.deepEqual(merged({ cells }, { a: "x = 4\nx" }).cells, [
    { id: "a", source: "#| export\n#| live: 9 -> 3\nx = 4\nx" },
    cells[1],
  ]);
});
