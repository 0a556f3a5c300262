// The list of keys.

import { h } from "./dom.js";
import { t } from "./words.js";

const LISTS = {
  player: [["← →", "step"], ["Shift ← →", "jump"], ["J K L", "jkl"], ["Space", "space"], ["Home End", "ends"], ["I O", "inout"],
    ["R", "reference"], ["X", "leave"], ["C", "cross"], ["Enter", "draw"], ["+ − 0", "zoom"]],
  compare: [["1 2 3 4", "modes"], ["← → ↑ ↓", "pan"], ["Enter", "fix"], ["+ − 0", "zoom"]],
};

export function keysDialog() {
  const lists = Object.entries(LISTS).map(([name, rows]) => h("section", {}, h("h3", {}, t(`keys.${name}`)),
    h("dl.keys", {}, ...rows.map(([keys, meaning]) => h("div", {},
      h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, t(`keys.${meaning}`)))))));
  const dialog = h("dialog", { "aria-label": t("keys.title") },
    h("h2", {}, t("keys.title")), ...lists,
    h("form", { method: "dialog" }, h("button", {}, t("app.close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
