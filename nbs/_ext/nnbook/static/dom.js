// What the scripts of a page make its elements with.
// @ts-check

/**
 * Make an element with these attributes and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

/**
 * Make a button; `label` is what assistive software reads, where the text is too short for it.
 * @param {string} text
 * @param {() => unknown} onclick
 * @param {string} label
 */
export function button(text, onclick, label = text) {
  const element = make("button", { type: "button", textContent: text });
  element.className = "nnbook-live-button";
  element.onclick = () => {
    if (element.getAttribute("aria-disabled") !== "true") onclick();
  };
  if (label !== text) element.setAttribute("aria-label", label);
  return element;
}

/**
 * Enable or disable a button. One that is really disabled would lose the focus.
 * @param {Element} element
 * @param {boolean} yes
 */
export function enable(element, yes) {
  element.setAttribute("aria-disabled", String(!yes));
}

/**
 * Find the one element that a page is built with.
 * @param {ParentNode} inside
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(inside, selector) {
  const element = inside.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}

/**
 * What an error says, whatever was thrown.
 * @param {unknown} error
 */
export const said = (error) => (error instanceof Error ? error.message : String(error));

/**
 * The address of a file of the site, from its folder `_static`, in which this script lies.
 * @param {string} path
 */
export const site = (path) => new URL(path, import.meta.url).href;
