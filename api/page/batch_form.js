// The form of a new batch: read, checked, its webhook tried, and sent.

import { drawBatchForm } from "./batch_fields.js";
import { nameOf, readNumbers } from "./batch_numbers.js";
import { isEnded } from "./client.js";
import { find, make } from "./elements.js";
import { FilterFields, refuseField } from "./filter_fields.js";
import { current, has, instant, say } from "./language.js";
import { announce, errorText } from "./notices.js";
import { faultPanel, heading, outcome } from "./panels.js";
import { toInstant } from "./zones.js";

const PATH = "/apps/reporting";
/** Where what is wrong with a field of the API is said; of the items it is the list. */
const PLACES = {
  batchName: "name",
  type: "type",
  format: "template",
  items: "numbers",
  outputFormat: "format",
  language: "language",
  errorAppend: "append",
  scheduledTime: "time",
  notificationEmail: "email",
  notificationWebhookUrl: "webhook",
  authConfig: "auth-method",
  isListener: "listener",
};

/** The form in a box. */
export class BatchForm {
  constructor(box, client, workshop) {
    this.keepsWords = true;
    this._box = box;
    this._client = client;
    this._workshop = workshop;
    this._closed = new AbortController();
    this._sending = false;
  }

  open() {
    const up = { to: "#batches", key: "batches_all" };
    const loading = make("p", { class: "quiet", "data-text": "loading" }, say("loading"));
    this._panel = make("section", { class: "panel" }, heading({ key: "batch_new", up }), loading);
    this._box.replaceChildren(this._panel);
    this._load();
  }

  close() {
    this._closed.abort();
  }

  async _load() {
    const { signal } = this._closed;
    try {
      // Whoever may not make batches is told before they fill anything in.
      const [{ data }] = await Promise.all([
        this._client.read("v2/reports/types", { query: { language: current() }, signal }),
        this._client.readBare(`${PATH}/batches`, { signal }),
      ]);
      this._types = data.items;
      this._draw(data.languages);
    } catch (error) {
      if (isEnded(error)) return;
      this._panel.lastElementChild.replaceWith(faultPanel(error, "batches", () => this._load()));
    }
  }

  _draw(languages) {
    this._form = drawBatchForm({ types: this._types, languages });
    this._panel.lastElementChild.replaceWith(this._form);
    this._filters = new FilterFields(find("batch-filters"), "batch-filter");
    this._form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
    this._form.addEventListener("input", () => this._showExamples());
    find("batch-type").addEventListener("change", () => this._showType());
    find("batch-auth-method").addEventListener("change", () => this._showAuth());
    find("batch-file").addEventListener("change", () => this._readFile());
    find("batch-try").addEventListener("click", () => this._tryWebhook());
    this._showType();
    this._showAuth();
  }

  get _type() {
    return this._types.find(({ type }) => type === find("batch-type").value);
  }

  _showType() {
    const { filters, formats } = this._type;
    this._filters.show(filters, {});
    find("batch-format").replaceChildren(
      ...formats.map((name) =>
        make("option", { value: name }, has(`format_${name}`) ? say(`format_${name}`) : name),
      ),
    );
    if (formats.includes("pdf")) find("batch-format").value = "pdf";
    this._showExamples();
  }

  _showAuth() {
    const isNeeded = find("batch-auth-method").value !== "";
    for (const id of ["key", "value"]) find(`batch-auth-${id}`).closest(".field").hidden = !isNeeded;
  }

  /** What the list, the template and the time come to, while they are written. */
  _showExamples() {
    const { items, wrong } = readNumbers(find("batch-numbers").value);
    find("batch-count").textContent = wrong
      ? say("numbers_wrong", { line: wrong })
      : say("batch_size", { count: items.length });
    const name = this._exampleName(items[0]);
    find("batch-example").textContent =
      name === null ? say("template_wrong") : say("template_example", { name });
    const time = find("batch-time").value;
    find("batch-instant").textContent = time
      ? say("batch_instant", {
          local: instant(this._instant(), this._workshop.time_zone),
          zone: this._workshop.time_zone,
          utc: instant(this._instant(), "UTC"),
        })
      : say("batch_now", { zone: this._workshop.time_zone });
  }

