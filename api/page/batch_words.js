// How a batch and its reports stand, in words of the page's language.

import { make } from "./elements.js";
import { percent, say } from "./language.js";
import { state } from "./panels.js";

const UNDER_WAY = new Set(["Initializing", "Scheduled", "Executing"]);
const KINDS = {
  Initializing: "wait",
  Executing: "wait",
  Finished: "good",
  FinishedWithWarning: "wait",
  FinishedWithErrors: "bad",
  Listening: "good",
  Completed: "good",
  Warning: "wait",
  Failed: "bad",
};

/** Whether a batch will change by itself soon. */
export function isUnderWay({ status }) {
  return UNDER_WAY.has(status);
}

/** A batch's state as a word. */
export function batchState({ status }) {
  return state(say(`batch_${status}`), KINDS[status] ?? "none");
}

/** The state of one report of a batch as a word. */
export function itemState(status) {
  return state(say(`item_${status}`), KINDS[status] ?? "none");
}

/** How far a batch is, as elements; none for one that has not begun or has ended. */
export function describeProgress({ status, name, completionPercentage: part }) {
  if (status !== "Executing" && status !== "Initializing") return [];
  const label = say("progress_of", { title: name });
  return [
    make("progress", { max: "1", value: String(part), "aria-label": label }),
    make("p", { class: "quiet small" }, percent(part)),
  ];
}
