// What the scripts of a page make its elements with.

export function make(tag, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

export function button(text, onclick, label = text) {
  const element = make("button", { type: "button", onclick, textContent: text, className: "nnbook-live-button" });
  if (label !== text) element.setAttribute("aria-label", label);
  return element;
}
