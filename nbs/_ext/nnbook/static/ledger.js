// A filter for the ledger of claims: a button for each verdict. Without it, all claims are listed.
// @ts-check
const VERDICTS = ["digit", "spread", "confirmed", "corrected", "outside", "refuted"];
const tables = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".nnbook-ledger")]);
const rows = /** @type {HTMLElement[]} */ ([
  ...document.querySelectorAll(".nnbook-ledger tbody tr"),
]);

/** @param {string} verdict the claims to show, or "" for all */
function show(verdict) {
  for (const row of rows) row.hidden = verdict !== "" && !row.matches(`.nnbook-is-${verdict}`);
  for (const table of tables) {
    // with its heading, and the heading above if nothing below that is left
    for (let box = table.closest("section"); box?.querySelector(".nnbook-ledger"); ) {
      box.hidden = !box.querySelector("tbody tr:not([hidden])");
      box = box.parentElement?.closest("section") ?? null;
    }
  }
  for (const button of bar.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === verdict));
  }
}

/** @param {string} verdict @param {string} text */
function addButton(verdict, text) {
  const button = document.createElement("button");
  button.value = verdict;
  button.textContent = text;
  if (verdict) button.className = `nnbook-${verdict}`;
  button.addEventListener("click", () => show(verdict));
  bar.append(button);
}

const bar = document.createElement("div");
bar.className = "nnbook-filter";
bar.setAttribute("role", "group");
bar.setAttribute("aria-label", "Show claims by verdict");
addButton("", `all ${rows.length}`);
for (const verdict of VERDICTS) {
  const found = rows.filter((row) => row.matches(`.nnbook-is-${verdict}`));
  const word = found[0]?.querySelector(".nnbook-verdict")?.textContent;
  if (word) addButton(verdict, `${word} ${found.length}`);
}
tables[0]?.closest("section")?.parentElement?.closest("section")?.before(bar);
// a link to a claim finds it, whatever was chosen before
addEventListener("hashchange", () => {
  if (document.getElementById(location.hash.slice(1))?.closest("[hidden]")) show("");
});
show("");
