// What the views are built of: headings, facts, tables, states, and what is said when something is not there.

import { button, make } from "./elements.js";
import { say } from "./language.js";
import { errorText } from "./notices.js";

/** A view's heading, with what can be done beside it; `key` names its text, or `text` is it. */
export function heading({ key, text, lead, up }, ...tools) {
  return make(
    "div",
    { class: "panel-heading" },
    make(
      "div",
      {},
      up && make("p", { class: "up" }, make("a", { href: up.to, "data-text": up.key }, say(up.key))),
      make("h2", { tabindex: "-1", "data-text": key }, text ?? say(key)),
      lead && make("p", { class: "quiet small", "data-text": lead }, say(lead)),
    ),
    make("div", { class: "tools" }, ...tools),
  );
}

/** A link that looks like a button. */
export function linkButton(key, to, main = false) {
  return make("a", { class: main ? "button main" : "button", href: to, "data-text": key }, say(key));
}

/** What stands in place of something that could not be loaded. A key without the scope is told so kindly. */
export function faultPanel(error, scope, retry) {
  if (error.status === 403) {
    return make(
      "div",
      { class: "empty lacking" },
      make("p", { class: "strong" }, say("scope_lacking")),
      make("p", {}, say(`scope_lacking_${scope}`)),
    );
  }
  return make(
    "div",
    { class: "fault" },
    make("p", { role: "alert" }, errorText(error)),
    retry && button(say("retry"), {}, retry),
  );
}

/** What stands in place of a list without entries. */
export function emptyPanel(key, lead) {
  return make("div", { class: "empty" }, make("p", { class: "strong" }, say(key)), make("p", {}, say(lead)));
}

/** Names and values; a pair whose value is null is left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== "");
  return make(
    "dl",
    { class: "facts" },
    ...shown.map(([key, value]) => make("div", {}, make("dt", {}, say(key)), make("dd", {}, value))),
  );
}

/** A state as a word; `kind` is good, bad, wait or none. */
export function state(text, kind) {
  return make("span", { class: "state", "data-kind": kind }, text);
}

/** A table; a cell is a text or elements. */
export function table(captionKey, headKeys, rows) {
  return make(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": say(captionKey) },
    make(
      "table",
      {},
      make("caption", { class: "spoken" }, say(captionKey)),
      make("thead", {}, make("tr", {}, ...headKeys.map((key) => make("th", { scope: "col" }, say(key))))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))),
    ),
  );
}

/** A section of a view with a heading of its own. */
export function section(key, ...content) {
  return make("section", { class: "part" }, make("h3", {}, say(key)), ...content);
}

/** A field with its label, a hint or none, and a place for what is refused. */
export function field(key, input, hint = null) {
  const described = [hint && `${input.id}-hint`, `${input.id}-error`].filter(Boolean).join(" ");
  input.setAttribute("aria-describedby", described);
  return make(
    "div",
    { class: "field" },
    make("label", { for: input.id, "data-text": key }, say(key)),
    input,
    hint && make("p", { class: "hint", id: `${input.id}-hint`, "data-text": hint }, say(hint)),
    make("p", { class: "error", id: `${input.id}-error` }),
  );
}

/** A box to tick, with its label and a hint or none. */
export function tick(key, id, checked, hint = null) {
  const input = make("input", { type: "checkbox", id, "aria-describedby": hint && `${id}-hint` });
  input.checked = checked;
  return make(
    "div",
    { class: "tick" },
    input,
    make("label", { for: id, "data-text": key }, say(key)),
    hint && make("p", { class: "hint", id: `${id}-hint`, "data-text": hint }, say(hint)),
  );
}

/** A choice; options are pairs of value and key of its text. */
export function choice(id, options, value) {
  const select = make(
    "select",
    { id },
    ...options.map(([name, key]) => make("option", { value: name, "data-text": key }, say(key))),
  );
  select.value = value;
  return select;
}

/** Say that something was done, or why not, where a button was pressed. */
export function outcome(place, text, isError = false) {
  place.replaceChildren(
    make("p", isError ? { class: "error", role: "alert" } : { class: "done", role: "status" }, text),
  );
}
