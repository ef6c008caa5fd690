// Questions before something is done that cannot be taken back, with a reason where one is needed.

import { button, find, make } from "./elements.js";
import { say } from "./language.js";

/** Ask; null when it is not to be done, else the reason that was written, or an empty text.
 *  @param {{title: string, lead: string, confirm: string, danger?: boolean, reason?: string}} question
 *    `reason` is the label of a field that must be filled in. */
export function ask({ title, lead, confirm, danger = false, reason = null }) {
  const field =
    reason &&
    make("input", {
      id: "ask-reason",
      type: "text",
      maxlength: "500",
      autocomplete: "off",
      required: true,
      "aria-describedby": "ask-error",
    });
  const error = make("p", { id: "ask-error", class: "error", role: "alert" });
  const keep = button(say("ask_keep"), { class: "button" }, () => dialog.close());
  const go = make("button", { type: "submit", class: danger ? "button danger" : "button main" }, confirm);
  const form = make(
    "form",
    { novalidate: true },
    make("h2", { id: "ask-title" }, title),
    make("p", { id: "ask-lead" }, lead),
    field && make("div", { class: "field" }, make("label", { for: "ask-reason" }, reason), field, error),
    make("div", { class: "dialog-actions" }, keep, go),
  );
  const dialog = make(
    "dialog",
    { class: "narrow", "aria-labelledby": "ask-title", "aria-describedby": "ask-lead" },
    form,
  );
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const written = field ? field.value.trim() : "";
      if (field && !written) {
        error.textContent = say("ask_reason_missing");
        field.setAttribute("aria-invalid", "true");
        field.focus();
        return;
      }
      answer = written;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    find("content").append(dialog);
    dialog.showModal();
    (field ?? keep).focus();
  });
}
