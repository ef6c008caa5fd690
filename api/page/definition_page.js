// One report definition: what it is, what it will send, what it has sent, and what can be done with it.

import { ask } from "./asking.js";
import { isEnded } from "./client.js";
import { readMoment } from "./company_time.js";
import { nameOf, standing } from "./definition_words.js";
import { button, make } from "./elements.js";
import { Fires } from "./fires.js";
import { has, instant, say } from "./language.js";
import { announce, errorText } from "./notices.js";
import { Outlook } from "./outlook.js";
import { facts, faultPanel, heading, linkButton, outcome, section } from "./panels.js";
import { describeCondition, describeLanguage, describeSchedule } from "./schedule_words.js";

const KNOWN = new Set(["email", "format", "report_language", "only_when_data"]);

/** One definition in a box. */
export class DefinitionPage {
  constructor(box, client, workshop, id) {
    this._box = box;
    this._client = client;
    this._workshop = workshop;
    this._path = `/company/report/${id}`;
    this._id = id;
    this._closed = new AbortController();
    this._outlook = new Outlook(client, workshop, this._path, this._closed.signal);
    this._fires = new Fires(client, workshop, this._path, this._closed.signal);
    this._said = make("div", {});
    this._top = make("div", {}, heading({ text: say("loading"), up: UP }));
    this._facts = make("div", {});
  }

  open() {
    this._box.replaceChildren(
      make(
        "section",
        { class: "panel" },
        this._top,
        this._said,
        this._facts,
        section("outlook", this._outlook.box),
        section(
          "fires",
          this._fires.box,
          make(
            "p",
            {},
            make("a", { href: `#deliveries/of/definition:${this._id}` }, say("deliveries_of_it")),
          ),
        ),
      ),
    );
    this._load();
  }

  close() {
    this._closed.abort();
    this._fires.close();
  }

  async _load() {
    try {
      const { signal } = this._closed;
      const [report, types] = await Promise.all([
        this._client.readBare(this._path, { signal }),
        this._client.readBare("/company/report/type", { signal }),
      ]);
      this._report = report;
      this._type = types.find(({ id }) => id === report.report_type_id)?.name;
      this._show();
      this._outlook.load();
      this._fires.load();
    } catch (error) {
      if (isEnded(error)) return;
      const retry = error.status === 404 ? null : () => this._load();
      this._top.replaceChildren(heading({ key: "view_definitions", up: UP }));
      this._box.firstElementChild.replaceChildren(this._top, faultPanel(error, "definitions", retry));
    }
  }

  _show() {
    const report = this._report;
    const held = this._top.contains(document.activeElement)
      ? (document.activeElement.dataset.action ?? "")
      : null;
    const isPaused = report.active !== "1" || report.paused_until !== null;
    const act = (key, pressed, style = "button") =>
      button(say(`definition_${key}`), { class: style, "data-action": key }, pressed);
    this._top.replaceChildren(
      heading({ text: nameOf(report, this._type), up: UP }),
      make("p", { class: "standing" }, standing(report)),
      make(
        "div",
        { class: "actions" },
        act("send", () => this._send("GET", "send", "definition_sent")),
        act("test", () => this._test()),
        isPaused ? act("resume", () => this._activate(true)) : act("pause", () => this._activate(false)),
        linkButton("definition_change", `#definitions/${report.id}/change`),
        act("delete", () => this._delete(), "button danger"),
      ),
    );
    this._facts.replaceChildren(describe(report, this._type, this._workshop));
    if (held !== null)
      (this._top.querySelector(`[data-action="${held}"]`) ?? this._top.querySelector("h2")).focus();
  }

  async _send(method, act, done) {
    await this._try(async () => {
      await this._client.act(method, `${this._path}/${act}`);
      outcome(this._said, say(done, { owner: this._report.owner ?? "" }));
      this._fires.follow();
    });
  }

  async _test() {
    if (this._report.owner) await this._send("POST", "test", "definition_tested");
    else outcome(this._said, say("definition_no_owner"), true);
  }

  async _activate(active) {
    await this._try(async () => {
      const body = { active, ...(active && { paused_until: null }) };
      await this._client.call("PATCH", this._path, { body });
      this._report = await this._client.readBare(this._path, { signal: this._closed.signal });
      this._show();
      const action = this._top.querySelector(`[data-action="${active ? "pause" : "resume"}"]`);
      action?.focus();
      outcome(this._said, say(active ? "definition_resumed" : "definition_paused_now"));
    });
  }

  async _delete() {
    const name = nameOf(this._report, this._type);
    const answer = await ask({
      title: say("definition_delete_question"),
      lead: say("definition_delete_lead", { name }),
      confirm: say("definition_delete"),
      danger: true,
    });
    if (answer === null) return;
    await this._try(async () => {
      await this._client.call("DELETE", this._path);
      announce(say("definition_deleted", { name }));
      location.hash = "#definitions";
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

const UP = { to: "#definitions", key: "definitions_all" };

function describe(report, typeName, workshop) {
  const values = (key) => (report.arguments[key] ?? []).map(({ value }) => value);
  const others = Object.keys(report.arguments).filter((key) => !KNOWN.has(key));
  const next = readMoment(report.next_fire_at);
  const until = readMoment(report.paused_until);
  const formats = values("format").map((name) => (has(`format_${name}`) ? say(`format_${name}`) : name));
  return facts([
    ["report_type", typeName ?? report.report_type_id],
    ["schedule", `${describeSchedule(report)} (${report.time_zone})`],
    ["next_time", next ? instant(next, report.time_zone) : null],
    ["paused_until", until ? instant(until, report.time_zone) : null],
    ["recipients", values("email").join(", ")],
    ["format", formats.join(", ")],
    ["delivered_as", say(report.email_link_only === "1" ? "as_link" : "as_attachment")],
    ["file_language", values("report_language").map(describeLanguage).join(", ")],
    ["condition", describeCondition(report.condition, values("only_when_data")[0] === "1")],
    ["filters", others.map((key) => `${key}: ${values(key).join(", ")}`).join(" · ")],
    ["owner", report.owner],
    ["description", report.description],
  ]);
}
