// The figures of a workshop in a range of days: key figures, categories and the rating trend.

import { ApiError, isEnded } from "./client.js";
import { draw, find, make } from "./elements.js";
import { instant, money, number, say } from "./language.js";
import { errorText } from "./notices.js";
import { TrendChart } from "./trend.js";

/** The part of the page that shows figures. */
export class Figures {
  constructor() {
    this._trend = new TrendChart(find("trend-chart"), find("trend-table"));
    this._loading = null;
    this._shown = null;
    this._again = null;
    find("figures-retry").addEventListener("click", () => this._again?.());
  }

  /** Load and show the figures of the days; ends the loading before. */
  async load(client, workshop, days) {
    this._loading?.abort();
    const loading = (this._loading = new AbortController());
    this._again = () => this.load(client, workshop, days);
    find("figures").setAttribute("aria-busy", "true");
    const query = { date_from: days.from, date_to: days.to };
    const { signal } = loading;
    try {
      const [overview, categories, ratings] = await Promise.all([
        client.read("reports/overview", { query, signal }),
        client.read("reports/services/by-category", { query, signal }),
        client.read("reports/ratings/timeseries", { query: { ...query, group: "month" }, signal }),
      ]);
      this._shown = {
        workshop,
        overview: overview.data,
        asOf: overview.meta.data_as_of,
        categories: categories.data.items,
        points: ratings.data.points,
      };
      this.render();
    } catch (error) {
      if (isEnded(error)) return;
      loading.abort();
      this._fail(error);
    }
    if (this._loading === loading) find("figures").removeAttribute("aria-busy");
  }

  /** End what is under way, and forget what is shown. */
  clear() {
    this._loading?.abort();
    this._shown = null;
    this._again = null;
    for (const id of ["cards", "categories-body"]) find(id).replaceChildren();
    find("as-of").textContent = "";
    find("figures").removeAttribute("aria-busy");
    this._trend.clear();
  }

  /** Show again what is loaded, as after a change of language. */
  render() {
    if (!this._shown) return;
    const { workshop, overview, asOf, categories, points } = this._shown;
    find("figures-error").hidden = true;
    find("figures").hidden = false;
    find("as-of").textContent = asOf ? say("as_of", { instant: instant(asOf, workshop.time_zone) }) : "";
    find("cards").replaceChildren(...cards(overview));
    showCategories(categories);
    const rated = points.some((point) => point.count > 0);
    find("trend-empty").hidden = rated;
    find("trend").hidden = !rated;
    if (rated) this._trend.show(points);
    else this._trend.clear();
  }

  _fail(error) {
    this._shown = null;
    find("figures").hidden = true;
    find("figures-error").hidden = false;
    find("figures-error-text").textContent = errorText(error);
    const id = error instanceof ApiError ? error.requestId : "";
    find("figures-error-id").textContent = id ? say("request_id", { id }) : "";
  }
}

function cards({ jobs, services, ratings }) {
  const { done_in_range: done, revenue_in_range: revenue, currency } = jobs;
  const average = revenue === null || !done ? null : revenue / done;
  const why = revenue === null ? "no_revenue" : "no_done";
  return [
    card("done", number(done)),
    card("revenue", revenue === null ? null : money(revenue, currency), "no_revenue"),
    card("per_job", average === null ? null : money(average, currency), why),
    card("services", number(services.total)),
    card(
      "rating",
      ratings.avg === null ? null : number(ratings.avg, 2),
      "no_ratings",
      say("rating_count", { count: ratings.count }),
    ),
  ];
}

function card(name, value, missing, note = say(`note_${name}`)) {
  const shown = value === null ? make("span", { "aria-hidden": "true" }, "–") : value;
  return make(
    "div",
    { class: "card", "data-figure": name },
    make("dt", {}, say(`figure_${name}`)),
    make("dd", { class: "value" }, shown),
    make("dd", { class: "note" }, value === null ? say(missing) : note),
  );
}

function showCategories(categories) {
  const most = Math.max(...categories.map((category) => category.booked_count), 1);
  const rows = [...categories].sort((one, other) => other.booked_count - one.booked_count);
  find("categories").hidden = rows.length === 0;
  find("categories-empty").hidden = rows.length > 0;
  find("categories-body").replaceChildren(
    ...rows.map(({ category, count, booked_count: booked }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, category),
        make("td", { class: "number" }, number(count)),
        make("td", { class: "number" }, number(booked)),
        make("td", { class: "bar-cell", "aria-hidden": "true" }, bar(booked / most)),
      ),
    ),
  );
}

function bar(part) {
  const width = `${(part * 100).toFixed(1)}%`;
  return draw(
    "svg",
    { width: "100%", height: "10", focusable: "false" },
    draw("rect", { class: "track", width: "100%", height: "10", rx: "3" }),
    draw("rect", { class: "fill", width, height: "10", rx: "3" }),
  );
}
