// The rating trend as a drawing: the average of each month as a line, the number of ratings as columns below.

import { draw, make, spoken } from "./elements.js";
import { month, number, say } from "./language.js";

const BEST = 5;
const MARGIN = { top: 12, right: 12, left: 34 };
const LINE = 240;
const GAP = 26;
const COLUMNS = 56;
const LABELS = 26;
const HEIGHT = MARGIN.top + LINE + GAP + COLUMNS + LABELS;
const LABEL_WIDTH = 58;

/** Draws the points in a box, as wide as the box is, and writes them into a table. */
export class TrendChart {
  constructor(box, table) {
    this._box = box;
    this._table = table;
    this._points = [];
    this._width = 0;
    new ResizeObserver(([entry]) => this._resize(Math.floor(entry.contentRect.width))).observe(box);
  }

  show(points) {
    this._points = points;
    this._write();
    this._draw();
  }

  clear() {
    this._points = [];
    this._box.replaceChildren();
    this._table.replaceChildren();
  }

  _resize(width) {
    if (width === this._width) return;
    this._width = width;
    this._draw();
  }

  _draw() {
    if (!this._points.length || this._width < 100) return;
    const plot = new Plot(this._points, this._width);
    this._box.replaceChildren(
      draw(
        "svg",
        {
          viewBox: `0 0 ${this._width} ${HEIGHT}`,
          width: "100%",
          role: "img",
          "aria-label": say("trend_described", summary(this._points)),
        },
        ...plot.averageAxis(),
        ...plot.countAxis(),
        ...plot.columns(),
        ...plot.line(),
        ...plot.months(),
        ...plot.tips(),
      ),
    );
  }

  _write() {
    this._table.replaceChildren(
      ...this._points.map(({ period, avg, count }) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, month(period, "long")),
          make(
            "td",
            { class: "number" },
            avg === null
              ? [make("span", { "aria-hidden": "true" }, "–"), spoken(say("no_ratings"))]
              : number(avg, 2),
          ),
          make("td", { class: "number" }, number(count)),
        ),
      ),
    );
  }
}

/** Parts that hang together: months without a rating end one and begin the next. */
export function runs(points) {
  const found = [];
  let run = [];
  points.forEach((point, index) => {
    if (point.avg !== null) run.push(index);
    else if (run.length) run = found.push(run) && [];
  });
  if (run.length) found.push(run);
  return found;
}

class Plot {
  constructor(points, width) {
    this._points = points;
    this._right = width - MARGIN.right;
    this._step = (this._right - MARGIN.left) / points.length;
    const lowest = Math.min(...points.filter((point) => point.avg !== null).map((point) => point.avg));
    this._low = Math.max(Math.min(Math.floor(lowest), BEST - 2), 0);
    this._most = tidy(Math.max(...points.map((point) => point.count), 1));
    this._floor = MARGIN.top + LINE + GAP + COLUMNS;
  }

  averageAxis() {
    const marks = [];
    for (let rating = this._low; rating <= BEST; rating++) marks.push(rating);
    return marks.flatMap((rating) => this._mark(this._height(rating), number(rating)));
  }

  countAxis() {
    const top = this._floor - COLUMNS;
    return [...this._mark(top, number(this._most)), ...this._mark(this._floor, number(0))];
  }

  columns() {
    const width = Math.max(Math.min(this._step * 0.6, 28), 2);
    return this._points.flatMap((point, index) => {
      if (!point.count) return [];
      const height = Math.max((point.count / this._most) * COLUMNS, 1);
      const x = this._middle(index) - width / 2;
      return [draw("rect", { class: "column", x, y: this._floor - height, width, height, rx: 2 })];
    });
  }

  line() {
    const dot = this._step > 14 ? 4 : 2.5;
    return runs(this._points).flatMap((run) => {
      const at = run.map((index) => [this._middle(index), this._height(this._points[index].avg)]);
      const path = at.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
      const dots = at.map(([cx, cy]) => draw("circle", { class: "dot", cx, cy, r: dot }));
      return [draw("polyline", { class: "line", points: path }), ...dots];
    });
  }

  months() {
    const every = Math.max(1, Math.ceil(LABEL_WIDTH / this._step));
    return this._points.flatMap(({ period }, index) => {
      if (index % every) return [];
      const place = { class: "axis", x: this._middle(index), y: this._floor + 18, "text-anchor": "middle" };
      return [draw("text", place, month(period, "short"))];
    });
  }

  /** What a pointer sees of each month. */
  tips() {
    const height = this._floor - MARGIN.top;
    return this._points.map(({ period, avg, count }, index) => {
      const values = { month: month(period, "long"), average: avg === null ? "–" : number(avg, 2), count };
      const x = this._middle(index) - this._step / 2;
      const area = { class: "tip", x, y: MARGIN.top, width: this._step, height };
      return draw("rect", area, draw("title", {}, say("trend_tip", values)));
    });
  }

  _middle(index) {
    return MARGIN.left + this._step * (index + 0.5);
  }

  _height(rating) {
    return MARGIN.top + LINE * (1 - (rating - this._low) / (BEST - this._low));
  }

  _mark(y, text) {
    return [
      draw("line", { class: "grid", x1: MARGIN.left, x2: this._right, y1: y, y2: y }),
      draw("text", { class: "axis", x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, text),
    ];
  }
}

function summary(points) {
  const rated = points.filter((point) => point.avg !== null);
  const averages = rated.map((point) => point.avg);
  return {
    first: month(points[0].period, "long"),
    last: month(points.at(-1).period, "long"),
    low: number(Math.min(...averages), 2),
    high: number(Math.max(...averages), 2),
  };
}

function tidy(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((times) => times * unit).find((round) => round >= most);
}
