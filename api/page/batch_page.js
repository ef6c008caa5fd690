// One batch: how far it is, its reports with their files, and what can be done with it.

import { ask } from "./asking.js";
import { BatchItems } from "./batch_items.js";
import { batchState, describeProgress, isUnderWay } from "./batch_words.js";
import { isEnded } from "./client.js";
import { download } from "./download.js";
import { button, make } from "./elements.js";
import { instant, say } from "./language.js";
import { announce, errorText } from "./notices.js";
import { facts, faultPanel, heading, outcome, section } from "./panels.js";
import { Polling } from "./polling.js";
import { loadTitles } from "./report_titles.js";
import { describeLanguage } from "./schedule_words.js";

const UP = { to: "#batches", key: "batches_all" };

/** One batch in a box. */
export class BatchPage {
  constructor(box, client, workshop, id) {
    this._box = box;
    this._client = client;
    this._workshop = workshop;
    this._path = `/apps/reporting/batches/${id}`;
    this._closed = new AbortController();
    this._polling = new Polling(() => this._look());
    this._items = new BatchItems(client, workshop, this._path, this._closed.signal);
    this._top = make("div", {}, heading({ text: say("loading"), up: UP }));
    this._said = make("div", {});
    this._facts = make("div", {});
  }

  open() {
    const reports = section("batch_items", this._items.box);
    this._box.replaceChildren(
      make("section", { class: "panel" }, this._top, this._said, this._facts, reports),
    );
    this._load();
  }

  close() {
    this._closed.abort();
    this._polling.stop();
  }

  async _load() {
    try {
      this._titles ??= await loadTitles(this._client, this._closed.signal);
      if ((await this._look()) !== "ended") this._polling.begin();
    } catch (error) {
      if (isEnded(error)) return;
      const retry = error.status === 404 ? null : () => this._load();
      this._top.replaceChildren(heading({ key: "view_batches", up: UP }));
      this._box.firstElementChild.replaceChildren(this._top, faultPanel(error, "batches", retry));
    }
  }

  async _look() {
    const found = await this._client.readBare(this._path, { signal: this._closed.signal });
    const isChanged = JSON.stringify(found) !== JSON.stringify(this._batch);
    const wasUnderWay = this._batch && isUnderWay(this._batch);
    this._batch = found;
    if (isChanged) {
      this._show();
      this._items.load();
      if (wasUnderWay && !isUnderWay(found)) announce(say(`batch_${found.status}`));
    }
    if (!isUnderWay(found)) return "ended";
    return isChanged ? "changed" : "same";
  }

  _show() {
    const batch = this._batch;
    const held = this._top.contains(document.activeElement)
      ? (document.activeElement.dataset.action ?? "")
      : null;
    const act = (key, pressed, isOffered = true) =>
      isOffered ? button(say(`batch_${key}`), { "data-action": key }, pressed) : null;
    const isOver = !isUnderWay(batch) && batch.status !== "Listening";
    this._top.replaceChildren(
      heading({ text: batch.name, up: UP }),
      make("div", { class: "standing" }, batchState(batch), ...describeProgress(batch)),
      make(
        "div",
        { class: "actions" },
        act("zip", () => this._download(), batch.completionPercentage > 0),
        act("retry", () => this._change("retry"), batch.status === "FinishedWithErrors"),
        act("stop", () => this._stop(), batch.status === "Listening"),
        act("archive", () => this._change("archive"), isOver && !batch.archived),
      ),
    );
    this._facts.replaceChildren(
      describe(batch, this._titles.get(batch.type) ?? batch.type, this._workshop.time_zone),
    );
    if (held !== null)
      (this._top.querySelector(`[data-action="${held}"]`) ?? this._top.querySelector("h2")).focus();
  }

  async _change(act) {
    await this._try(async () => {
      await this._client.act("POST", `${this._path}/${act}`);
      outcome(this._said, say(`batch_${act}_done`));
      await this._load();
    });
  }

  async _stop() {
    const question = {
      title: say("batch_stop_question"),
      lead: say("batch_stop_lead"),
      confirm: say("batch_stop"),
    };
    if ((await ask(question)) !== null) await this._change("stop");
  }

  async _download() {
    outcome(this._said, say("batch_zip_coming"));
    await this._try(async () => {
      const file = { download_url: `${this._path}/download`, file_name: `${this._batch.name}.zip` };
      await download(this._client, file, () => {});
      outcome(this._said, say("announce_downloaded", { title: this._batch.name }));
    });
  }

  async _try(act) {
    try {
      await act();
    } catch (error) {
      if (!isEnded(error)) outcome(this._said, errorText(error), true);
    }
  }
}

function describe(batch, title, zone) {
  const at = (text) => (text ? instant(text, zone) : null);
  return facts([
    ["report_type", title],
    ["batch_items", say("batch_size", { count: batch.batchSize })],
    ["format", batch.outputFormat.split(";")[0].toUpperCase()],
    ["file_language", describeLanguage(batch.language)],
    ["batch_template", make("span", { class: "code" }, batch.format)],
    ["batch_made", at(batch.timestamp)],
    ["batch_scheduled", at(batch.scheduledTime)],
    ["batch_finished", at(batch.finishedOn)],
    ["batch_email", batch.notificationEmail],
    ["batch_webhook", batch.notificationWebhookUrl],
    [
      "filters",
      Object.entries(batch.filters)
        .map(([name, value]) => `${name}: ${value}`)
        .join(" · "),
    ],
  ]);
}
