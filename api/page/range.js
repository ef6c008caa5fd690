// The range of days that the page shows: presets in the workshop's time zone, and the address that keeps it.

export const PRESETS = [
  "this_month",
  "last_month",
  "last_30_days",
  "this_year",
  "last_12_months",
  "all_time",
];
const USUAL = "last_12_months";
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The range of the address: `{preset}`, or `{preset: null, from, to}` with days or null for an open end. */
export function readRange(query = new URLSearchParams(location.search)) {
  const preset = query.get("range");
  if (PRESETS.includes(preset)) return { preset };
  const from = readDay(query.get("date_from"));
  const to = readDay(query.get("date_to"));
  if (from || to) return { preset: null, from, to };
  return { preset: USUAL };
}

/** Put a range and a workshop (or null) into the address, and the view that is to be seen. */
export function writeRange(range, workshop, view = "") {
  const query = new URLSearchParams();
  if (workshop !== null) query.set("workshop", workshop);
  if (range.preset) query.set("range", range.preset);
  else if (range.from) query.set("date_from", range.from);
  if (!range.preset && range.to) query.set("date_to", range.to);
  const address = `${location.pathname}?${query}${view && `#${view}`}`;
  if (address !== location.pathname + location.search + location.hash) history.pushState(null, "", address);
}

/** The days of a range, null for an open end. */
export function resolveRange(range, timeZone, now = new Date()) {
  if (!range.preset) return { from: range.from, to: range.to };
  const today = todayIn(timeZone, now);
  const year = today.getUTCFullYear();
  const month = today.getUTCMonth();
  switch (range.preset) {
    case "this_month":
      return { from: write(year, month, 1), to: write(year, month, today.getUTCDate()) };
    case "last_month":
      return { from: write(year, month - 1, 1), to: write(year, month, 0) };
    case "last_30_days":
      return {
        from: write(year, month, today.getUTCDate() - 29),
        to: write(year, month, today.getUTCDate()),
      };
    case "this_year":
      return { from: write(year, 0, 1), to: write(year, month, today.getUTCDate()) };
    case "last_12_months":
      return { from: write(year, month - 11, 1), to: write(year, month, today.getUTCDate()) };
    default:
      return { from: null, to: null };
  }
}

function todayIn(timeZone, now) {
  return new Date(new Intl.DateTimeFormat("sv", { timeZone, dateStyle: "short" }).format(now));
}

function write(year, month, date) {
  return new Date(Date.UTC(year, month, date)).toISOString().slice(0, 10);
}

function readDay(text) {
  return text && DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}
