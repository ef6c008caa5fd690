// What the page says about itself: that it waits, and what has just happened, without being chatty.

import { find } from "./elements.js";
import { has, say, size } from "./language.js";

const waits = new Map();

/** A call waits ("busy", "away" or "offline"), or waits no more (null). */
export function showWait(call, why, seconds) {
  if (why === null) waits.delete(call);
  else waits.set(call, { why, seconds });
  const [first] = waits.values();
  const notice = find("notice");
  const text = first ? waitText(first.why, first.seconds) : "";
  if (first && notice.hidden) announce(text);
  notice.hidden = !first;
  notice.textContent = text;
}

/** The sentence for a call that waits. */
export function waitText(why, seconds) {
  return say(`wait_${why}`, { count: Math.ceil(seconds) });
}

/** Say it to screen readers once, when they have finished what they are saying. */
export function announce(text) {
  find("announcements").textContent = text;
}

/** The page's words for an error: what the API says follows in its own language. */
export function errorText(error) {
  if (error.status === undefined) return say("error_connection");
  if (error.code === "NO_DATA") return say("error_no_data");
  if (error.code === "QUOTA_EXCEEDED") return quotaText(error.details);
  const known = { 403: "error_403", 404: "error_404", 429: "error_429" }[error.status];
  if (known) return say(known);
  return say(error.status >= 500 ? "error_server" : "error_other", { code: error.code || error.status });
}

function quotaText({ quota, limit, used }) {
  const key = `quota_${quota}`;
  if (!has(key)) return say("error_429");
  return say(key, quota === "bytes" ? { limit: size(limit), used: size(used) } : { limit, used });
}
