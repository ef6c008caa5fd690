// The fires of a definition: when it was to be sent, of which period, and what came of it.

import { isEnded } from "./client.js";
import { readMoment } from "./company_time.js";
import { button, make } from "./elements.js";
import { has, instant, say } from "./language.js";
import { faultPanel, state, table } from "./panels.js";
import { describeSpan } from "./periods.js";
import { Polling } from "./polling.js";
import { describeRows } from "./schedule_words.js";

const PAGE = 50;
const KINDS = { sent: "good", failed: "bad", due: "wait", making: "wait" };

/** The fires of the definition at a path; they are in its `box`. */
export class Fires {
  constructor(client, workshop, path, signal) {
    this.box = make("div", { class: "fires" });
    this._client = client;
    this._workshop = workshop;
    this._path = `${path}/fires`;
    this._signal = signal;
    this._fires = [];
    this._polling = new Polling(() => this._look());
  }

  close() {
    this._polling.stop();
  }

  /** Load the newest, and follow those that are under way. */
  async load() {
    try {
      this._fires = await this._read();
      this._show();
      if (this._fires.some(isUnderWay)) this._polling.begin();
    } catch (error) {
      if (!isEnded(error)) this.box.replaceChildren(faultPanel(error, "definitions", () => this.load()));
    }
  }

  /** Something was just sent: see it, and follow it. */
  follow() {
    this.load();
    this._polling.begin();
  }

  async _look() {
    const before = JSON.stringify(this._fires);
    const found = await this._read();
    this._fires = [...found, ...this._fires.filter(({ id }) => !found.some((one) => one.id === id))];
    const isChanged = JSON.stringify(this._fires) !== before;
    if (isChanged) this._show();
    if (!this._fires.some(isUnderWay)) return "ended";
    return isChanged ? "changed" : "same";
  }

  _read(before = null) {
    return this._client.readBare(this._path, { query: { before }, signal: this._signal });
  }

  _show() {
    if (!this._fires.length) {
      this.box.replaceChildren(make("p", { class: "quiet" }, say("fires_none")));
      return;
    }
    const heads = ["rehearsal_when", "fire_kind", "rehearsal_period", "fire_state", "rehearsal_rows"];
    const shown = [
      table(
        "fires",
        heads,
        this._fires.map((fire) => this._row(fire)),
      ),
    ];
    if (this._fires.length % PAGE === 0) shown.push(button(say("more"), {}, () => this._loadMore()));
    this.box.replaceChildren(...shown);
  }

  _row(fire) {
    const reason = fire.reason && `fire_reason_${fire.reason.replaceAll(" ", "_")}`;
    const why = reason && (has(reason) ? say(reason) : fire.reason);
    return [
      instant(readMoment(fire.fire_at), this._workshop.time_zone),
      say(`fire_kind_${fire.kind.replaceAll(" ", "_")}`),
      describeSpan(fire.period_start, fire.period_end),
      [
        state(say(`fire_${fire.state}`), KINDS[fire.state] ?? "none"),
        why && make("span", { class: "detail" }, why),
        fire.state === "failed" &&
          fire.message &&
          make("span", { class: "detail", lang: "en" }, fire.message),
      ].filter(Boolean),
      describeRows(fire.rows),
    ];
  }

  async _loadMore() {
    const more = await this._read(this._fires.at(-1).id);
    this._fires.push(...more);
    this._show();
  }
}

function isUnderWay({ state: now }) {
  return now === "due" || now === "making";
}
