// The next times a definition is sent, with the period, the filters and the rows that the file may have.

import { readMoment } from "./company_time.js";
import { titleOf } from "./definition_draft.js";
import { instant, say } from "./language.js";
import { table } from "./panels.js";
import { describePeriod } from "./periods.js";
import { describeRows } from "./schedule_words.js";

/** How many times are asked for. */
export const TIMES = 5;
const PERIOD = new Set(["date_from", "date_to", "time_from", "time_to"]);

/** The times as a table; filters have a column of their own where there are any. */
export function drawRehearsal(times, workshop) {
  const filtered = times.some(({ filters }) => describeFilters(filters) !== "");
  const heads = ["rehearsal_when", "rehearsal_period", ...(filtered ? ["filters"] : []), "rehearsal_rows"];
  const rows = times.map(({ fire_at: at, filters, rows_estimated: rows }) => [
    instant(readMoment(at), workshop.time_zone),
    describePeriod(filters),
    ...(filtered ? [describeFilters(filters)] : []),
    describeRows(rows),
  ]);
  return table("rehearsal", heads, rows);
}

function describeFilters(filters) {
  const own = Object.entries(filters).filter(([key]) => !PERIOD.has(key));
  return own.map(([key, value]) => `${titleOf(key)}: ${describeValue(value)}`).join(" · ");
}

function describeValue(value) {
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  return Array.isArray(value) ? value.join(", ") : String(value);
}
