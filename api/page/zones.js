// Local times of a time zone, and the instants that they are.

/** The instant of a local time (YYYY-MM-DDTHH:MM, or with a space and seconds), as a text in UTC. */
export function toInstant(text, timeZone) {
  const wanted = Date.parse(`${text.replace(" ", "T")}Z`);
  let at = wanted - offsetAt(wanted, timeZone);
  at = wanted - offsetAt(at, timeZone);
  return new Date(at).toISOString();
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetAt(at, timeZone) {
  const shown = new Intl.DateTimeFormat("sv", { timeZone, dateStyle: "short", timeStyle: "medium" });
  return Date.parse(`${shown.format(at).replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000;
}
