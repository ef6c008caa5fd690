// What a definition would send, before it is saved.

import { make } from "./elements.js";
import { section } from "./panels.js";
import { drawRehearsal, TIMES } from "./rehearsal.js";

/** The preview of what a form is filled in with; it is its `box`. */
export class Preview {
  constructor(client, workshop, signal) {
    this.box = make("div", {});
    this._client = client;
    this._workshop = workshop;
    this._signal = signal;
    this._asked = null;
  }

  /** Ask for it and go there; a refusal is the caller's to tell.
   *  @throws {ApiError} the definition cannot be made so. */
  async load(body) {
    this._asked = body;
    const options = { query: { count: TIMES }, body, signal: this._signal };
    const times = await (await this._client.call("POST", "/company/report/rehearsal", options)).json();
    if (this._asked !== body) return;
    this.box.replaceChildren(section("rehearsal", drawRehearsal(times, this._workshop)));
    const title = this.box.querySelector("h3");
    title.tabIndex = -1;
    title.focus();
  }

  /** Take it away: it is not of what is filled in any more. */
  clear() {
    this._asked = null;
    this.box.replaceChildren();
  }
}
