// The form of a definition: drawn from the types and fields that the API tells, read, checked and sent.

import { isEnded } from "./client.js";
import { change, choicesOf, create, entityTypes, schemaOf } from "./definition_draft.js";
import { drawForm } from "./definition_fields.js";
import { find, make } from "./elements.js";
import { FilterFields, refuseField } from "./filter_fields.js";
import { say } from "./language.js";
import { announce, errorText } from "./notices.js";
import { Outlook } from "./outlook.js";
import { faultPanel, heading, section } from "./panels.js";

const COMMON = "all";
const ADDRESS = /^[^\s@,;<>]+@[^\s@,;<>]+$/;
/** What the API's words of a refusal are about, by the field that they are shown at. */
const PLACES = [
  [/send_at/, "send-at"],
  [/cron/, "cron"],
  [/time.zone/, "time-zone"],
  [/owner/, "owner"],
  [/threshold/, "threshold"],
  [/numeric column/, "column"],
  [/^name\b/, "name"],
  [/does not come as/, "format-csv"],
];

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
    this._outlook = make("div", {});
    this._panel.lastElementChild.replaceWith(this._form);
    this._panel.append(this._outlook);
    this._own = new FilterFields(find("definition-arguments"), "argument");
    this._form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit(event.submitter?.id === "definition-try");
    });
    find("definition-type").addEventListener("change", () => this._showType());
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

  async _submit(toTry) {
    if (this._sending) return;
    this._clearErrors();
    const draft = this._read();
    if (!draft) return;
    this._hold(true);
    try {
      if (this._id) await change(this._client, this._report ?? (await this._readReport()), draft);
      else this._id = await create(this._client, find("definition-type").value, draft);
      find("definition-type").disabled = true;
      announce(say("definition_saved"));
      if (toTry) await this._try();
      else location.hash = `#definitions/${this._id}`;
    } catch (error) {
      if (!isEnded(error)) this._refuse(error);
    } finally {
      this._hold(false);
    }
  }

  /** Stay in the form, which is now of what was saved, and show what will come of it. */
  async _try() {
    this._report = await this._readReport();
    history.replaceState(null, "", `${location.pathname}${location.search}#definitions/${this._id}/change`);
    const outlook = new Outlook(
      this._client,
      this._workshop,
      `/company/report/${this._id}`,
      this._closed.signal,
    );
    this._outlook.replaceChildren(section("outlook", outlook.box));
    const title = this._outlook.querySelector("h3");
    title.tabIndex = -1;
    title.focus();
    await outlook.load();
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
    const place = id.startsWith("format-") ? "format" : id;
    for (let box = find(`definition-${id}`).parentElement; box !== this._form; box = box.parentElement) {
      if (box.tagName === "DETAILS") box.open = true;
    }
    refuseField(find(`definition-${id}`), find(`definition-${place}-error`), said);
    return null;
  }

  _refuse(error) {
    // What was changed before the refusal is changed: the next try begins from what is there then.
    this._report = null;
    if (error.status !== 422) {
      find("definition-error").textContent = errorText(error);
      return;
    }
    const said = [`${say("field_refused")} `, make("span", { lang: "en" }, error.message)];
    const [, place] = PLACES.find(([words]) => words.test(error.message)) ?? [];
    if (place && !find(`definition-${place}`).closest("[hidden]")) this._point(place, ...said);
    else find("definition-error").replaceChildren(...said);
  }

  _hold(sending) {
    this._sending = sending;
    this._form.setAttribute("aria-busy", String(sending));
    find("definition-save").textContent = say(sending ? "making" : "definition_save");
  }

  _clearErrors() {
    for (const place of this._form.querySelectorAll(".error")) place.textContent = "";
    for (const input of this._form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    this._own.clearErrors();
  }
}

function plain(value) {
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "boolean" ? String(Number(value)) : value;
}
