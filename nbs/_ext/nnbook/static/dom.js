// What the scripts of a page make its elements with.

export function make(tag, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

export function button(text, onclick, label = text) {
  const element = make("button", { type: "button", textContent: text, className: "nnbook-live-button" });
  element.onclick = (event) => element.getAttribute("aria-disabled") !== "true" && onclick(event);
  if (label !== text) element.setAttribute("aria-label", label);
  return element;
}

// A button that is really disabled would lose the focus.
export function enable(element, yes) {
  element.setAttribute("aria-disabled", String(!yes));
}
