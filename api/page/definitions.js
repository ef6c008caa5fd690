// The view of report definitions: the list, and the way to each of them and to a new one.

import { isEnded } from "./client.js";
import { readMoment } from "./company_time.js";
import { DefinitionForm } from "./definition_form.js";
import { DefinitionPage } from "./definition_page.js";
import { nameOf, standing } from "./definition_words.js";
import { button, make } from "./elements.js";
import { away, instant, say } from "./language.js";
import { emptyPanel, faultPanel, heading, linkButton } from "./panels.js";
import { describeSchedule } from "./schedule_words.js";

const PAGE = 20;

/** The view in a box. */
export class Definitions {
  constructor(box) {
    this._box = box;
    this._part = null;
  }

  /** Show the list, `new`, one definition, or one being changed. */
  open(client, workshop, path) {
    this._closed = new AbortController();
    this._asked = { client, workshop, path };
    const [id, act] = path;
    if (!id) this._openList(client, workshop);
    else if (id === "new" || act === "change") {
      this._part = new DefinitionForm(this._box, client, workshop, id === "new" ? null : id);
    } else this._part = new DefinitionPage(this._box, client, workshop, id);
    this._part?.open();
  }

  close() {
    this._closed?.abort();
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

  _openList(client, workshop) {
    const list = make("ul", { class: "entries", role: "list", "aria-busy": "true" });
    const more = make("p", { class: "more" });
    this._box.replaceChildren(
      make(
        "section",
        { class: "panel" },
        heading(
          { key: "view_definitions", lead: "definitions_lead" },
          linkButton("definition_new", "#definitions/new", true),
        ),
        list,
        more,
      ),
    );
    this._load(client, workshop, list, more, 0);
  }

  async _load(client, workshop, list, more, from) {
    const { signal } = this._closed;
    try {
      const query = { limit: PAGE, limit_from: from };
      const [{ count, reports }, types] = await Promise.all([
        client.readBare("/company/report", { query, signal }),
        client.readBare("/company/report/type", { signal }),
      ]);
      const names = new Map(types.map(({ id, name }) => [id, name]));
      const rows = reports.map((report) => entry(report, names.get(report.report_type_id), workshop));
      list.append(...rows);
      if (from) rows[0]?.querySelector("a").focus();
      const next = from + reports.length;
      const goOn = button(say("more"), {}, () => this._load(client, workshop, list, more, next));
      more.replaceChildren(...(next < Number(count) && reports.length ? [goOn] : []));
      if (!next) list.replaceWith(emptyPanel("definitions_empty", "definitions_empty_lead"));
    } catch (error) {
      if (isEnded(error)) return;
      more.replaceChildren(
        faultPanel(error, "definitions", () => this._load(client, workshop, list, more, from)),
      );
    }
    list.removeAttribute("aria-busy");
  }
}

function entry(report, typeName, workshop) {
  const next = readMoment(report.next_fire_at);
  const coming = next
    ? say("next_fire", { instant: instant(next, workshop.time_zone), away: away(next) })
    : say("next_fire_none");
  const zone = report.time_zone === workshop.time_zone ? "" : ` (${report.time_zone})`;
  return make(
    "li",
    { class: "entry", "data-definition": report.id },
    make(
      "div",
      {},
      make("h3", {}, make("a", { href: `#definitions/${report.id}` }, nameOf(report, typeName))),
      make("p", {}, `${describeSchedule(report)}${zone}`),
      make("p", { class: "quiet small" }, [typeName, coming].filter(Boolean).join(" · ")),
    ),
    make("div", { class: "entry-state" }, standing(report)),
  );
}
