// One delivery: to whom and how it stands, what happened to it, and sending it again.

import { ask } from "./asking.js";
import { isEnded } from "./client.js";
import {
  deliveryState,
  describeOutcome,
  describeRecipient,
  describeSubject,
  isUnderWay,
} from "./delivery_words.js";
import { button, make } from "./elements.js";
import { has, instant, say } from "./language.js";
import { errorText } from "./notices.js";
import { facts, faultPanel, heading, outcome, section, table } from "./panels.js";
import { Polling } from "./polling.js";
import { describeLanguage } from "./schedule_words.js";

const UP = { to: "#deliveries", key: "deliveries_all" };

/** One delivery in a box. */
export class DeliveryPage {
  constructor(box, client, workshop, id) {
    this._box = box;
    this._client = client;
    this._timeZone = workshop.time_zone;
    this._path = `v2/reports/deliveries/${id}`;
    this._closed = new AbortController();
    this._polling = new Polling(() => this._look());
    this._title = heading({ key: "delivery", up: UP });
    this._said = make("div", {});
    this._body = make("div", {}, make("p", { class: "quiet" }, say("loading")));
  }

  open() {
    this._box.replaceChildren(make("section", { class: "panel" }, this._title, this._said, this._body));
    this._load();
  }

  close() {
    this._closed.abort();
    this._polling.stop();
  }

  async _load() {
    try {
      await this._look();
      if (isUnderWay(this._delivery)) this._polling.begin();
    } catch (error) {
      if (isEnded(error)) return;
      const retry = error.status === 404 ? null : () => this._load();
      this._body.replaceChildren(faultPanel(error, "deliveries", retry));
    }
  }

  async _look() {
    const { data } = await this._client.read(this._path, { signal: this._closed.signal });
    const isChanged = JSON.stringify(data) !== JSON.stringify(this._delivery);
    this._delivery = data;
    if (isChanged) this._show();
    if (!isUnderWay(data)) return "ended";
    return isChanged ? "changed" : "same";
  }

  _show() {
    const one = this._delivery;
    const at = (text) => (text ? instant(text, this._timeZone) : null);
    const [what, id] = one.subject.split(":");
    const subject = describeSubject(one.subject);
    const again = isUnderWay(one) ? null : button(say("resend"), { id: "resend" }, () => this._resend());
    const events = one.events.map((event) => [
      at(event.at),
      event.event,
      say(`delivery_${event.to_state}`),
      [event.detail.code, event.detail.message, event.detail.reason].filter(Boolean).join(": "),
    ]);
    this._body.replaceChildren(
      make("p", { class: "standing" }, deliveryState(one)),
      make("div", { class: "actions" }, again),
      facts([
        [
          "delivery_to",
          one.channel === "webhook" ? `${describeRecipient(one)} ${one.recipient}` : one.recipient,
        ],
        [
          "delivery_subject",
          what === "definition" ? make("a", { href: `#definitions/${id}` }, subject) : subject,
        ],
        ["delivery_why", describeOutcome(one, this._timeZone)],
        ["format", has(`format_${one.format}`) ? say(`format_${one.format}`) : one.format],
        ["file_language", describeLanguage(one.language)],
        ["delivery_made", at(one.created_at)],
        ["delivery_ended", at(one.finished_at)],
        ["delivery_attempts", String(one.attempt)],
        ["reason", one.reason],
        ["delivery_id", make("span", { class: "code" }, one.delivery_id)],
      ]),
      section(
        "delivery_events",
        table("delivery_events", ["event_at", "event_what", "event_state", "event_said"], events),
      ),
    );
  }

  async _resend() {
    const reason = await ask({
      title: say("resend_question"),
      lead: say("resend_lead", { recipient: describeRecipient(this._delivery) }),
      confirm: say("resend"),
      reason: say("reason"),
    });
    if (reason === null) return;
    try {
      const { data } = await this._client.act("POST", `${this._path}/resend`, { body: { reason } });
      location.hash = `#deliveries/${data.delivery_id}`;
    } catch (error) {
      if (isEnded(error)) return;
      outcome(this._said, error.status === 403 ? say("scope_sending") : errorText(error), true);
    }
  }
}
