// The form of a definition: drawn from the types and fields that the API tells, read, checked and sent.

import { isEnded } from "./client.js";
import { bodyOf, change, choicesOf, create, entityTypes, schemaOf } from "./definition_draft.js";
import { drawForm } from "./definition_fields.js";
import { find, make } from "./elements.js";
import { FilterFields, refuseField } from "./filter_fields.js";
import { say } from "./language.js";
import { announce, errorText } from "./notices.js";
import { faultPanel, heading } from "./panels.js";
import { Preview } from "./preview.js";

const COMMON = "all";
const ADDRESS = /^[^\s@,;<>]+@[^\s@,;<>]+$/;
const ARGUMENT = "arguments.";
/** Where what is wrong with a field of the API is said, if not at the one that is called so. */
const PLACES = {
  report_type_id: "type",
  "arguments.email": "emails",
  "arguments.format": "format-csv",
  "arguments.report_language": "language",
  "condition.column": "column",
  "condition.threshold": "threshold",
};

/** The form of a new definition, or (with an id) of one that is there. */
export class DefinitionForm {
  constructor(box, client, workshop, id) {
    this.keepsWords = true;
    this._box = box;
    this._client = client;
    this._workshop = workshop;
    this._id = id;
    this._values = new Map();
    this._closed = new AbortController();
    this._sending = false;
  }

  open() {
    const up = {
      to: this._id ? `#definitions/${this._id}` : "#definitions",
      key: this._id ? "definition_back" : "definitions_all",
    };
    this._panel = make(
      "section",
      { class: "panel" },
      heading({ key: this._id ? "definition_change_title" : "definition_new", up }),
      make("p", { class: "quiet", "data-text": "loading" }, say("loading")),
    );
    this._box.replaceChildren(this._panel);
    this._load();
  }

  close() {
    this._closed.abort();
  }

  async _load() {
    const { signal } = this._closed;
    const read = (path) => this._client.readBare(path, { signal });
    try {
      const [types, fields, report] = await Promise.all([
        read("/company/report/type"),
        read("/company/report/argument/fields"),
        this._id ? read(`/company/report/${this._id}`) : null,
      ]);
      this._types = types;
      this._fields = fields;
      this._report = report;
      this._draw();
      await this._showType();
    } catch (error) {
      if (isEnded(error)) return;
      this._panel.lastElementChild.replaceWith(faultPanel(error, "definitions", () => this._load()));
    }
  }

  _draw() {
    const enumOf = (key) => choicesOf(this._fields[COMMON].find((field) => field.key === key)?.type ?? "");
    this._form = drawForm({
      types: this._types,
      report: this._report,
      workshop: this._workshop,
      formats: enumOf("format"),
      languages: enumOf("report_language"),
    });
    this._preview = new Preview(this._client, this._workshop, this._closed.signal);
    this._panel.lastElementChild.replaceWith(this._form);
    this._panel.append(this._preview.box);
    this._own = new FilterFields(find("definition-arguments"), "argument");
    this._form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
    find("definition-preview").addEventListener("click", () => this._showPreview());
    find("definition-type").addEventListener("change", () => this._showType());
    this._form.addEventListener("input", () => this._preview.clear());
    for (const id of ["interval", "condition", "cron"]) {
      find(`definition-${id}`).addEventListener("input", () => this._showParts());
    }
    this._showParts();
  }

  /** The fields of the type's own arguments, with what they can name. */
  async _showType() {
    const type = find("definition-type").value;
    const fields = this._fields[type] ?? [];
    const missing = entityTypes(fields).filter((name) => !this._values.has(name));
    const loaded = missing.map(async (name) => {
      const path = `/company/report/argument/values/${encodeURIComponent(name)}`;
      this._values.set(name, await this._client.readBare(path, { signal: this._closed.signal }));
    });
    try {
      await Promise.all(loaded);
    } catch (error) {
      if (!isEnded(error)) find("definition-error").textContent = errorText(error);
    }
    if (find("definition-type").value !== type) return;
    this._own.show(schemaOf(fields, this._values), this._given());
    find("definition-own").hidden = fields.length === 0;
    const { description } = this._types.find(({ id }) => id === type);
    find("definition-type-hint").textContent = description ?? "";
  }

  _given() {
    const given = {};
    for (const [key, values] of Object.entries(this._report?.arguments ?? {})) {
      given[key] = values.map(({ value }) => value).join(",");
    }
    for (const { key, type } of this._fields[find("definition-type").value] ?? []) {
      if (type === "bool" && key in given) given[key] = String(given[key] === "1");
    }
    return given;
  }

  _showParts() {
    const interval = find("definition-interval").value;
    const byCron = find("definition-cron").value.trim() !== "";
    const condition = find("definition-condition").value;
    const shown = {
      "send-at": interval !== "hour" && !byCron,
      minute: interval === "hour" && !byCron,
      "last-day": interval === "month" && !byCron,
      column: condition === "above" || condition === "below",
      threshold: condition === "above" || condition === "below",
    };
    for (const [id, isShown] of Object.entries(shown)) {
      find(`definition-${id}`).closest(".field, .tick").hidden = !isShown;
    }
  }

