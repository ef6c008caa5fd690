// Elements of the document: made, found and filled; never from markup in texts.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id. */
export function find(id) {
  return document.getElementById(id);
}

/** A new HTML element; attributes that are null, undefined or false are left out. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** A new SVG element. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A text for screen readers alone. */
export function spoken(text) {
  return make("span", { class: "spoken" }, text);
}

/** A button. */
export function button(text, attributes, pressed) {
  const made = make("button", { type: "button", class: "button", ...attributes }, text);
  made.addEventListener("click", pressed);
  return made;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
