// What scrolls can be reached by the keyboard: code, tables and figures that are wider than their place, and only those
const WIDE = "pre, .pst-scrollable-table-container, .bd-content figure, .bd-content div.math";
function reach() {
  for (const box of document.querySelectorAll(WIDE)) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
new ResizeObserver(reach).observe(document.body);

// The contents of the book are a landmark
const contents = document.querySelector(".bd-sidebar-primary");
contents?.setAttribute("role", "navigation");
contents?.setAttribute("aria-label", "Book");