  async _submit() {
    await this._do("save", async (draft) => {
      if (this._id) await this._change(draft);
      else this._id = await create(this._client, find("definition-type").value, draft);
      announce(say("definition_saved"));
      location.hash = `#definitions/${this._id}`;
    });
  }

  async _change(draft) {
    const report = this._report ?? (await this._readReport());
    // What is changed before a refusal is changed: the next try begins from what is there then.
    this._report = null;
    await change(this._client, report, draft);
  }

  /** Show beneath the form what would come of it; nothing is saved. */
  async _showPreview() {
    const load = (draft) => this._preview.load(bodyOf(find("definition-type").value, draft));
    await this._do("preview", load);
  }

  /** Do something with what is filled in, one thing at a time; what is refused is said at its field. */
  async _do(pressed, act) {
    if (this._sending) return;
    this._clearErrors();
    const draft = this._read();
    if (!draft) return;
    this._hold(pressed, true);
    try {
      await act(draft);
    } catch (error) {
      if (!isEnded(error)) this._refuse(error);
    } finally {
      this._hold(pressed, false);
    }
  }

  _readReport() {
    return this._client.readBare(`/company/report/${this._id}`, { signal: this._closed.signal });
  }

  /** What is filled in; null when something cannot be sent, which is said at its field. */
  _read() {
    const text = (id) => find(`definition-${id}`).value.trim();
    const isOn = (id) => find(`definition-${id}`).checked;
    const interval = text("interval");
    const cron = text("cron") || null;
    const emails = text("emails")
      .split(/[\s,;]+/)
      .filter(Boolean);
    const formats = [...this._form.querySelectorAll("[name=format]:checked")].map(({ value }) => value);
    const wrong = emails.find((email) => !ADDRESS.test(email));
    if (!text("name")) return this._point("name", say("name_missing"));
    const own = this._own.read();
    if (!own) return null;
    if (!emails.length) return this._point("emails", say("recipients_missing"));
    if (wrong) return this._point("emails", say("recipient_wrong", { address: wrong }));
    if (!formats.length) return this._point("format-csv", say("format_missing"));
    const condition = this._readCondition(text("condition"), text("column"), text("threshold"));
    if (condition === undefined) return null;
    const fields = {
      name: text("name"),
      description: text("description"),
      interval,
      cron,
      send_at: interval === "hour" ? `00:${text("minute").padStart(2, "0")}` : text("send-at"),
      weekdays_only: isOn("weekdays"),
      last_day_of_month: isOn("last-day") && interval === "month" && cron === null,
      time_zone: text("time-zone") || null,
      email_link_only: isOn("link-only"),
      owner: text("owner") || null,
      condition,
      active: isOn("active"),
    };
    const pairs = [
      ...formats.map((value) => ["format", value]),
      ...emails.map((value) => ["email", value]),
      ...(text("language") ? [["report_language", text("language")]] : []),
      ...(isOn("when-data") ? [["only_when_data", "1"]] : []),
      ...Object.entries(own).map(([key, value]) => [key, plain(value)]),
    ];
    return { fields, pairs };
  }

  _readCondition(kind, column, threshold) {
    if (!kind) return null;
    if (kind === "changed") return { kind };
    if (!/^-?\d+([.,]\d+)?$/.test(threshold)) {
      this._point("threshold", say("number_refused"));
      return undefined;
    }
    return { kind, column: column || null, threshold: threshold.replace(",", ".") };
  }

  _point(id, ...said) {
    for (let box = find(`definition-${id}`).parentElement; box !== this._form; box = box.parentElement) {
      if (box.tagName === "DETAILS") box.open = true;
    }
    refuseField(find(`definition-${id}`), errorPlace(id), said);
    return null;
  }

  _refuse(error) {
    if (error.status !== 422) {
      find("definition-error").textContent = errorText(error);
      return;
    }
    const said = [`${say("field_refused")} `, make("span", { lang: "en" }, error.message)];
    const { field } = error;
    if (field.startsWith(ARGUMENT) && this._own.refuse(field.slice(ARGUMENT.length), ...said)) return;
    const place = this._placeOf(field);
    if (place) this._point(place, ...said);
    else find("definition-error").replaceChildren(...said);
  }

  /** The field of the form at which a field of the API is shown; null: at none. */
  _placeOf(field) {
    const named = PLACES[field] ?? field.replaceAll("_", "-");
    const places = named === "send-at" ? [named, "minute"] : [named];
    return places.find((id) => errorPlace(id) && !find(`definition-${id}`).closest("[hidden]")) ?? null;
  }

  _hold(pressed, sending) {
    this._sending = sending;
    this._form.setAttribute("aria-busy", String(sending));
    const busy = pressed === "save" ? "making" : "loading";
    find(`definition-${pressed}`).textContent = say(sending ? busy : `definition_${pressed}`);
  }

  _clearErrors() {
    for (const place of this._form.querySelectorAll(".error")) place.textContent = "";
    for (const input of this._form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    this._own.clearErrors();
  }
}

/** The element in which is said what is wrong with a field of the form; all formats have the same. */
function errorPlace(id) {
  return find(`definition-${id.startsWith("format-") ? "format" : id}-error`);
}

function plain(value) {
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "boolean" ? String(Number(value)) : value;
}
