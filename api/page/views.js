// The views of the page: which one the address names by its hash, and going from one to another.

import { find } from "./elements.js";
import { Batches } from "./batches.js";
import { Definitions } from "./definitions.js";
import { Deliveries } from "./deliveries.js";

const NAMES = ["figures", "definitions", "batches", "deliveries"];

/** The view that the address names, and what of it. */
export function readView() {
  const [name, ...path] = location.hash.slice(1).split("/");
  return NAMES.includes(name) ? { name, path } : { name: NAMES[0], path: [] };
}

/** The views of a signed-in access key. */
export class Views {
  /** `turned` is called when another view is shown. */
  constructor(turned) {
    this._turned = turned;
    this._client = null;
    this._shown = null;
    this._open = null;
    this._views = new Map([
      ["definitions", new Definitions(find("definitions-view"))],
      ["batches", new Batches(find("batches-view"))],
      ["deliveries", new Deliveries(find("deliveries-view"))],
    ]);
    window.addEventListener("hashchange", () => {
      if (this._client) this._show(true);
    });
  }

  /** Show what the address names, as one access key and workshop see it. */
  enter(client, workshop) {
    this._client = client;
    this._workshop = workshop;
    this._show(false);
  }

  leave() {
    this._open?.close();
    this._client = this._open = this._shown = null;
    for (const name of this._views.keys()) find(`${name}-view`).replaceChildren();
  }

  /** Show it again in another language; a form that is being filled in only changes its words. */
  render() {
    this._open?.render();
  }

  _show(byHand) {
    const { name, path } = readView();
    const shown = [this._workshop.workshop_id, name, ...path].join("/");
    if (shown === this._shown) return;
    this._shown = shown;
    this._open?.close();
    // What is not seen is not there: ids of two views never meet.
    for (const each of this._views.keys()) find(`${each}-view`).replaceChildren();
    for (const each of NAMES) {
      find(`${each}-view`).hidden = each !== name;
      const link = find(`to-${each}`);
      if (each === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this._open = this._views.get(name) ?? null;
    this._open?.open(this._client, this._workshop, path);
    this._turned();
    if (byHand)
      (find(`${name}-view`).querySelector("h2[tabindex]:not(#files-title)") ?? find("workshop-name")).focus();
  }
}
