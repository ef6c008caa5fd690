// The view of deliveries: the list with its filters, and the way to each of them and to the webhooks.

import { ask } from "./asking.js";
import { isEnded } from "./client.js";
import { DeliveryPage } from "./delivery_page.js";
import { deliveryState, describeOutcome, describeRecipient, describeSubject } from "./delivery_words.js";
import { button, make } from "./elements.js";
import { instant, say } from "./language.js";
import { errorText } from "./notices.js";
import { choice, emptyPanel, faultPanel, field, heading, linkButton, outcome } from "./panels.js";
import { Polling } from "./polling.js";
import { Webhooks } from "./webhooks.js";

const PAGE = 20;
const PATH = "v2/reports/deliveries";
const STATES = ["", "queued", "sending", "delivered", "refused", "dead", "cancelled"];

/** The view in a box. */
export class Deliveries {
  constructor(box) {
    this._box = box;
    this._part = null;
    this._polling = new Polling(() => this._look());
  }

  /** Show the list (of one subject, with `of`), the webhooks, or one delivery. */
  open(client, workshop, path) {
    this._closed = new AbortController();
    this._asked = { client, workshop, path };
    this._state = "";
    const [what, subject] = path;
    if (what === "webhooks") this._part = new Webhooks(this._box, client, workshop);
    else if (what && what !== "of") this._part = new DeliveryPage(this._box, client, workshop, what);
    if (this._part) this._part.open();
    else this._openList(what ? subject : null);
  }

  close() {
    this._closed?.abort();
    this._polling.stop();
    this._part?.close();
    this._part = null;
  }

  /** Show it in another language. */
  render() {
    const { client, workshop, path } = this._asked;
    this.close();
    this.open(client, workshop, path);
  }

  _openList(subject) {
    this._subject = subject;
    this._list = make("div", {});
    this._more = make("p", { class: "more" });
    this._said = make("div", {});
    const states = STATES.map((name) => [name, name ? `delivery_${name}` : "any"]);
    const chosen = choice("delivery-state", states, "");
    chosen.addEventListener("change", () => {
      this._state = chosen.value;
      this._load();
    });
    const replay = button(say("replay"), { id: "replay" }, () => this._replay());
    this._box.replaceChildren(
      make(
        "section",
        { class: "panel" },
        heading(
          {
            key: "view_deliveries",
            lead: "deliveries_lead",
            up: subject && { to: "#deliveries", key: "deliveries_all" },
          },
          linkButton("webhooks", "#deliveries/webhooks"),
          replay,
        ),
        subject && make("p", {}, say("deliveries_of", { subject: describeSubject(subject) })),
        make("div", { class: "filter-row" }, field("delivery_state", chosen)),
        this._said,
        this._list,
        this._more,
      ),
    );
    this._load();
  }

  async _load(cursor = null) {
    try {
      const page = await this._read(cursor);
      this._items = cursor ? [...this._items, ...page.items] : page.items;
      this._show();
      if (cursor && page.items.length) this._focus(page.items[0].delivery_id);
      const next = page.page_info.next_cursor;
      this._more.replaceChildren(...(next ? [button(say("more"), {}, () => this._load(next))] : []));
      this._polling.begin();
    } catch (error) {
      if (isEnded(error)) return;
      this._list.replaceChildren(faultPanel(error, "deliveries", () => this._load(cursor)));
    }
  }

  async _read(cursor = null) {
    const query = { limit: PAGE, cursor, state: this._state, subject: this._subject };
    return (await this._asked.client.read(PATH, { query, signal: this._closed.signal })).data;
  }

  async _look() {
    const { items } = await this._read();
    const before = JSON.stringify(this._items);
    const known = new Set(items.map(({ delivery_id: id }) => id));
    const older =
      this._items.length > PAGE ? this._items.filter(({ delivery_id: id }) => !known.has(id)) : [];
    this._items = [...items, ...older];
    const isChanged = JSON.stringify(this._items) !== before;
    if (isChanged) this._show();
    // New ones come at any time, so it never ends.
    return isChanged ? "changed" : "same";
  }

  _show() {
    const held = this._list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    if (!this._items.length) {
      this._list.replaceChildren(emptyPanel("deliveries_empty", "deliveries_empty_lead"));
      return;
    }
    const { workshop } = this._asked;
    this._list.replaceChildren(
      make(
        "ul",
        { class: "entries", role: "list" },
        ...this._items.map((one) => entry(one, workshop.time_zone)),
      ),
    );
    if (held) this._focus(held);
  }

  _focus(id) {
    this._list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus();
  }

  async _replay() {
    const reason = await ask({
      title: say("replay_question"),
      lead: say("replay_lead"),
      confirm: say("replay"),
      reason: say("reason"),
    });
    if (reason === null) return;
    try {
      const { data } = await this._asked.client.act("POST", `${PATH}/replay`, { body: { reason } });
      outcome(this._said, say("replayed", { count: data.delivery_ids.length }));
      this._load();
    } catch (error) {
      if (!isEnded(error))
        outcome(this._said, error.status === 403 ? say("scope_sending") : errorText(error), true);
    }
  }
}

function entry(one, timeZone) {
  const why = describeOutcome(one, timeZone);
  const id = one.delivery_id;
  return make(
    "li",
    { class: "entry", "data-delivery": id, "data-state": one.state },
    make(
      "div",
      {},
      make("h3", {}, make("a", { href: `#deliveries/${id}`, "data-id": id }, describeRecipient(one))),
      make(
        "p",
        {},
        `${describeSubject(one.subject)} · ${one.format.split(";")[0].toUpperCase() || say("delivery_word")}`,
      ),
      make("p", { class: "quiet small" }, describeWhen(one, timeZone)),
      why && make("p", { class: "error" }, why),
    ),
    make("div", { class: "entry-state" }, deliveryState(one)),
  );
}

function describeWhen({ created_at: made, finished_at: ended, repeat }, timeZone) {
  const said = [say("created", { instant: instant(made, timeZone) })];
  if (ended) said.push(say("ended", { instant: instant(ended, timeZone) }));
  if (repeat) said.push(say("repeated", { count: repeat }));
  return said.join(" · ");
}
