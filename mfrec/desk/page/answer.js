// One person's answer to a survey. This page is given pictures by tokens, and nothing that says what they stand for.

import { get, send, surveyPaths } from "./api.js";
import { field, guarded, h, trouble } from "./dom.js";
import { t } from "./words.js";

/** Pixels of the screen that a picture is about wide; each of its own is a square. */
const WIDE = 320;

const content = document.getElementById("content");
const paths = surveyPaths(location.pathname);

function picture(name, alt) {
  const image = h("img", { alt, onload: () => { image.width = image.naturalWidth * Math.max(1, Math.round(WIDE / image.naturalWidth)); } });
  image.src = paths.picture(name);
  return image;
}

const radio = (name, value, text) => h("label.check", {}, h("input", { type: "radio", name, value, required: true }), h("span", {}, text));

function card(token, place, person) {
  const letter = String.fromCharCode(65 + place);
  const name = t("answer.picture", { letter });
  return h("figure", { "data-token": token, role: "group", "aria-label": name }, picture(token, name), h("figcaption", {}, letter),
    radio("quality", token, t("answer.quality")), person ? radio("match", token, t("answer.match")) : null,
    h("fieldset.scores", {}, h("legend", {}, t("answer.opinion", { letter })), ...[1, 2, 3, 4, 5].map((score) => radio(token, score, score))));
}

function ask(question) {
  const participant = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const shown = question.pictures;
  const began = performance.now();
  const name = h("input", { maxlength: 200, autocomplete: "off" });
  const form = h("form", { onsubmit: guarded(async (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    const opinion = Object.fromEntries(shown.map((token) => [token, Number(chosen.get(token))]));
    const given = { seconds: (performance.now() - began) / 1000, answer: { shown, quality: chosen.get("quality"), match: chosen.get("match"), opinion } };
    // Whose answer it is, a link says by itself.
    await send("POST", paths.answers, paths.link ? given : { ...given, participant, name: name.value.trim() });
    thank();
  }) },
  h("div.board", {}, question.person ? h("figure.person", {}, picture("person", t("answer.person")), h("figcaption", {}, t("answer.person"))) : null,
    ...shown.map((token, place) => card(token, place, question.person))),
  h("div.turn", {}, paths.link ? h("p", {}, t("answer.for", { name: question.name })) : field(t("answer.name"), name), h("button.primary", {}, t("answer.send"))));
  content.replaceChildren(h("h1", {}, question.title), h("p.lede", {}, t(question.person ? "answer.lede.person" : "answer.lede")), form);
  content.dataset.ready = "question";
}

function thank() {
  content.replaceChildren(h("h1", {}, t("answer.thanks")), h("p.lede", { role: "status" }, t(paths.link ? "answer.kept.link" : "answer.kept")));
  if (!paths.link) content.append(h("p", {}, h("button", { type: "button", onclick: guarded(begin) }, t("answer.again"))));
  content.dataset.ready = "thanks";
  content.focus();
}

async function begin() {
  const question = await get(paths.question);
  document.title = question.title;
  ask(question);
}

try {
  await begin();
} catch (error) {
  trouble(error);
  content.dataset.ready = "error";
}
