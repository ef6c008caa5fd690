// The dialog that asks for a report file: type, format, language and filters, as the API describes them.

import { isEnded } from "./client.js";
import { find, make } from "./elements.js";
import { FilterFields, refuseField } from "./filter_fields.js";
import { current, explain, has, languageName, say } from "./language.js";
import { errorText, waitText } from "./notices.js";

const FIRST_FORMAT = "xlsx";

/** The dialog; `made` is called with the id of the job that was asked for. */
export class ExportDialog {
  constructor(made) {
    this._made = made;
    this._fields = new FilterFields(find("export-filters"));
    this._asked = null;
    this._sending = false;
    find("export-type").addEventListener("change", () => this._showType());
    find("export-dismiss").addEventListener("click", () => find("export-dialog").close());
    find("export-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
  }

  /** Open it with the catalogue of the API, the days of the page filled in. */
  open(client, catalogue, days) {
    this._client = client;
    this._types = catalogue.items;
    this._days = days;
    const types = this._types.map(({ type, title }) => make("option", { value: type }, title));
    const languages = catalogue.languages.map((code) => make("option", { value: code }, languageName(code)));
    refill(find("export-type"), types);
    refill(find("export-language"), languages, current());
    this._showType();
    find("export-dialog").showModal();
    find("export-type").focus();
  }

  get _type() {
    return this._types.find(({ type }) => type === find("export-type").value);
  }

  _showType() {
    const { type, description, formats, filters } = this._type;
    this._clearErrors();
    explain(find("export-type-hint"), `about_${type}`, description);
    const options = formats.map((name) => {
      const key = `format_${name}`;
      return make("option", { value: name }, has(key) ? say(key) : name.toUpperCase());
    });
    refill(find("export-format"), options, formats.includes(FIRST_FORMAT) ? FIRST_FORMAT : formats[0]);
    this._fields.show(filters, { date_from: this._days.from, date_to: this._days.to });
  }

  async _submit() {
    if (this._sending) return;
    this._clearErrors();
    const filters = this._fields.read();
    if (!filters) return;
    const body = {
      type: this._type.type,
      format: find("export-format").value,
      filters,
      language: find("export-language").value,
    };
    this._hold(true);
    try {
      const response = await this._client.call("POST", "v2/reports/exports", {
        body,
        headers: { "Idempotency-Key": this._keyFor(body) },
        waiting: (_, why, seconds) => {
          find("export-error").textContent = why ? waitText(why, seconds) : "";
        },
      });
      const { data } = await response.json();
      this._asked = null;
      find("export-dialog").close();
      this._made(data.job_id);
    } catch (error) {
      if (!isEnded(error)) this._refuse(error);
    } finally {
      this._hold(false);
    }
  }

  /** The same key as long as the same is asked for, so that sending it twice makes it once. */
  _keyFor(body) {
    const text = JSON.stringify([this._client.workshop, body]);
    if (this._asked?.text !== text) this._asked = { text, key: randomKey() };
    return this._asked.key;
  }

  _hold(sending) {
    this._sending = sending;
    find("export-form").setAttribute("aria-busy", String(sending));
    find("export-make").textContent = say(sending ? "making" : "make");
  }

  /** Show what the API refuses, at the field that it names. */
  _refuse(error) {
    const { details = {}, code, message } = error;
    if (code === "INVALID_DATE_RANGE" && this._fields.refuse("date_from", say("dates_swapped"))) return;
    const said = [`${say("field_refused")} `, make("span", { lang: "en" }, message)];
    if (details.filter && this._fields.refuse(details.filter, ...said)) return;
    for (const name of ["type", "format", "language"]) {
      if (!(name in details)) continue;
      refuseField(find(`export-${name}`), find(`export-${name}-error`), said);
      return;
    }
    const told = error.status === 422 ? said : [errorText(error)];
    find("export-error").replaceChildren(...told);
  }

  _clearErrors() {
    find("export-error").textContent = "";
    for (const name of ["type", "format", "language"]) {
      find(`export-${name}-error`).textContent = "";
      find(`export-${name}`).removeAttribute("aria-invalid");
    }
    this._fields.clearErrors();
  }
}

function refill(select, options, usual) {
  const before = select.value;
  select.replaceChildren(...options);
  if (options.some((option) => option.value === before)) select.value = before;
  else if (usual && options.some((option) => option.value === usual)) select.value = usual;
}

function randomKey() {
  // crypto.randomUUID is not there on pages without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
