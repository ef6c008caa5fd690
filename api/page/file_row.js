// One report file as a row of the list: what it is, how far it has come, and what can be done with it.

import { button, make } from "./elements.js";
import { hasEnded } from "./following.js";
import { away, clock, has, instant, number, say, size } from "./language.js";
import { describeDays } from "./range_form.js";

/** What a file is called on the page: the type's title and the format. */
export function titleOf(job, typeTitle) {
  return `${typeTitle} (${formatOf(job)})`;
}

/** The row; `acts` has its `typeTitle`, `title`, `timeZone`, `note` ({busy} or {error}), and what
 *  `download` and `cancel` do. */
export function fileRow(job, acts) {
  return make(
    "li",
    { class: "file", "data-status": job.status, "data-job": job.job_id },
    make("span", { class: "file-kind", "aria-hidden": "true" }, formatOf(job)),
    make(
      "div",
      { class: "file-what" },
      make("h3", { tabindex: "-1" }, acts.typeTitle, formatSpoken(job)),
      make("p", { class: "quiet" }, describeDays(daysOf(job))),
      make("p", { class: "quiet small" }, facts(job, acts.timeZone)),
    ),
    make("div", { class: "file-state" }, state(job, acts)),
    make("div", { class: "file-actions" }, actions(job, acts)),
  );
}

function formatOf(job) {
  return job.format.split(";")[0].toUpperCase();
}

function formatSpoken(job) {
  return make("span", { class: "spoken" }, ` (${formatOf(job)})`);
}

function daysOf({ filters }) {
  return { from: filters.date_from ?? null, to: filters.date_to ?? null };
}

function facts(job, timeZone) {
  const said = [say("created", { instant: instant(job.created_at, timeZone) })];
  if (job.status === "completed" || job.status === "expired") {
    said.push(say("rows", { count: job.rows_written }));
    if (job.size_bytes !== null) said.push(size(job.size_bytes));
  }
  if (job.expires_at && job.status === "completed") said.push(say("expires", { away: away(job.expires_at) }));
  if (job.expires_at && job.status === "expired") {
    said.push(say("expired_at", { instant: instant(job.expires_at, timeZone) }));
  }
  return said.join(" · ");
}

function state(job, { title, timeZone, note }) {
  const parts = [make("p", { class: "state" }, say(`state_${job.status}`))];
  if (!hasEnded(job)) parts.push(...progress(job, title, timeZone));
  if (job.error) parts.push(fault(job.error));
  if (note?.busy) parts.push(make("p", { class: "quiet small" }, note.busy));
  if (note?.error) parts.push(make("p", { class: "error", role: "alert" }, note.error));
  return parts;
}

function progress(job, title, timeZone) {
  const label = say("progress_of", { title });
  const bar = make("progress", { max: "100", value: String(job.progress), "aria-label": label });
  const said = [];
  if (job.rows_expected) {
    said.push(say("rows_of", { written: number(job.rows_written), expected: number(job.rows_expected) }));
  }
  // A time that has passed helps nobody.
  if (job.estimated_completion && new Date(job.estimated_completion) > Date.now()) {
    const time = clock(job.estimated_completion, timeZone);
    said.push(say("ready_about", { time }));
  }
  return [bar, make("p", { class: "quiet small" }, said.join(" · "))];
}

function fault({ code, message }) {
  const key = `fault_${code}`;
  return make(
    "p",
    { class: "error" },
    has(key) ? say(key) : say("fault_EXPORT_FAILED"),
    make("span", { class: "detail", lang: "en" }, message),
  );
}

function actions(job, { title, note, download, cancel }) {
  if (job.download_url) {
    const attributes = {
      class: "button",
      "data-action": "download",
      "aria-label": say("download_named", { title }),
    };
    // It stays where the focus is while the file comes.
    return [
      button(say("download"), { ...attributes, "aria-disabled": note?.busy ? "true" : null }, download),
    ];
  }
  if (hasEnded(job)) return [];
  const attributes = {
    class: "button",
    "data-action": "cancel",
    "aria-label": say("cancel_named", { title }),
  };
  return [button(say("cancel"), attributes, cancel)];
}
