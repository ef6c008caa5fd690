// The fields of a definition's form, filled with what is there.

import { make } from "./elements.js";
import { has, say } from "./language.js";
import { choice, field, tick } from "./panels.js";
import { describeLanguage } from "./schedule_words.js";

const INTERVALS = ["hour", "day", "week", "month"];
const FIRST_FORMAT = "pdf";

/** The form, without the fields of a type's own arguments; ids begin with `definition-`. */
export function drawForm({ types, report, workshop, formats, languages }) {
  const given = { values: (key) => (report?.arguments[key] ?? []).map(({ value }) => value), report };
  return make(
    "form",
    { id: "definition-form", class: "form", novalidate: true },
    drawWhat(types, given),
    drawWhen(workshop, given),
    drawRecipients(formats, languages, given),
    drawCondition(given),
    tick("active_tick", "definition-active", (report?.active ?? "1") === "1", "active_hint"),
    make("p", { id: "definition-error", class: "error", role: "alert" }),
    make(
      "div",
      { class: "actions" },
      make(
        "button",
        { type: "submit", class: "button main", id: "definition-save", "data-text": "definition_save" },
        say("definition_save"),
      ),
      make(
        "button",
        { type: "button", class: "button", id: "definition-preview", "data-text": "definition_preview" },
        say("definition_preview"),
      ),
    ),
  );
}

function drawWhat(types, { report }) {
  const options = types.map(({ id, name }) => make("option", { value: id }, name));
  const type = make("select", { id: "definition-type", disabled: Boolean(report) }, ...options);
  if (report) type.value = report.report_type_id;
  const own = make(
    "fieldset",
    { id: "definition-own", hidden: true },
    make("legend", { "data-text": "filters" }, say("filters")),
    make("div", { id: "definition-arguments", class: "filters" }),
  );
  const typed = field("report_type", type);
  typed.append(make("p", { class: "hint", id: "definition-type-hint", lang: "en" }));
  type.setAttribute("aria-describedby", "definition-type-hint definition-type-error");
  return group(
    "definition_what",
    pair(field("name", text("name", report?.name, { maxlength: "200" })), typed),
    field("description", text("description", report?.description, { maxlength: "2000" })),
    own,
  );
}

function drawWhen(workshop, { report }) {
  const intervals = INTERVALS.map((name) => [name, `interval_${name}`]);
  const time = make("input", { id: "definition-send-at", type: "time", value: report?.send_at ?? "06:00" });
  const minute = make("input", {
    id: "definition-minute",
    type: "number",
    min: "0",
    max: "59",
    value: String(Number((report?.send_at ?? "00:00").slice(3))),
  });
  const zones = make(
    "datalist",
    { id: "definition-zones" },
    ...Intl.supportedValuesOf("timeZone").map((name) => make("option", { value: name })),
  );
  const zone = text("time-zone", report?.time_zone ?? workshop.time_zone, { list: "definition-zones" });
  const expert = make(
    "details",
    { class: "expert", open: Boolean(report?.cron) },
    make("summary", { "data-text": "expert" }, say("expert")),
    field("cron", text("cron", report?.cron), "cron_hint"),
  );
  return group(
    "definition_when",
    pair(
      field("interval", choice("definition-interval", intervals, report?.interval ?? "day"), "interval_hint"),
      make("div", {}, field("send_at", time), field("minute", minute)),
    ),
    pair(
      make(
        "div",
        {},
        tick("weekdays_only", "definition-weekdays", report?.weekdays_only === "1"),
        tick("last_day", "definition-last-day", report?.last_day_of_month === "1"),
      ),
      make("div", {}, field("time_zone", zone), zones),
    ),
    expert,
  );
}

function drawRecipients(formats, languages, { report, values }) {
  const chosen = report ? values("format") : [FIRST_FORMAT];
  const ticks = formats.map((name) => {
    const id = `definition-format-${name}`;
    const input = make("input", {
      type: "checkbox",
      id,
      name: "format",
      value: name,
      "aria-describedby": "definition-format-error",
    });
    input.checked = chosen.includes(name);
    const key = `format_${name}`;
    return make(
      "div",
      { class: "tick" },
      input,
      make("label", { for: id, "data-text": has(key) ? key : null }, has(key) ? say(key) : name),
    );
  });
  const emails = make(
    "textarea",
    { id: "definition-emails", rows: "3", autocomplete: "off", spellcheck: "false" },
    values("email").join("\n"),
  );
  const codes = languages.filter((code) => !code.includes("_"));
  const language = make(
    "select",
    { id: "definition-language" },
    make("option", { value: "", "data-text": "language_usual" }, say("language_usual")),
    ...codes.map((code) => make("option", { value: code }, describeLanguage(code))),
  );
  language.value = values("report_language")[0]?.split("_")[0] ?? "";
  return group(
    "definition_whom",
    pair(
      field("recipients", emails, "recipients_hint"),
      make(
        "fieldset",
        { class: "plain" },
        make("legend", { "data-text": "format" }, say("format")),
        ...ticks,
        make("p", { class: "error", id: "definition-format-error" }),
      ),
    ),
    pair(
      field("file_language", language),
      field("owner", text("owner", report?.owner, { type: "email", autocomplete: "email" }), "owner_hint"),
    ),
    tick("link_only", "definition-link-only", report?.email_link_only === "1", "link_only_hint"),
  );
}

function drawCondition({ report, values }) {
  const asked = report?.condition;
  const kinds = [
    ["", "always"],
    ["changed", "when_changed"],
    ["above", "when_above"],
    ["below", "when_below"],
  ];
  return group(
    "condition",
    tick("when_data", "definition-when-data", values("only_when_data")[0] === "1"),
    field("condition_kind", choice("definition-condition", kinds, asked?.kind ?? "")),
    pair(
      field("condition_column", text("column", asked?.column), "condition_column_hint"),
      field("threshold", text("threshold", asked?.threshold ?? null, { inputmode: "decimal" })),
    ),
  );
}

function text(id, value, attributes = {}) {
  return make("input", {
    id: `definition-${id}`,
    type: "text",
    autocomplete: "off",
    value: value === null || value === undefined ? "" : String(value),
    ...attributes,
  });
}

function group(key, ...content) {
  return make("fieldset", {}, make("legend", { "data-text": key }, say(key)), ...content);
}

function pair(...fields) {
  return make("div", { class: "pair" }, ...fields);
}
