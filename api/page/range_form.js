// The form of the range: presets as buttons, and two days.

import { button, find } from "./elements.js";
import { day, say } from "./language.js";
import { PRESETS } from "./range.js";

/** The form; `chosen` is called with the range that somebody chose. */
export class RangeForm {
  constructor(chosen) {
    this._chosen = chosen;
    this._buttons = new Map(
      PRESETS.map((preset) => {
        const attributes = { class: "button preset", "data-text": preset };
        return [preset, button("", attributes, () => chosen({ preset }))];
      }),
    );
    find("presets").append(...this._buttons.values());
    find("range-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
  }

  /** Show a range and the days that it is. */
  show(range, days) {
    for (const [preset, shown] of this._buttons) {
      shown.setAttribute("aria-pressed", String(preset === range.preset));
    }
    find("date-from").value = days.from ?? "";
    find("date-to").value = days.to ?? "";
    this._refuse("");
  }

  _submit() {
    const from = find("date-from").value || null;
    const to = find("date-to").value || null;
    if (from && to && from > to) {
      this._refuse(say("dates_swapped"));
      find("date-from").focus();
    } else this._chosen(from || to ? { preset: null, from, to } : { preset: "all_time" });
  }

  _refuse(text) {
    find("range-error").textContent = text;
    for (const id of ["date-from", "date-to"]) find(id).setAttribute("aria-invalid", String(text !== ""));
  }
}

/** Days in words; null for an open end. */
export function describeDays({ from, to }) {
  if (from && to) return say("days", { from: day(from), to: day(to) });
  if (from) return say("days_from", { from: day(from) });
  return to ? say("days_to", { to: day(to) }) : say("days_unknown");
}
