// The list of a new batch: organisation numbers as text, one on each line, with an own id where there is one.

const LINE = /^([^,;\t]*)(?:[,;\t]([^,;\t]*))?$/;
const NUMBER = /^[0-9A-Za-z][0-9A-Za-z -]{2,39}$/;

/** The items of a list, and the first line that cannot be one (from 1) or null. A first line without a digit
 *  is a heading. */
export function readNumbers(text) {
  const items = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const plain = line.replaceAll('"', "").trim();
    if (!plain || (index === 0 && !/\d/.test(plain))) continue;
    const [, number, own = ""] = LINE.exec(plain) ?? [];
    const isWhole = /^\d*$/.test(own.trim()) && Number.isSafeInteger(Number(own));
    if (!number || !NUMBER.test(number.trim()) || !isWhole) return { items, wrong: index + 1 };
    const cvr = number.replaceAll(/\s/g, "");
    items.push({ cvr, ...(own.trim() && { internalCustomerId: Number(own) }) });
  }
  return { items, wrong: null };
}

/** The name that a template gives an item; null when it has a variable that there is not. */
export function nameOf(template, item, { name, type, balanceday }) {
  const values = { name, type, balanceday, cvr: item.cvr, rundate: new Date().toISOString().slice(0, 10) };
  let isKnown = true;
  const filled = template.replaceAll(/\{([^{}]*)\}/g, (_, variable) => {
    isKnown &&= variable in values;
    return values[variable] ?? "";
  });
  if (!isKnown || /[{}]/.test(filled)) return null;
  const stem = item.internalCustomerId === undefined ? filled : `${item.internalCustomerId}-${filled}`;
  return stem.replaceAll(/[\\/:*?"<>|]/g, "_");
}
