// The page as a whole: signing in and out, the workshop, the language and the range, and what they change.

import { Client, isEnded } from "./client.js";
import { ExportDialog } from "./export_dialog.js";
import { Figures } from "./figures.js";
import { Files } from "./files.js";
import { find, make } from "./elements.js";
import { choose, current, fillTexts, say } from "./language.js";
import { announce, errorText, showWait } from "./notices.js";
import { readRange, resolveRange, writeRange } from "./range.js";
import { describeDays, RangeForm } from "./range_form.js";
import { readView, Views } from "./views.js";

const KEY = "reports.key";

const figures = new Figures();
const rangeForm = new RangeForm((range) => go(range, page.workshop));
const views = new Views(showTitle);
const exportDialog = new ExportDialog((made) => page.files?.add(made));
const NOTHING = { client: null, workshops: [], workshop: null, address: "", files: null, catalogue: null };
const page = { ...NOTHING };

function start() {
  find("language").value = current();
  find("language").addEventListener("change", (event) => changeLanguage(event.target.value));
  find("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(find("access-key").value.trim());
  });
  find("sign-out").addEventListener("click", () => signOut("signed_out"));
  find("workshop").addEventListener("change", (event) => go(readRange(), workshopOf(event.target.value)));
  find("new-export").addEventListener("click", openDialog);
  find("skip").addEventListener("click", (event) => {
    // The hash names a view.
    event.preventDefault();
    find("content").focus();
  });
  window.addEventListener("popstate", () => page.workshop && location.search !== page.address && arrive());
  fillTexts();
  showTitle();
  const kept = sessionStorage.getItem(KEY);
  if (kept) signIn(kept);
  else showSignIn("");
}

async function signIn(credential) {
  if (!credential) {
    showSignIn("key_missing");
    return;
  }
  const client = new Client(credential, {
    waiting: showWait,
    refused: () => page.client === client && signOut("key_refused"),
  });
  page.client = client;
  const submit = find("sign-in-button");
  submit.disabled = true;
  submit.textContent = say("signing_in");
  find("sign-in-error").textContent = "";
  try {
    const { data } = await client.read("v2/reports/workshops");
    sessionStorage.setItem(KEY, credential);
    page.workshops = data.items;
    if (data.items.length) enter();
    else signOut("no_workshops");
  } catch (error) {
    if (!isEnded(error) && page.client) showSignIn(null, errorText(error));
  } finally {
    submit.disabled = false;
    submit.textContent = say("sign_in");
  }
}

/** Show the report of the signed-in access key. */
function enter() {
  find("access-key").value = "";
  find("sign-in").hidden = true;
  find("report").hidden = false;
  find("views").hidden = false;
  find("sign-out").hidden = false;
  find("workshop-tool").hidden = page.workshops.length < 2;
  find("workshop").replaceChildren(
    ...page.workshops.map(({ workshop_id: id, name }) => make("option", { value: id }, name)),
  );
  arrive();
  find("workshop-name").focus({ preventScroll: true });
}

function signOut(why) {
  sessionStorage.removeItem(KEY);
  page.client?.close();
  page.files?.close();
  views.leave();
  Object.assign(page, NOTHING);
  figures.clear();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  showSignIn(why);
}

function showSignIn(why, text = why ? say(why) : "") {
  find("report").hidden = true;
  find("views").hidden = true;
  find("sign-out").hidden = true;
  find("workshop-tool").hidden = true;
  find("sign-in").hidden = false;
  find("sign-in-error").textContent = text;
  find("access-key").setAttribute("aria-invalid", String(why === "key_missing" || why === "key_refused"));
  find("access-key").focus();
  showTitle();
}

/** Go to another range or workshop, by an address that can be kept and come back to. */
function go(range, workshop) {
  const { name } = readView();
  writeRange(range, page.workshops.length > 1 ? workshop.workshop_id : null, name === "figures" ? "" : name);
  arrive();
}

/** Show what the address names. */
function arrive() {
  const asked = new URLSearchParams(location.search).get("workshop");
  const workshop = workshopOf(asked) ?? page.workshops[0];
  const changed = page.workshop?.workshop_id !== workshop.workshop_id;
  page.workshop = workshop;
  page.address = location.search;
  page.client.workshop = workshop.workshop_id;
  find("workshop").value = workshop.workshop_id;
  showRange();
  figures.load(page.client, workshop, resolveRange(readRange(), workshop.time_zone));
  if (changed) openFiles();
  views.enter(page.client, workshop);
}

function showRange() {
  const days = resolveRange(readRange(), page.workshop.time_zone);
  rangeForm.show(readRange(), days);
  find("workshop-name").textContent = page.workshop.name;
  find("days").textContent = describeDays(days);
  showTitle();
}

function openFiles() {
  page.files?.close();
  page.files = new Files(page.client, page.workshop);
  page.files.load();
  loadCatalogue();
}

/** The report types in the page's language; the list of files names them by it. */
async function loadCatalogue() {
  const { client, files } = page;
  const asked = client.read("v2/reports/types", { query: { language: current() } });
  page.catalogue = asked;
  try {
    const { data } = await asked;
    // An answer that was overtaken, as by another choice of language, is not shown any more.
    if (page.catalogue === asked) files.name(data.items);
  } catch {
    // The dialog says so when it is opened; the list names types by their codes.
    if (page.catalogue === asked) page.catalogue = null;
  }
}

async function openDialog() {
  find("new-export").disabled = true;
  try {
    if (!page.catalogue) loadCatalogue();
    const { data } = await page.catalogue;
    const days = resolveRange(readRange(), page.workshop.time_zone);
    exportDialog.open(page.client, data, days);
  } catch (error) {
    if (!isEnded(error) && page.client) page.files.fail(error);
  } finally {
    find("new-export").disabled = false;
  }
}

function changeLanguage(language) {
  choose(language);
  fillTexts();
  showTitle();
  find("sign-in-error").textContent = "";
  if (!page.client || !page.workshop) return;
  showRange();
  figures.render();
  page.files.render();
  views.render();
  loadCatalogue();
  announce("");
}

function showTitle() {
  const { name } = readView();
  const shown = page.workshop && name !== "figures" ? `view_${name}` : "title";
  document.title = page.workshop ? `${say(shown)} – ${page.workshop.name}` : say("title");
}

function workshopOf(id) {
  return page.workshops.find((workshop) => workshop.workshop_id === id);
}

start();
