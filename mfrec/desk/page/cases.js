// All cases, and a new one.

import { get, send } from "./api.js";
import { field, guarded, h, when } from "./dom.js";
import { desk, linkTo } from "./state.js";
import { t } from "./words.js";

const ABOUT = [["title", "cases.title.field"], ["number", "cases.number"], ["exhibit", "cases.exhibit"], ["analyst", "cases.analyst"]];

/** The controls for what a case is about, and how to read them. */
export function aboutFields(about) {
  const controls = Object.fromEntries(ABOUT.map(([name]) => [name, h("input", { value: about[name] ?? "", maxlength: 200, autocomplete: "off" })]));
  controls.notes = h("textarea", { rows: 4, maxlength: 20000, value: about.notes ?? "" });
  const fields = [...ABOUT.map(([name, label]) => field(t(label), controls[name])), field(t("cases.notes"), controls.notes)];
  const read = () => Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value.trim()]));
  return { fields, read };
}

function row(line) {
  if (line.error) return h("tr", {}, h("th", { scope: "row" }, line.key), h("td.alarm", { colspan: 5 }, line.error));
  const runs = line.live ? `${line.runs} (${t("cases.live", { count: line.live })})` : line.runs;
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: linkTo(line.key) }, line.about.title || line.about.number || line.key)),
    h("td", {}, line.about.number), h("td", {}, line.about.analyst),
    h("td.r", {}, line.inputs), h("td.r", {}, runs), h("td", {}, when(line.created)));
}

export async function casesView() {
  const lines = await get("/api/cases");
  const { fields, read } = aboutFields({});
  const form = h("form.panel.stack", {
    onsubmit: guarded(async (event) => {
      event.preventDefault();
      const made = await send("POST", "/api/cases", read());
      location.hash = linkTo(made.key);
    }),
  }, h("h2", {}, t("cases.new")), ...fields, h("p.note", {}, t("cases.first")), h("button.primary", {}, t("cases.make")));
  const head = ["title.field", "number", "analyst", "inputs", "runs", "made"].map((name) =>
    h("th", { scope: "col", class: name === "inputs" || name === "runs" ? "r" : "" }, t(`cases.${name}`)));
  const table = lines.length
    ? h("div.wide", { tabindex: 0, role: "region", "aria-label": t("cases.title") }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines.map(row))))
    : h("p.lede", {}, t("cases.none"));
  return {
    element: h("div.page", {}, h("h1", {}, t("cases.title")), h("p.lede", {}, t("cases.lede", { folder: desk.about.folder })),
      h("div.columns", {}, h("section.main", {}, table), h("aside", {}, form))),
  };
}
