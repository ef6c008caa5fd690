// The fields of a new batch's form.

import { make } from "./elements.js";
import { current, languageName, say } from "./language.js";
import { choice, field, tick } from "./panels.js";

const METHODS = [
  ["", "auth_none"],
  ["Header", "auth_header"],
  ["BasicAuth", "auth_basic"],
  ["Kerberos", "auth_kerberos"],
];
const TEMPLATE = "{cvr}-{name}-{rundate}";

/** The form; ids begin with `batch-`. */
export function drawBatchForm({ types, languages }) {
  const submit = make(
    "button",
    { type: "submit", class: "button main", id: "batch-make", "data-text": "batch_make" },
    say("batch_make"),
  );
  return make(
    "form",
    { id: "batch-form", class: "form", novalidate: true },
    drawWhat(types, languages),
    drawItems(),
    drawNames(),
    drawTime(),
    drawReceivers(),
    make("p", { id: "batch-error", class: "error", role: "alert" }),
    make("div", { class: "actions" }, submit),
  );
}

function drawWhat(types, languages) {
  const options = types.map(({ type, title }) => make("option", { value: type }, title));
  const language = make(
    "select",
    { id: "batch-language" },
    ...languages.map((code) => make("option", { value: code }, languageName(code))),
  );
  language.value = current();
  return group(
    "definition_what",
    pair(
      field("name", text("name", { maxlength: "200" })),
      field("report_type", make("select", { id: "batch-type" }, ...options)),
    ),
    pair(field("format", make("select", { id: "batch-format" })), field("file_language", language)),
    make(
      "fieldset",
      {},
      make("legend", { "data-text": "filters" }, say("filters")),
      make("div", { id: "batch-filters", class: "filters" }),
    ),
  );
}

function drawItems() {
  const numbers = make("textarea", {
    id: "batch-numbers",
    rows: "6",
    class: "code",
    autocomplete: "off",
    spellcheck: "false",
  });
  const file = make("input", { id: "batch-file", type: "file", accept: ".csv,.txt,text/csv,text/plain" });
  return group(
    "batch_whom",
    field("numbers", numbers, "numbers_hint"),
    make("p", { id: "batch-count", class: "hint", "aria-live": "polite" }),
    field("numbers_file", file),
  );
}

function drawNames() {
  const template = text("template", {
    value: TEMPLATE,
    maxlength: "200",
    class: "code",
    spellcheck: "false",
  });
  return group(
    "batch_names",
    field("batch_template", template, "template_hint"),
    make("p", { id: "batch-example", class: "hint example", "aria-live": "polite" }),
    field("batch_append", text("append", { maxlength: "50" }), "append_hint"),
  );
}

function drawTime() {
  const time = make("input", { id: "batch-time", type: "datetime-local", max: "9999-12-31T23:59" });
  return group(
    "definition_when",
    field("batch_scheduled", time),
    make("p", { id: "batch-instant", class: "hint", "aria-live": "polite" }),
    tick("batch_listener", "batch-listener", false, "listener_hint"),
    make("p", { id: "batch-listener-error", class: "error" }),
  );
}

function drawReceivers() {
  const tried = make(
    "button",
    { type: "button", class: "button", id: "batch-try", "data-text": "webhook_try" },
    say("webhook_try"),
  );
  return group(
    "batch_told",
    field("batch_email", text("email", { type: "email" }), "batch_email_hint"),
    field("batch_webhook", text("webhook", { type: "url", placeholder: "https://" }), "batch_webhook_hint"),
    field("auth_method", choice("batch-auth-method", METHODS, "")),
    pair(
      field("auth_key", text("auth-key")),
      field(
        "auth_value",
        text("auth-value", { type: "password", autocomplete: "new-password" }),
        "auth_value_hint",
      ),
    ),
    tried,
    make("div", { id: "batch-tried" }),
  );
}

function text(id, attributes = {}) {
  return make("input", { id: `batch-${id}`, type: "text", autocomplete: "off", ...attributes });
}

function group(key, ...content) {
  return make("fieldset", {}, make("legend", { "data-text": key }, say(key)), ...content);
}

function pair(...fields) {
  return make("div", { class: "pair" }, ...fields);
}
