// The list of report files: loaded page by page, followed until they have ended, cancelled, downloaded.

import { isEnded } from "./client.js";
import { download } from "./download.js";
import { find } from "./elements.js";
import { fileRow, titleOf } from "./file_row.js";
import { Follower, hasEnded } from "./following.js";
import { percent, say } from "./language.js";
import { announce, errorText } from "./notices.js";

const PAGE = 20;

/** The files of one workshop. */
export class Files {
  constructor(client, workshop) {
    this._client = client;
    this._workshop = workshop;
    this._jobs = new Map();
    this._rows = new Map();
    this._notes = new Map();
    this._titles = new Map();
    this._cursor = null;
    this._closed = new AbortController();
    this._follower = new Follower(
      client,
      (job) => this._change(job),
      (jobId) => this._remove(jobId),
    );
    find("files-list").replaceChildren();
    const { signal } = this._closed;
    for (const id of ["files-more", "files-retry"]) {
      find(id).addEventListener("click", () => this.load(), { signal });
    }
  }

  close() {
    this._closed.abort();
    this._follower.stop();
    for (const id of ["files-empty", "files-error", "files-more"]) find(id).hidden = true;
    find("files-list").replaceChildren();
  }

  /** Load the first page, or the next one. */
  async load() {
    find("files-error").hidden = true;
    find("files-more").disabled = true;
    find("files-list").setAttribute("aria-busy", "true");
    try {
      const query = { limit: PAGE, cursor: this._cursor };
      const { data } = await this._client.read("v2/reports/exports", { query, signal: this._closed.signal });
      const known = this._jobs.size;
      for (const job of data.items) this._put(job, find("files-list"), "append");
      this._cursor = data.page_info.next_cursor;
      find("files-more").hidden = !data.page_info.has_more;
      if (known && data.items.length) this._focus(data.items[0].job_id);
    } catch (error) {
      if (isEnded(error)) return;
      this.fail(error);
    }
    find("files-more").disabled = false;
    find("files-list").removeAttribute("aria-busy");
    this._showEmpty();
  }

  /** Say that a list or a catalogue could not be loaded. */
  fail(error) {
    find("files-error").hidden = false;
    find("files-error-text").textContent = errorText(error);
  }

  /** What the report types are called. */
  name(types) {
    this._titles = new Map(types.map(({ type, title }) => [type, title]));
    this.render();
  }

  /** Show every file again, as after a change of language. */
  render() {
    for (const jobId of this._jobs.keys()) this._show(jobId);
  }

  /** Show a job that was just asked for. */
  async add(jobId) {
    try {
      const { data } = await this._client.read(`v2/reports/exports/${jobId}`, {
        signal: this._closed.signal,
      });
      this._put(data, find("files-list"), "prepend");
      this._showEmpty();
      this._focus(jobId);
      announce(say("announce_started", { title: this._title(data) }));
    } catch (error) {
      if (!isEnded(error)) this.fail(error);
    }
  }

  _put(job, list, where) {
    const known = this._rows.has(job.job_id);
    this._jobs.set(job.job_id, job);
    this._show(job.job_id);
    if (!known) list[where](this._rows.get(job.job_id));
    if (!hasEnded(job)) this._follower.follow(job.job_id);
  }

  _change(job) {
    const before = this._jobs.get(job.job_id);
    this._jobs.set(job.job_id, job);
    this._show(job.job_id);
    if (before.status !== job.status && hasEnded(job) && job.status !== "expired") {
      announce(say(`announce_${job.status}`, { title: this._title(job) }));
    }
  }

  _remove(jobId) {
    this._rows.get(jobId)?.remove();
    this._rows.delete(jobId);
    this._jobs.delete(jobId);
    this._showEmpty();
  }

  /** Draw a row anew; what had the focus in it keeps it, or its heading gets it. */
  _show(jobId, focused = null) {
    const job = this._jobs.get(jobId);
    const shown = this._rows.get(jobId);
    const held = shown?.contains(document.activeElement) ? document.activeElement : null;
    const row = fileRow(job, {
      typeTitle: this._titles.get(job.type) ?? job.type,
      title: this._title(job),
      timeZone: this._workshop.time_zone,
      note: this._notes.get(jobId),
      download: () => this._download(job),
      cancel: () => this._askToCancel(job),
    });
    this._rows.set(jobId, row);
    shown?.replaceWith(row);
    const action = focused ?? held?.dataset.action;
    if (held || focused) (row.querySelector(`[data-action="${action}"]`) ?? row.querySelector("h3")).focus();
  }

  async _download(job) {
    const busy = (part) => this._note(job.job_id, { busy: say("downloading", { part: percent(part) }) });
    if (this._notes.get(job.job_id)?.busy) return;
    busy(0);
    let shown = 0;
    try {
      await download(this._client, job, (part) => {
        if (part - shown < 0.05) return;
        shown = part;
        busy(part);
      });
      this._note(job.job_id, null);
      announce(say("announce_downloaded", { title: this._title(job) }));
    } catch (error) {
      if (isEnded(error)) return;
      const gone = error.status === 410;
      this._note(job.job_id, { error: say(gone ? "download_expired" : "download_failed") });
      if (gone) this._follower.follow(job.job_id, 0);
    }
  }

  _note(jobId, note) {
    this._notes.set(jobId, note);
    if (this._jobs.has(jobId)) this._show(jobId);
  }

  _askToCancel(job) {
    const dialog = find("cancel-dialog");
    find("cancel-lead").textContent = say("cancel_lead", { title: this._title(job) });
    find("cancel-keep").onclick = () => dialog.close();
    find("cancel-confirm").onclick = () => {
      dialog.close();
      this._cancel(job.job_id);
    };
    dialog.onclose = () => this._focus(job.job_id, "cancel");
    dialog.showModal();
    find("cancel-keep").focus();
  }

  async _cancel(jobId) {
    try {
      const response = await this._client.call("DELETE", `v2/reports/exports/${jobId}`);
      this._follower.forget(jobId);
      this._change((await response.json()).data);
    } catch (error) {
      if (isEnded(error)) return;
      this._note(jobId, { error: error.status === 409 ? say("cancel_late") : errorText(error) });
    }
  }

  _focus(jobId, action = "none") {
    const row = this._rows.get(jobId);
    (row?.querySelector(`[data-action="${action}"]`) ?? row?.querySelector("h3"))?.focus();
  }

  _showEmpty() {
    find("files-empty").hidden = this._jobs.size > 0 || !find("files-error").hidden;
  }

  _title(job) {
    return titleOf(job, this._titles.get(job.type) ?? job.type);
  }
}
