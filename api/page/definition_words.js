// How a definition stands and what it is called, in words of the page's language.

import { readMoment } from "./company_time.js";
import { say } from "./language.js";
import { state } from "./panels.js";

/** How a definition stands: its word and what kind of word that is. */
export function standing(report) {
  const until = readMoment(report.paused_until);
  if (report.active !== "1") return state(say("definition_paused"), "none");
  if (until && new Date(until) > Date.now()) return state(say("definition_paused"), "wait");
  return state(say("definition_active"), "good");
}

/** What a definition is called on the page. */
export function nameOf(report, typeName) {
  return report.name || typeName || say("definition_unnamed");
}
