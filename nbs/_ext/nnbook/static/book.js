// What scrolls can be reached by the keyboard: code, tables and figures that are larger than their
// place, and only those.
// @ts-check
const WIDE = "pre, .pst-scrollable-table-container, .bd-content figure, .bd-content div.math";
function reach() {
  for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(WIDE))) {
    if (!box.clientWidth) continue; // not shown now
    const high = box.matches(".nnbook-live-printed > pre") && box.scrollHeight > box.clientHeight;
    const wide = box.scrollWidth > box.clientWidth + 1;
    const scrolls = (wide || high) && /auto|scroll/.test(getComputedStyle(box).overflowX);
    // as the theme says it, which looks at code only when the page is loaded
    box.tabIndex = scrolls ? 0 : -1;
  }
}
new ResizeObserver(reach).observe(document.body);

// The contents of the book are a landmark
const contents = document.querySelector(".bd-sidebar-primary");
contents?.setAttribute("role", "navigation");
contents?.setAttribute("aria-label", "Book");

// A link to a claim unfolds the box that it is in
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const box = target?.closest("details");
  if (!target || !box || box.open) return;
  box.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

// What the theme's buttons do, whose own scripts a strict policy does not run
/** @type {{ [name: string]: () => void }} */
const does = {
  print: () => window.print(),
  toggleFullScreen: () => /** @type {any} */ (window).toggleFullScreen(),
};
for (const element of document.querySelectorAll("[data-nnbook-does]")) {
  const { nnbookDoes = "" } = /** @type {HTMLElement} */ (element).dataset;
  element.addEventListener("click", () => does[nnbookDoes]());
}
