// The frame of the page: which view an address means, and the bar above it.

import { get } from "./api.js";
import { caseView } from "./case.js";
import { casesView } from "./cases.js";
import { compareView } from "./compare.js";
import { calm, guarded, h, trouble } from "./dom.js";
import { keysDialog } from "./keys.js";
import { lookView } from "./look.js";
import { notesView } from "./notes.js";
import { runsView } from "./runs.js";
import { desk, linkTo, openCase, recipesOffered } from "./state.js";
import { surveysView } from "./surveys.js";
import { t } from "./words.js";

const content = document.getElementById("content");

const VIEWS = { case: caseView, look: lookView, runs: runsView, compare: compareView, notes: notesView, survey: surveysView };

let leave = null;
let turn = 0;

/** The address as its parts: #/case/KEY/VIEW/NUMBER. */
function address() {
  const [kind, key, view, number] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return kind === "case" && key ? { key, view: view in VIEWS ? view : "case", number } : { key: null, view: "cases" };
}

function bar({ key, view }) {
  const title = key === null ? null : desk.case.about.title || desk.case.about.number || key;
  const tabs = key === null ? [] : Object.keys(VIEWS).map((name) =>
    h("a", { href: linkTo(key, name), "aria-current": name === view ? "page" : null }, t(`case.tab.${name}`)));
  const skip = h("a.skip", { href: "#", onclick: (event) => { event.preventDefault(); content.focus(); } }, t("app.skip"));
  document.getElementById("top").replaceChildren(skip, h("div.bar", {},
    h("a.brand", { href: "#/" }, t("app.name")),
    title === null ? null : h("span.open-case", {}, title),
    tabs.length ? h("nav", { "aria-label": title }, ...tabs) : null,
    h("span.spacer"),
    h("button.plain", { type: "button", onclick: keysDialog }, t("app.keys")),
    h("a", { href: "/manual/desk", target: "_blank", rel: "noopener" }, t("app.manual"))));
  document.title = title === null ? t("app.name") : `${title} · ${t("app.name")}`;
}

async function show() {
  turn += 1;
  const mine = turn;
  leave?.();
  leave = null;
  calm();
  desk.watchers.clear();
  delete content.dataset.ready;
  const where = address();
  try {
    desk.about ??= await get("/api/desk");
    await openCase(where.key);
    bar(where);
    content.replaceChildren(h("p.lede", {}, t("app.loading")));
    const made = await (where.key === null ? casesView() : VIEWS[where.view](where.number));
    if (mine !== turn) {
      made.leave?.();
      return;
    }
    content.replaceChildren(made.element);
    leave = made.leave ?? null;
    // Who came here by keyboard goes on in what they came for, not in the bar above it.
    if (mine > 1) content.focus({ preventScroll: true });
    made.shown?.();
    content.dataset.ready = where.view;
    // Whoever looks at the list of cases now, chooses soon.
    recipesOffered().catch(() => {});
  } catch (error) {
    if (mine !== turn) return;
    trouble(error);
    desk.key = null;
    content.replaceChildren(h("p.lede", {}, h("a", { href: "#/" }, t("app.cases"))));
    content.dataset.ready = "error";
  }
}

window.addEventListener("hashchange", guarded(show));
window.addEventListener("keydown", (event) => {
  if (event.key === "?" && !event.target.matches("input, textarea, select")) keysDialog();
});
await show();
