// Instants as the company API writes them: local times of Stockholm, without a zone.

const ZONE = "Europe/Stockholm";

/** The instant of such a time, as a text with its zone; null stays null. */
export function readMoment(text) {
  if (!text) return null;
  const wanted = Date.parse(`${text.replace(" ", "T")}Z`);
  let at = wanted - offsetAt(wanted);
  at = wanted - offsetAt(at);
  return new Date(at).toISOString();
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetAt(at) {
  const shown = new Intl.DateTimeFormat("sv", { timeZone: ZONE, dateStyle: "short", timeStyle: "medium" });
  return Date.parse(`${shown.format(at).replace(" ", "T")}Z`) - at;
}
