// What report types are called in the page's language.

import { current } from "./language.js";

/** The titles by the codes of the types. */
export async function loadTitles(client, signal) {
  const { data } = await client.read("v2/reports/types", { query: { language: current() }, signal });
  return new Map(data.items.map(({ type, title }) => [type, title]));
}
