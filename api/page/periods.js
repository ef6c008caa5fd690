// The period that a report covers, in words of the page's language.

import { day, localTime, say } from "./language.js";
import { describeDays } from "./range_form.js";

/** The period that a report's filters tell. */
export function describePeriod(filters) {
  if (filters.time_from) return describeHours(filters.time_from, filters.time_to);
  return describeWhole(filters.date_from ?? null, filters.date_to ?? null);
}

/** The period from a local time up to another one, which it does not hold. */
export function describeSpan(start, end) {
  if (!start.endsWith("00:00:00") || !end.endsWith("00:00:00")) return describeHours(start, end);
  const last = new Date(Date.parse(end.slice(0, 10)) - 1).toISOString();
  return describeWhole(start.slice(0, 10), last.slice(0, 10));
}

function describeWhole(from, to) {
  return from && from === to ? day(from) : describeDays({ from, to });
}

function describeHours(from, to) {
  return say("days", { from: localTime(from), to: localTime(to) });
}
