// A delivery in words of the page's language: what it is, to whom, how it stands and why.

import { has, instant, say } from "./language.js";
import { state } from "./panels.js";

const KINDS = { queued: "wait", sending: "wait", delivered: "good", refused: "bad", dead: "bad" };

/** Whether a delivery will change by itself. */
export function isUnderWay({ state: now }) {
  return now === "queued" || now === "sending";
}

/** A delivery's state as a word. */
export function deliveryState({ state: now }) {
  return state(say(`delivery_${now}`), KINDS[now] ?? "none");
}

/** What is delivered, in words. */
export function describeSubject(subject) {
  const [what, id] = subject.split(":");
  return has(`subject_${what}`) ? say(`subject_${what}`, { id }) : subject;
}

/** Why a delivery stands where it stands; null where there is nothing to say. */
export function describeOutcome({ state: now, code, message, due_at: due, attempt }, timeZone) {
  const said = [code, message].filter(Boolean).join(": ");
  if (now === "queued" && attempt > 0 && due) {
    return `${say("delivery_again", { instant: instant(due, timeZone), count: attempt })} ${said}`;
  }
  return now === "refused" || now === "dead" ? said : null;
}

/** Who gets it. */
export function describeRecipient({ channel, recipient }) {
  return channel === "webhook" ? say("recipient_webhook") : recipient;
}
