// What is asked for by the form of a definition, and how it is recorded: made whole, or changed piece by piece.

import { has, say } from "./language.js";

/** The fields of the API that a definition's own argument has, as the JSON Schema of a filter. */
export function schemaOf(fields, values) {
  const properties = {};
  for (const { key, description, mandatory, type } of fields) {
    properties[key] = {
      ...typeOf(type, values),
      title: titleOf(key),
      description,
      "x-needed": mandatory === "1",
      "x-empty": key === "option" ? "usual" : "any",
    };
  }
  return { properties };
}

/** The types of fields whose values are to be asked for. */
export function entityTypes(fields) {
  return fields.map(({ type }) => type).filter((type) => !(type in PLAIN) && !type.startsWith("enum("));
}

/** The values of an enum field. */
export function choicesOf(type) {
  return [...type.matchAll(/'([^']*)'/g)].map(([, value]) => value);
}

/** A definition that is to be made, as the API takes it. */
export function bodyOf(typeId, { fields, pairs }) {
  return {
    ...fields,
    report_type_id: typeId,
    arguments: pairs.map(([key, value]) => ({ key, value })),
  };
}

/** Make a definition; returns its id. */
export async function create(client, typeId, draft) {
  return (await client.act("POST", "/company/report", { body: bodyOf(typeId, draft) })).id;
}

/** Change a definition to what the draft says: its arguments one by one, so that a needed one is never gone. */
export async function change(client, report, draft) {
  const path = `/company/report/${report.id}`;
  await client.call("PATCH", path, { body: draft.fields });
  const { kept, spare } = match(report, draft.pairs);
  for (const [key, value] of kept) {
    const at = spare.findIndex((one) => one.key === key);
    if (at < 0) await client.act("POST", `${path}/argument`, { body: { key, value } });
    else {
      const [{ id }] = spare.splice(at, 1);
      await client.call("PATCH", `${path}/argument/${id}`, { body: { key, value } });
    }
  }
  for (const { id } of spare) await client.call("DELETE", `${path}/argument/${id}`);
}

/** Which pairs are not there yet (`kept`), and which arguments are there and not wanted (`spare`). */
function match(report, pairs) {
  const spare = Object.entries(report.arguments).flatMap(([key, values]) =>
    values.map(({ id, value }) => ({ id, key, value })),
  );
  const kept = pairs.filter(([key, value]) => {
    const at = spare.findIndex((one) => one.key === key && one.value === String(value));
    if (at >= 0) spare.splice(at, 1);
    return at < 0;
  });
  return { kept, spare };
}

const PLAIN = {
  bool: { type: "boolean" },
  text: { type: "string" },
  email: { type: "string" },
  number: { type: "number" },
  date: { type: "string", format: "date" },
  list: { type: "array" },
};

function typeOf(type, values) {
  if (type in PLAIN) return PLAIN[type];
  if (type.startsWith("enum("))
    return { oneOf: choicesOf(type).map((value) => ({ const: value, title: choiceName(value) })) };
  return { oneOf: (values.get(type) ?? []).map(({ id, name }) => ({ const: id, title: name })) };
}

function choiceName(value) {
  return has(`option_${value}`) ? say(`option_${value}`) : value;
}

/** What an argument is called. */
export function titleOf(key) {
  if (has(`argument_${key}`)) return say(`argument_${key}`);
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
