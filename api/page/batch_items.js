// The finished reports of a batch: filtered by how they ended, page by page, each with its file.

import { itemState } from "./batch_words.js";
import { isEnded } from "./client.js";
import { download } from "./download.js";
import { button, make } from "./elements.js";
import { has, instant, say, size } from "./language.js";
import { announce, errorText } from "./notices.js";
import { choice, faultPanel, field } from "./panels.js";

const STATES = ["", "Completed", "Warning", "Failed"];

/** The reports of the batch at a path; they are in its `box`. */
export class BatchItems {
  constructor(client, workshop, path, signal) {
    this._client = client;
    this._timeZone = workshop.time_zone;
    this._path = `${path}/items`;
    this._signal = signal;
    this._round = 0;
    this._filter = choice(
      "item-state",
      STATES.map((name) => [name, name ? `item_${name}` : "any"]),
      "",
    );
    this._filter.addEventListener("change", () => this.load());
    this._list = make("ul", { class: "entries", role: "list" });
    this._rest = make("div", {});
    this.box = make(
      "div",
      {},
      make("div", { class: "filter-row" }, field("item_state", this._filter)),
      this._list,
      this._rest,
    );
  }

  /** Load the first page anew. */
  async load() {
    await this._load(null, ++this._round);
  }

  async _load(token, round) {
    try {
      const query = { status: this._filter.value, cToken: token };
      const page = await this._client.readBare(this._path, { query, signal: this._signal });
      if (round !== this._round) return;
      const held = this._list.contains(document.activeElement) ? document.activeElement.dataset.item : null;
      const rows = page.results.map((item) => this._row(item));
      if (token) this._list.append(...rows);
      else this._list.replaceChildren(...rows);
      if (held) this._list.querySelector(`[data-item="${CSS.escape(held)}"]`)?.focus();
      this._showRest(page.continuationToken, round);
    } catch (error) {
      if (isEnded(error)) return;
      this._rest.replaceChildren(faultPanel(error, "batches", () => this._load(token, round)));
    }
  }

  _showRest(token, round) {
    if (token) {
      const more = button(say("more"), {}, () => this._load(token, round));
      this._rest.replaceChildren(make("p", { class: "more" }, more));
    } else if (!this._list.childElementCount) {
      this._rest.replaceChildren(make("p", { class: "quiet" }, say("items_none")));
    } else this._rest.replaceChildren();
  }

  _row(item) {
    const said = [say("item_number", { number: String(item.cvr) }), instant(item.createdOn, this._timeZone)];
    if (item.rows !== null) said.push(say("rows", { count: item.rows }));
    if (item.size !== null) said.push(size(item.size));
    if (item.run) said.push(say("item_run", { count: item.run + 1 }));
    const note = make("p", { class: "error", role: "alert" });
    const named = say("download_named", { title: item.name });
    const get = item.pdfurl
      ? button(say("download"), { "aria-label": named, "data-item": item.id }, () =>
          this._download(item, note),
        )
      : null;
    return make(
      "li",
      { class: "entry", "data-state": item.status },
      make(
        "div",
        {},
        make("h4", {}, item.name),
        make("p", { class: "quiet small" }, said.join(" · ")),
        item.errorMessage && fault(item),
        note,
      ),
      make("div", { class: "entry-state" }, make("p", {}, itemState(item.status)), get),
    );
  }

  async _download(item, note) {
    note.textContent = "";
    try {
      const file = {
        download_url: `${this._path}/${item.id}/download`,
        size_bytes: item.size,
        file_name: item.name,
      };
      await download(this._client, file, () => {});
      announce(say("announce_downloaded", { title: item.name }));
    } catch (error) {
      if (isEnded(error)) return;
      note.textContent = error.status === 410 ? say("download_expired") : errorText(error);
    }
  }
}

function fault({ errorCode, errorMessage }) {
  const detail = make("span", { class: "detail", lang: "en" }, errorMessage);
  const key = `fault_${errorCode}`;
  return make("p", { class: "error" }, has(key) ? say(key) : say("fault_EXPORT_FAILED"), detail);
}
