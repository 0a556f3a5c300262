// Elements from plain values. Text is always text: nothing that comes from a file or a person is parsed as markup.

import { t } from "./words.js";

/**
 * An element: h("button.primary", { type: "button", onclick }, "Run").
 * Properties that begin with "on" are listeners, "class" adds classes, the others are attributes; false and null are none.
 */
export function h(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "htmlFor") element[key] = value;
    else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let count = 0;

/** A name for an element that a label points to. */
export const newId = () => `e${(count += 1)}`;

/** A labelled control: the label above, help below. */
export function field(label, control, help = null) {
  control.id ||= newId();
  const note = help ? h("p.note", { id: newId() }, help) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div.field", {}, h("label", { for: control.id }, label), control, note);
}

/** A row of buttons of which one is on. */
export function choiceRow(label, values, chosen, onchange) {
  const name = newId();
  const boxes = values.map(([value, text]) =>
    h("label", {},
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
      h("span", {}, text)));
  return h("fieldset.row", {}, h("legend", {}, label), ...boxes);
}

/** A select from groups: [[label of the group or null, [[value, text], ...]], ...]. */
export function select(groups, chosen, onchange, properties = {}) {
  const element = h("select", { ...properties, onchange: (event) => onchange(event.target.value) });
  for (const [label, values] of groups) {
    const options = values.map(([value, text]) => h("option", { value }, text));
    element.append(...(label === null ? options : [h("optgroup", { label }, ...options)]));
  }
  element.value = chosen;
  return element;
}

/** A link to the page of the documentation that explains something. */
export function what(name, page, anchor = "") {
  return h("a.what", {
    href: `/manual/${page}${anchor ? `#${anchor}` : ""}`, target: "_blank", rel: "noopener",
    "aria-label": t("app.what.of", { name }), title: t("app.what.of", { name }),
  }, "?");
}

/** Say something to everybody, seen and unseen; it stays until the next. */
export function say(text) {
  document.getElementById("status").textContent = text;
}

/** Say that something did not work. */
export function trouble(error) {
  const place = document.getElementById("trouble");
  const close = h("button", { type: "button", onclick: () => { place.hidden = true; } }, t("app.close"));
  place.replaceChildren(h("span", {}, error instanceof Error ? error.message : String(error)), close);
  place.hidden = false;
}

/** What did not work is of the page that was left. */
export function calm() {
  document.getElementById("trouble").hidden = true;
}

/** A listener that shows what went wrong in it. */
export function guarded(work) {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      if (error.name !== "AbortError") trouble(error);
      return undefined;
    }
  };
}

/** A command, which breaks between its words alone. */
export function command(text) {
  return h("code.command", { tabindex: 0 }, ...text.split(" ").flatMap((word) => [h("span", {}, word), " "]));
}

/** Bytes as people say them. */
export function bytes(size) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = size;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${Number(value.toPrecision(4))} ${units[unit]}`;
}

/** A time stamp of the server in the reader's own time. */
export const when = (stamp) => stamp ? new Date(stamp).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";
