// The fields of a report's filters, made from their JSON Schema.

import { make } from "./elements.js";
import { explain, say } from "./language.js";

/** The fields in a box. */
export class FilterFields {
  /** `prefix` begins the ids of the fields. */
  constructor(box, prefix = "filter") {
    this._box = box;
    this._prefix = prefix;
    this._fields = new Map();
  }

  /** Show the fields of a schema; what was filled in under the same names stays, else `values` are. */
  show(schema, values) {
    const before = new Map([...this._fields].map(([name, { input }]) => [name, input.value]));
    this._fields = new Map(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [
        name,
        makeField(`${this._prefix}-${name}`, name, property),
      ]),
    );
    for (const [name, { input }] of this._fields) input.value = values[name] ?? before.get(name) ?? "";
    this._box.replaceChildren(...[...this._fields.values()].map((field) => field.box));
  }

  /** The filters that are filled in; null when one cannot be sent, which is said at its field. */
  read() {
    const filters = {};
    for (const [name, { input, kind }] of this._fields) {
      const text = input.value.trim();
      if (text === "") continue;
      const value = READERS[kind](text);
      if (value === null) {
        this.refuse(name, say("number_refused"));
        return null;
      }
      filters[name] = value;
    }
    const { date_from: from, date_to: to } = filters;
    if (from && to && from > to) {
      this.refuse("date_from", say("dates_swapped"));
      return null;
    }
    return filters;
  }

  /** Show at a field why its value is refused; false: there is no such field. */
  refuse(name, ...said) {
    const field = this._fields.get(name);
    if (field) refuseField(field.input, field.error, said);
    return Boolean(field);
  }

  clearErrors() {
    for (const { input, error } of this._fields.values()) {
      error.textContent = "";
      input.removeAttribute("aria-invalid");
    }
  }
}

const READERS = {
  text: (text) => text,
  date: (text) => text,
  instant: (text) => text,
  number: (text) => {
    const value = Number(text.replace(",", "."));
    return Number.isFinite(value) ? value : null;
  },
  boolean: (text) => text === "true",
  list: (text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean),
};

/** Show at a field why its value is refused, and go there. */
export function refuseField(field, place, said) {
  place.replaceChildren(...said);
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function makeField(id, name, property) {
  const kind = kindOf(property);
  const described = `${id}-hint ${id}-error`;
  const input = makeInput(kind, property, { id, "aria-describedby": described });
  const error = make("p", { class: "error", id: `${id}-error` });
  const box = make(
    "div",
    { class: "field" },
    make("label", { for: id }, property.title ?? name),
    input,
    explain(make("p", { class: "hint", id: `${id}-hint` }), `hint_${name}`, property.description ?? ""),
    error,
  );
  return { kind, input, error, box };
}

function makeInput(kind, property, attributes) {
  if (kind === "date") return make("input", { ...attributes, type: "date", max: "9999-12-31" });
  if (kind === "instant")
    return make("input", { ...attributes, type: "datetime-local", max: "9999-12-31T23:59" });
  if (property.oneOf) {
    return choices(
      attributes,
      property.oneOf.map(({ const: value, title }) => [value, title]),
      property["x-needed"] ? null : property["x-empty"],
    );
  }
  if (kind === "boolean") {
    return choices(attributes, [
      ["true", say("yes")],
      ["false", say("no")],
    ]);
  }
  if (property.enum)
    return choices(
      attributes,
      property.enum.map((value) => [value, String(value)]),
    );
  const mode = kind === "number" ? "decimal" : null;
  return make("input", {
    ...attributes,
    type: "text",
    inputmode: mode,
    autocomplete: "off",
    spellcheck: "false",
  });
}

function choices(attributes, values, empty = "any") {
  const options = [...(empty === null ? [] : [["", say(empty)]]), ...values].map(([value, text]) =>
    make("option", { value }, text),
  );
  return make("select", attributes, options);
}

function kindOf({ type, format, "x-type": meant }) {
  if (meant === "instant") return "instant";
  const types = [type].flat();
  if (types.includes("array")) return "list";
  if (types.includes("boolean")) return "boolean";
  if (types.includes("number") || types.includes("integer")) return "number";
  return format === "date" ? "date" : "text";
}
