// Every text of the page comes from words.json, by its key.

const words = await (await fetch("/words.json")).json();

/** The text of a key; {name} in it is replaced by a value. */
export function t(key, values = {}) {
  const text = words[key];
  if (text === undefined) throw new Error(`no words for '${key}'`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Whether there are words for a key. */
export const worded = (key) => key in words;
