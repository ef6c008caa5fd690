// What the page says about itself: that it waits, and what has just happened, without being chatty.

import { find } from "./elements.js";
import { say } from "./language.js";

const waits = new Map();

/** A call waits ("busy" or "offline"), or waits no more (null). */
export function showWait(call, why, seconds) {
  if (why === null) waits.delete(call);
  else waits.set(call, { why, seconds });
  const [first] = waits.values();
  const notice = find("notice");
  notice.hidden = !first;
  notice.textContent = first ? waitText(first.why, first.seconds) : "";
}

/** The sentence for a call that waits. */
export function waitText(why, seconds) {
  return say(why === "busy" ? "wait_busy" : "wait_offline", { count: Math.ceil(seconds) });
}

/** Say it to screen readers once, when they have finished what they are saying. */
export function announce(text) {
  find("announcements").textContent = text;
}

/** The page's words for an error: what the API says follows in its own language. */
export function errorText(error) {
  if (error.status === undefined) return say("error_connection");
  const known = { 403: "error_403", 404: "error_404", 429: "error_429" }[error.status];
  if (known) return say(known);
  return say(error.status >= 500 ? "error_server" : "error_other", { code: error.code || error.status });
}
