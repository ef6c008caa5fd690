// The webhook endpoints: how they stand, and switching them on and off.

import { ask } from "./asking.js";
import { isEnded } from "./client.js";
import { button, make } from "./elements.js";
import { instant, say } from "./language.js";
import { errorText } from "./notices.js";
import { emptyPanel, faultPanel, heading, outcome, state } from "./panels.js";

const PATH = "v2/reports/webhooks";

/** The endpoints in a box. */
export class Webhooks {
  constructor(box, client, workshop) {
    this._box = box;
    this._client = client;
    this._timeZone = workshop.time_zone;
    this._closed = new AbortController();
    this._said = make("div", {});
    this._list = make("div", {}, make("p", { class: "quiet" }, say("loading")));
  }

  open() {
    const up = { to: "#deliveries", key: "deliveries_all" };
    const title = heading({ key: "webhooks", lead: "webhooks_lead", up });
    this._box.replaceChildren(make("section", { class: "panel" }, title, this._said, this._list));
    this._load();
  }

  close() {
    this._closed.abort();
  }

  async _load(focused = null) {
    try {
      const { data } = await this._client.read(PATH, { signal: this._closed.signal });
      const entries = data.items.map((endpoint) => this._entry(endpoint));
      const shown = entries.length
        ? make("ul", { class: "entries", role: "list" }, ...entries)
        : emptyPanel("webhooks_empty", "webhooks_empty_lead");
      this._list.replaceChildren(shown);
      if (focused) this._list.querySelector(`[data-endpoint="${CSS.escape(focused)}"] button`)?.focus();
    } catch (error) {
      if (!isEnded(error)) this._list.replaceChildren(faultPanel(error, "batches", () => this._load()));
    }
  }

  _entry(endpoint) {
    const isActive = endpoint.state === "active";
    const name = say(isActive ? "webhook_disable_named" : "webhook_enable_named", { url: endpoint.url });
    return make(
      "li",
      { class: "entry", "data-endpoint": endpoint.endpoint_id },
      make(
        "div",
        {},
        make("h3", { class: "code" }, endpoint.url),
        make("p", { class: "quiet small" }, this._facts(endpoint)),
      ),
      make(
        "div",
        { class: "entry-state" },
        make("p", {}, state(say(`webhook_${endpoint.state}`), isActive ? "good" : "bad")),
        button(say(isActive ? "webhook_disable" : "webhook_enable"), { "aria-label": name }, () =>
          this._switch(endpoint, isActive),
        ),
      ),
    );
  }

  _facts(endpoint) {
    const at = (text) => instant(text, this._timeZone);
    const said = [];
    if (endpoint.reason) said.push(say(`webhook_${endpoint.reason}`));
    if (endpoint.last_success_at)
      said.push(say("webhook_success", { instant: at(endpoint.last_success_at) }));
    if (endpoint.last_failure_at)
      said.push(say("webhook_failure", { instant: at(endpoint.last_failure_at) }));
    if (endpoint.first_failure_at)
      said.push(say("webhook_failing_since", { instant: at(endpoint.first_failure_at) }));
    if (endpoint.contact) said.push(say("webhook_contact", { contact: endpoint.contact }));
    return said.join(" · ") || say("webhook_unused");
  }

  async _switch({ endpoint_id: id, url }, isActive) {
    if (isActive) {
      const question = { title: say("webhook_disable_question"), lead: say("webhook_disable_lead", { url }) };
      if ((await ask({ ...question, confirm: say("webhook_disable"), danger: true })) === null) return;
    }
    try {
      await this._client.act("POST", `${PATH}/${id}/${isActive ? "disable" : "enable"}`);
      outcome(this._said, say(isActive ? "webhook_disabled_now" : "webhook_enabled_now"));
      this._load(id);
    } catch (error) {
      if (!isEnded(error)) outcome(this._said, errorText(error), true);
    }
  }
}
