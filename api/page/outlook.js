// What a definition will send, and how often it would have been sent.

import { isEnded } from "./client.js";
import { readMoment } from "./company_time.js";
import { make } from "./elements.js";
import { instant, say } from "./language.js";
import { faultPanel, table } from "./panels.js";
import { describePeriod } from "./periods.js";
import { drawRehearsal, TIMES } from "./rehearsal.js";

const DAYS = 90;

/** The outlook of the definition at a path; it is its `box`. */
export class Outlook {
  constructor(client, workshop, path, signal) {
    this.box = make("div", { class: "outlook" });
    this._client = client;
    this._workshop = workshop;
    this._path = path;
    this._signal = signal;
  }

  /** Ask for it, as the definition is recorded now. */
  async load() {
    const coming = make("div", {}, make("p", { class: "quiet" }, say("loading")));
    const past = make("div", {});
    this.box.replaceChildren(coming, past);
    await Promise.all([
      this._fill(coming, "rehearsal", { count: TIMES }, (times) => [drawRehearsal(times, this._workshop)]),
      this._fill(past, "backtest", { days: DAYS }, (found) => this._backTest(found)),
    ]);
  }

  async _fill(place, what, query, show) {
    try {
      const found = await this._client.readBare(`${this._path}/${what}`, { query, signal: this._signal });
      place.replaceChildren(...show(found));
    } catch (error) {
      if (!isEnded(error)) place.replaceChildren(faultPanel(error, "definitions", () => this.load()));
    }
  }

  _backTest({ since, is_cut: isCut, fires, sent, skipped }) {
    const zone = this._workshop.time_zone;
    const said = isCut
      ? say("back_test_cut", { count: sent, fires, since: instant(readMoment(since), zone) })
      : say("back_test", { count: sent, fires, days: DAYS });
    const parts = [make("p", { class: "strong back-test" }, said)];
    if (!skipped.length) return parts;
    const rows = skipped.map(({ fire_at: at, filters, reason }) => [
      instant(readMoment(at), zone),
      describePeriod(filters),
      make("span", { lang: "en" }, reason),
    ]);
    const summary = make("summary", {}, say("back_test_skipped", { count: skipped.length }));
    const heads = ["rehearsal_when", "rehearsal_period", "fire_reason"];
    return [...parts, make("details", {}, summary, table("back_test_caption", heads, rows))];
  }
}
