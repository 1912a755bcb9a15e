// Which exercises the reader has done: remembered in the browser, shown at the exercises and in the
// contents of the book.
// @ts-check
{
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
  const key = `nnbook-exercises:${root.pathname}`;

  /** @typedef {{ [page: string]: { done: string[], of: number } }} Progress */

  /** @returns {Progress} */
  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "{}");
    } catch {
      return {};
    }
  };

  /** @param {Progress} progress */
  const write = (progress) => {
    try {
      localStorage.setItem(key, JSON.stringify(progress));
    } catch {
      // this browser remembers nothing
    }
  };

  /** @param {string} address */
  const nameOf = (address) => new URL(address, location.href).pathname.split("/").at(-1) ?? "";
  const here = nameOf(location.href);
  const exercises = [...document.querySelectorAll("article p[id^='exercise-']")];

  /** @param {Element} exercise */
  function addBox(exercise) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = read()[here]?.done.includes(exercise.id) ?? false;
    box.setAttribute("aria-label", `Exercise ${exercise.id.split("-")[1]} is done`);
    box.onchange = () => {
      const progress = read();
      const done = new Set(progress[here]?.done);
      if (box.checked) done.add(exercise.id);
      else done.delete(exercise.id);
      progress[here] = { done: [...done], of: exercises.length };
      write(progress);
      show();
    };
    const label = document.createElement("label");
    label.className = "nnbook-done";
    label.append(box, " done");
    exercise.append(" ", label);
  }

  /**
   * Write behind an element how much of a page is done.
   * @param {Element | null | undefined} element
   * @param {string} text
   */
  function note(element, text) {
    if (!element) return;
    const old = element.querySelector(".nnbook-progress");
    const span = old ?? document.createElement("span");
    span.className = "nnbook-progress";
    span.textContent = text;
    if (text) element.append(span);
    else span.remove();
  }

  function show() {
    const progress = read();
    const links = document.querySelectorAll(
      "nav.bd-links a.reference, .toctree-wrapper a.reference",
    );
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (links)) {
      const { done = [], of = 0 } = progress[nameOf(link.href)] ?? {};
      note(link, done.length ? ` ${done.length} of ${of} done` : "");
    }
    const count = progress[here]?.done.length;
    const heading = exercises[0]?.closest("section")?.querySelector("h2");
    note(heading, count ? ` ${count} of ${exercises.length} done` : "");
  }

  for (const exercise of exercises) addBox(exercise);
  show();
  addEventListener("storage", show); // another page of the book was open
}
