// Looks again and again at what is under way: less often while nothing changes, seldom in a hidden tab.

import { isEnded } from "./client.js";

const FIRST = 1;
const LONGEST = 15;
const HIDDEN = 30;

/** Looks until there is nothing left to wait for. */
export class Polling {
  /** @param {() => Promise<"changed"|"same"|"ended">} look */
  constructor(look) {
    this._look = look;
    this._timer = null;
    this._round = 0;
    this._pause = FIRST;
  }

  /** Begin, or begin anew. */
  begin() {
    this.stop();
    this._pause = FIRST;
    this._schedule();
  }

  stop() {
    this._round += 1;
    clearTimeout(this._timer);
  }

  _schedule() {
    const seconds = document.hidden ? Math.max(this._pause, HIDDEN) : this._pause;
    this._timer = setTimeout(() => this._ask(), seconds * 1000);
  }

  async _ask() {
    const round = this._round;
    let found = "same";
    try {
      found = await this._look();
    } catch (error) {
      if (isEnded(error) || error.status === 403 || error.status === 404) return;
    }
    if (round !== this._round || found === "ended") return;
    this._pause = found === "changed" ? FIRST : Math.min(this._pause * 1.5, LONGEST);
    this._schedule();
  }
}
