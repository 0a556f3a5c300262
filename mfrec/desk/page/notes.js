// The copies with marks of a case.

import { h, when } from "./dom.js";
import { desk, refreshed } from "./state.js";
import { t } from "./words.js";

export async function notesView() {
  const { drawn } = await refreshed();
  const cards = drawn.map((note) => h("figure.note-card", {},
    h("a", { href: desk.paths.note(note.name), target: "_blank", rel: "noopener" },
      h("img", { src: desk.paths.note(note.name), alt: t("note.of", { picture: note.picture, run: note.run }), loading: "lazy" })),
    h("figcaption", {}, h("b", {}, `notes/${note.name}.png`), h("span.soft", {}, ` ${when(note.created)}`),
      h("div", {}, t("note.of", { picture: note.picture, run: note.run })), note.text ? h("div", {}, note.text) : null)));
  return { element: h("div.page", {}, h("h1", {}, t("note.list")), cards.length ? h("div.note-cards", {}, ...cards) : h("p.lede", {}, t("note.none"))) };
}
