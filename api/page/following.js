// Follows jobs that have not ended: asks as often as the API says, less often while nothing changes.

import { isEnded, retryAfter } from "./client.js";

const USUAL = 1;
const LONGEST = 15;
const HIDDEN = 30;
/** Between two questions, however many jobs there are: a fraction of what an access key may ask. */
const LEAST = 0.25;

/** Whether a job will change no more by itself. */
export function hasEnded(job) {
  return job.status !== "pending" && job.status !== "processing";
}

/** Asks for one job at a time, so that many together do not press on the limits. */
export class Follower {
  /** `changed` is called with a job that changed, `gone` with the id of one that is no more. */
  constructor(client, changed, gone) {
    this._client = client;
    this._changed = changed;
    this._gone = gone;
    this._jobs = new Map();
    this._timer = null;
    this._next = 0;
    this._asking = false;
    this._seen = () => this._wake();
    document.addEventListener("visibilitychange", this._seen);
  }

  /** Follow a job, first after `seconds`. */
  follow(jobId, seconds = USUAL) {
    if (this._jobs.has(jobId)) return;
    this._jobs.set(jobId, { etag: null, pause: seconds, due: performance.now() + seconds * 1000 });
    this._schedule();
  }

  forget(jobId) {
    this._jobs.delete(jobId);
    this._schedule();
  }

  stop() {
    this._jobs.clear();
    clearTimeout(this._timer);
    document.removeEventListener("visibilitychange", this._seen);
  }

  _wake() {
    if (document.hidden) return;
    for (const one of this._jobs.values()) one.due = performance.now();
    this._schedule();
  }

  _schedule() {
    clearTimeout(this._timer);
    if (!this._jobs.size || this._asking) return;
    const due = Math.max(Math.min(...[...this._jobs.values()].map((one) => one.due)), this._next);
    this._timer = setTimeout(() => this._ask(), Math.max(due - performance.now(), 0));
  }

  async _ask() {
    const [jobId, one] = [...this._jobs].reduce((least, next) => (next[1].due < least[1].due ? next : least));
    this._asking = true;
    this._next = performance.now() + LEAST * 1000;
    try {
      await this._poll(jobId, one);
    } catch (error) {
      if (isEnded(error)) return;
      if (error.status === 404) {
        this._jobs.delete(jobId);
        this._gone(jobId);
      }
      one.pause = LONGEST;
    } finally {
      this._asking = false;
    }
    one.due = performance.now() + (document.hidden ? Math.max(one.pause, HIDDEN) : one.pause) * 1000;
    this._schedule();
  }

  async _poll(jobId, one) {
    const headers = one.etag ? { "If-None-Match": one.etag } : {};
    const response = await this._client.call("GET", `v2/reports/exports/${jobId}`, { headers });
    const asked = retryAfter(response) ?? USUAL;
    if (response.status === 304) {
      one.pause = Math.max(asked, Math.min(one.pause * 1.5, LONGEST));
      return;
    }
    const { data } = await response.json();
    one.etag = response.headers.get("ETag");
    one.pause = asked;
    if (!this._jobs.has(jobId)) return;
    if (hasEnded(data)) this._jobs.delete(jobId);
    this._changed(data);
  }
}
