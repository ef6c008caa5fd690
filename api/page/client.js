// Calls of the HTTP API, with the access key and the workshop; waits out limits and lost connections.

import { current } from "./language.js";

const BASE = "/api/ws/";
/** Statuses of what passes by itself when it comes with a Retry-After, and why a call waits then. */
const PASSING = new Map([
  [409, "busy"],
  [429, "busy"],
  [503, "away"],
]);
/** Codes of what does not pass while somebody looks on. */
const LASTING = new Set(["QUOTA_EXCEEDED", "NO_DATA"]);
const LONGEST_WAIT = 120;
const LONGEST_PAUSE = 30;

/** An answer that is an error. */
export class ApiError extends Error {
  constructor(status, error, requestId, retryAfter) {
    super(error.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = error.code ?? "";
    this.details = error.details ?? {};
    /** What is wrong, as the API calls it; empty where it is not one value. */
    this.field = error.field ?? "";
    this.requestId = error.request_id ?? requestId ?? "";
    this.retryAfter = retryAfter;
  }
}

/** The API as one access key sees it. */
export class Client {
  /**
   * @param {{waiting: (call: object, why: string|null, seconds?: number) => void, refused: () => void}} told
   *   `waiting` of each call that must wait ("busy", "away" or "offline") and of its end (null);
   *   `refused` once when the access key is not accepted.
   */
  constructor(credential, told) {
    this.workshop = null;
    this._credential = credential;
    this._told = told;
    this._closed = new AbortController();
  }

  /** End every call that is under way. */
  close() {
    this._closed.abort();
  }

  /** The `data` of an answer, with its `meta`. */
  async read(path, { query = {}, signal } = {}) {
    const response = await this.call("GET", path, { query, signal });
    const { data, meta } = await response.json();
    return { data, meta };
  }

  /** The answer of a family whose answers have no envelope. */
  async readBare(path, { query = {}, signal } = {}) {
    return (await this.call("GET", path, { query, signal })).json();
  }

  /** Have something done once: what may have come through is not sent again. */
  async act(method, path, { body, signal } = {}) {
    return (await this.call(method, path, { body, signal, patient: false })).json();
  }

  /** The answer to a call, which is a success or a 304.
   *  @throws {ApiError} it is neither. */
  async call(method, path, options = {}) {
    const { query = {}, headers = {}, body, signal, patient = true, waiting = this._told.waiting } = options;
    const url = new URL(path.startsWith("/") ? path : BASE + path, location.origin);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
    }
    const request = {
      method,
      // The browser's cache knows neither access keys nor workshops.
      cache: "no-store",
      credentials: "omit",
      headers: { ...this._headers(), ...headers, ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, this._closed.signal]) : this._closed.signal,
    };
    try {
      return await this._send(url, request, patient, waiting);
    } finally {
      waiting(request, null);
    }
  }

  _headers() {
    const workshop = this.workshop === null ? {} : { "X-Workshop-Id": this.workshop };
    return {
      Authorization: `Bearer ${this._credential}`,
      Accept: "application/json",
      "Accept-Language": current(),
      ...workshop,
    };
  }

  async _send(url, request, patient, waiting) {
    for (let lost = 0; ;) {
      let response;
      try {
        response = await fetch(url, request);
      } catch (error) {
        if (request.signal.aborted || !patient) throw error;
        const seconds = Math.min(2 ** lost++, LONGEST_PAUSE);
        waiting(request, "offline", seconds);
        await pause(seconds, request.signal, true);
        continue;
      }
      if (response.ok || response.status === 304) return response;
      const error = await readError(response);
      const seconds = error.retryAfter ?? Infinity;
      if (error.status === 401) this._told.refused();
      if (!PASSING.has(error.status) || LASTING.has(error.code) || seconds > LONGEST_WAIT || !patient)
        throw error;
      waiting(request, PASSING.get(error.status), seconds);
      await pause(Math.max(seconds, 1), request.signal, false);
    }
  }
}

/** Seconds of a Retry-After header, null without one. */
export function retryAfter(response) {
  const value = response.headers.get("Retry-After");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (new Date(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : null;
}

/** What a call that was ended by the page itself throws. */
export function isEnded(error) {
  return error.name === "AbortError";
}

async function readError(response) {
  let answer = {};
  try {
    answer = await response.json();
  } catch {
    // A proxy in between may answer with a page of its own.
  }
  const told = answer.error ?? answer.message;
  const error = typeof told === "string" ? { message: told, field: answer.field } : (told ?? {});
  return new ApiError(response.status, error, response.headers.get("X-Request-Id"), retryAfter(response));
}

function pause(seconds, signal, untilOnline) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, seconds * 1000);
    if (untilOnline) window.addEventListener("online", done);
    signal.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
  });
}