  _exampleName(item) {
    const day = find("batch-filter-date_to")?.value ?? "";
    const values = { name: this._workshop.name, type: this._type.type, balanceday: day };
    const stem = nameOf(find("batch-template").value, item ?? { cvr: "912345678" }, values);
    return stem && `${stem}.${find("batch-format").value}`;
  }

  _instant() {
    return toInstant(find("batch-time").value, this._workshop.time_zone);
  }

  async _readFile() {
    const [file] = find("batch-file").files;
    if (!file) return;
    find("batch-numbers").value = await file.text();
    this._showExamples();
  }

  async _tryWebhook() {
    const place = find("batch-tried");
    const url = find("batch-webhook").value.trim();
    if (!url) {
      this._point("webhook", say("webhook_missing"));
      return;
    }
    const auth = this._readAuth();
    const query = new URLSearchParams({ url, reportType: this._type.type });
    try {
      const told = await this._client.act(auth ? "POST" : "GET", `${PATH}/webhooktest?${query}`, {
        body: auth,
      });
      const key = told.delivered ? "webhook_answered" : "webhook_not_answered";
      outcome(place, say(key, { code: told.code, message: told.message }), !told.delivered);
    } catch (error) {
      if (!isEnded(error))
        outcome(
          place,
          error.status === 400 ? `${say("field_refused")} ${error.message}` : errorText(error),
          true,
        );
    }
  }

  async _submit() {
    if (this._sending) return;
    this._clearErrors();
    const body = this._read();
    if (!body) return;
    this._hold(true);
    try {
      const made = await this._client.act("POST", `${PATH}/batches`, { body });
      announce(say("batch_made_now", { name: made.name }));
      location.hash = `#batches/${made.id}`;
    } catch (error) {
      if (!isEnded(error)) this._refuse(error);
    } finally {
      this._hold(false);
    }
  }

  /** What is filled in; null when something cannot be sent, which is said at its field. */
  _read() {
    const text = (id) => find(`batch-${id}`).value.trim();
    const { items, wrong } = readNumbers(find("batch-numbers").value);
    if (!text("name")) return this._point("name", say("name_missing"));
    if (wrong) return this._point("numbers", say("numbers_wrong", { line: wrong }));
    if (!items.length) return this._point("numbers", say("numbers_missing"));
    if (!text("template") || this._exampleName(items[0]) === null)
      return this._point("template", say("template_wrong"));
    const filters = this._filters.read();
    if (!filters) return null;
    return {
      batchName: text("name"),
      type: this._type.type,
      format: text("template"),
      items,
      filters,
      outputFormat: text("format"),
      language: text("language"),
      errorAppend: text("append") || null,
      scheduledTime: text("time") ? this._instant().slice(0, 19).replace("T", " ") : null,
      notificationEmail: text("email") || null,
      notificationWebhookUrl: text("webhook") || null,
      authConfig: text("webhook") ? this._readAuth() : null,
      isListener: find("batch-listener").checked,
      triggerNow: find("batch-listener").checked,
    };
  }

  _readAuth() {
    const method = find("batch-auth-method").value;
    if (!method) return null;
    return { Method: method, Key: find("batch-auth-key").value, Value: find("batch-auth-value").value };
  }

  _point(id, ...said) {
    const input = find(`batch-${id}`);
    for (let box = input.parentElement; box !== this._form; box = box.parentElement) {
      if (box.tagName === "DETAILS") box.open = true;
    }
    refuseField(input, find(`batch-${id}-error`), said);
    return null;
  }

  _refuse(error) {
    if (error.status !== 400) {
      find("batch-error").textContent = errorText(error);
      return;
    }
    const said = [`${say("field_refused")} `, make("span", { lang: "en" }, error.message)];
    const place = PLACES[error.field.split("[")[0]];
    if (place) this._point(place, ...said);
    else find("batch-error").replaceChildren(...said);
  }

  _hold(sending) {
    this._sending = sending;
    this._form.setAttribute("aria-busy", String(sending));
    find("batch-make").textContent = say(sending ? "making" : "batch_make");
  }

  _clearErrors() {
    for (const place of this._form.querySelectorAll(".error")) place.textContent = "";
    for (const input of this._form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    this._filters.clearErrors();
  }
}
