// The view of batches: the list with their progress, and the way to each of them and to a new one.

import { BatchForm } from "./batch_form.js";
import { BatchPage } from "./batch_page.js";
import { batchState, describeProgress, isUnderWay } from "./batch_words.js";
import { isEnded } from "./client.js";
import { make } from "./elements.js";
import { instant, say } from "./language.js";
import { emptyPanel, faultPanel, heading, linkButton } from "./panels.js";
import { Polling } from "./polling.js";
import { loadTitles } from "./report_titles.js";

const PATH = "/apps/reporting/batches";

/** The view in a box. */
export class Batches {
  constructor(box) {
    this._box = box;
    this._part = null;
    this._polling = new Polling(() => this._look());
  }

  /** Show the list, `new`, or one batch. */
  open(client, workshop, path) {
    this._closed = new AbortController();
    this._asked = { client, workshop, path };
    const [id] = path;
    if (id === "new") this._part = new BatchForm(this._box, client, workshop);
    else if (id) this._part = new BatchPage(this._box, client, workshop, id);
    if (this._part) this._part.open();
    else this._openList();
  }

  close() {
    this._closed?.abort();
    this._polling.stop();
    this._part?.close();
    this._part = null;
  }

  /** Show it in another language. */
  render() {
    if (this._part?.keepsWords) return;
    const { client, workshop, path } = this._asked;
    this.close();
    this.open(client, workshop, path);
  }

  _openList() {
    this._list = make("div", { "aria-busy": "true" });
    this._batches = null;
    const title = heading(
      { key: "view_batches", lead: "batches_lead" },
      linkButton("batch_new", "#batches/new", true),
    );
    this._box.replaceChildren(make("section", { class: "panel" }, title, this._list));
    this._load();
  }

  async _load() {
    try {
      this._titles = await loadTitles(this._asked.client, this._closed.signal);
      if ((await this._look()) !== "ended") this._polling.begin();
    } catch (error) {
      if (!isEnded(error)) this._list.replaceChildren(faultPanel(error, "batches", () => this._load()));
    }
    this._list.removeAttribute("aria-busy");
  }

  async _look() {
    const { client } = this._asked;
    const found = await client.readBare(PATH, { signal: this._closed.signal });
    const isChanged = JSON.stringify(found) !== JSON.stringify(this._batches);
    this._batches = found;
    if (isChanged) this._show();
    if (!found.some(isUnderWay)) return "ended";
    return isChanged ? "changed" : "same";
  }

  _show() {
    const held = this._list.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    const { time_zone: zone } = this._asked.workshop;
    const shown = this._batches.filter(({ archived }) => !archived);
    this._list.replaceChildren(
      shown.length
        ? make(
            "ul",
            { class: "entries", role: "list" },
            ...shown.map((batch) => entry(batch, this._titles.get(batch.type) ?? batch.type, zone)),
          )
        : emptyPanel("batches_empty", "batches_empty_lead"),
    );
    if (held) this._list.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
  }
}

function entry(batch, title, zone) {
  const said = [
    say("batch_size", { count: batch.batchSize }),
    say("created", { instant: instant(batch.timestamp, zone) }),
  ];
  if (batch.scheduledTime) said.push(say("batch_at", { instant: instant(batch.scheduledTime, zone) }));
  return make(
    "li",
    { class: "entry", "data-batch": batch.id, "data-state": batch.status },
    make(
      "div",
      {},
      make("h3", {}, make("a", { href: `#batches/${batch.id}` }, batch.name)),
      make("p", {}, title),
      make("p", { class: "quiet small" }, said.join(" · ")),
    ),
    make("div", { class: "entry-state" }, make("p", {}, batchState(batch)), ...describeProgress(batch)),
  );
}
