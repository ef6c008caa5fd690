// The page's language: its texts, and how it writes numbers, money, days and instants.

import en from "./texts_en.js";
import enBatches from "./texts_en_batches.js";
import enDefinitions from "./texts_en_definitions.js";
import enDeliveries from "./texts_en_deliveries.js";
import nb from "./texts_nb.js";
import nbBatches from "./texts_nb_batches.js";
import nbDefinitions from "./texts_nb_definitions.js";
import nbDeliveries from "./texts_nb_deliveries.js";

const TEXTS = {
  nb: { ...nb, ...nbDefinitions, ...nbBatches, ...nbDeliveries },
  en: { ...en, ...enDefinitions, ...enBatches, ...enDeliveries },
};
const KEPT = "reports.language";

let language = kept() ?? preferred();

export function current() {
  return language;
}

/** Change the language, and keep it for the next visit. */
export function choose(chosen) {
  language = chosen in TEXTS ? chosen : "en";
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A browser that keeps nothing still shows the page.
  }
}

/** The text of a key, with `{name}` replaced; one that counts has its plural form chosen by `count`. */
export function say(key, values = {}) {
  let text = TEXTS[language][key];
  if (typeof text === "object") {
    text = text[new Intl.PluralRules(language).select(values.count)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name] ?? whole;
    return typeof value === "number" ? number(value) : value;
  });
}

/** An element's content: the page's text of a key, or else the API's own words, which are English. */
export function explain(element, key, words) {
  element.textContent = has(key) ? say(key) : words;
  element.lang = has(key) ? language : "en";
  return element;
}

/** Whether there is a text of this key. */
export function has(key) {
  return key in TEXTS[language];
}

/** Fill all that carries `data-text` (content) or `data-label` (accessible name) in the document. */
export function fillTexts(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
}

export function number(value, digits = 0) {
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), form).format(value);
}

export function money(value, currency) {
  if (!currency) return number(value, 2);
  return new Intl.NumberFormat(locale(), {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
  }).format(value);
}

export function percent(part) {
  return new Intl.NumberFormat(locale(), { style: "percent" }).format(part);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** A size of bytes, such as "1.2 MB". */
export function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const digits = power > 0 && bytes / 1000 ** power < 100 ? 1 : 0;
  const form = { style: "unit", unit: UNITS[power], unitDisplay: power ? "short" : "long" };
  return new Intl.NumberFormat(locale(), { ...form, maximumFractionDigits: digits }).format(
    bytes / 1000 ** power,
  );
}

/** A calendar day, from YYYY-MM-DD. */
export function day(text) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeZone: "UTC" }).format(new Date(text));
}

/** A month, from YYYY-MM; `form` is "short" or "long". */
export function month(text, form) {
  const year = form === "short" ? "2-digit" : "numeric";
  const options = { month: form, year, timeZone: "UTC" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(`${text}-01`));
}

/** An instant, in the time zone. */
export function instant(text, timeZone) {
  const options = { dateStyle: "medium", timeStyle: "short", timeZone };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(text));
}

/** A local time, from YYYY-MM-DDTHH:MM or with a space, in nobody's zone. */
export function localTime(text) {
  return instant(`${text.replace(" ", "T")}Z`, "UTC");
}

/** A time of day, from HH:MM. */
export function clockTime(text) {
  const options = { timeStyle: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(`2000-01-01T${text}Z`));
}

/** An instant's time of day, in the time zone. */
export function clock(text, timeZone) {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "medium", timeZone }).format(new Date(text));
}

/** How far away an instant is, such as "in 6 days". */
export function away(text, now = Date.now()) {
  const seconds = (new Date(text) - now) / 1000;
  const form = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  for (const [unit, length] of [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= length) return form.format(Math.trunc(seconds / length), unit);
  }
  return form.format(Math.trunc(seconds), "second");
}

/** What a language is called. */
export function languageName(code) {
  const name = new Intl.DisplayNames(language, { type: "language" }).of(code);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

// Days come before months in the Europe that reads English here.
function locale() {
  return language === "en" ? "en-GB" : language;
}

function kept() {
  try {
    const chosen = localStorage.getItem(KEPT);
    return chosen in TEXTS ? chosen : null;
  } catch {
    return null;
  }
}

function preferred() {
  for (const wanted of navigator.languages ?? [navigator.language]) {
    const code = wanted.toLowerCase().split("-")[0];
    if (code === "nb" || code === "no" || code === "nn") return "nb";
    if (code === "en") return "en";
  }
  return "en";
}
