// Instants as the company API writes them: local times of Stockholm, without a zone.

import { toInstant } from "./zones.js";

const ZONE = "Europe/Stockholm";

/** The instant of such a time, as a text in UTC; null stays null. */
export function readMoment(text) {
  return text ? toInstant(text, ZONE) : null;
}
