// Surveys of a case: what people are asked about, the page that they answer on, and the count.

import { get, send } from "./api.js";
import { field, guarded, h, say, select, what, when } from "./dom.js";
import { desk } from "./state.js";
import { t } from "./words.js";

const PICTURES = ["reconstruction.png", "evidence.png", "reference.png"];

/** "0002/evidence.png" in words. */
function pictureName(method) {
  const [run, file] = method.split("/");
  return t("survey.picture", { run, picture: t(`compare.layer.${file}`) });
}

const people = (count) => (count === 0 ? t("survey.answers.none") : count === 1 ? t("survey.answers.one") : t("survey.answers.many", { count }));

const percent = (share) => Math.round(100 * share);

const shareOf = ({ votes, of, low, high }) => t("survey.share", { votes, of, percent: percent(votes / of), low: percent(low), high: percent(high) });

function opinionOf(opinion) {
  if (!opinion) return "";
  const [mean, low, high] = [opinion.mean, opinion.low, opinion.high].map((value) => value?.toFixed(1));
  return opinion.low === null ? mean : t("survey.opinion", { mean, low, high });
}

function table({ participants, methods, left_out: leftOut }) {
  const person = methods[0].match !== null;
  const columns = ["picture", "quality", ...(person ? ["match"] : []), "opinion"];
  const rows = methods.map((one) => h("tr", {}, h("th", { scope: "row" }, pictureName(one.method)), h("td", {}, shareOf(one.quality)),
    person ? h("td", {}, shareOf(one.match)) : null, h("td", {}, opinionOf(one.opinion))));
  return [h("p.note", {}, t("survey.counted", { answers: people(participants), chance: percent(1 / methods.length) })),
    h("div.wide", { tabindex: 0, role: "region", "aria-label": t("survey.count") }, h("table", {},
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, t(`survey.column.${name}`))))), h("tbody", {}, ...rows))),
    ...leftOut.map((why) => h("p.alarm", {}, t("survey.left_out", { why })))];
}

/** Whom a survey is sent to: who was invited, and one more link. */
function invitations(survey, link, changed) {
  const name = h("input", { maxlength: 200, autocomplete: "off", required: true });
  const form = h("form.inline", { onsubmit: guarded(async (event) => {
    event.preventDefault();
    const invited = name.value.trim();
    const { path } = await send("POST", desk.paths.survey(survey.number, "invitations"), { name: invited });
    const shown = h("input", { readonly: true, value: `${location.origin}${path}`, onfocus: () => shown.select() });
    name.value = "";
    await changed(field(t("survey.invite.link", { name: invited }), shown, t("survey.invite.help")));
  }) }, field(t("survey.invite.name"), name), h("button", { title: t("survey.invite.help") }, t("survey.invite")));
  const rows = survey.invited.map((one) => h("tr", {}, h("th.name", { scope: "row" }, one.name), h("td", {}, t(`survey.invited.${one.state}`)),
    h("td", {}, one.state === "open" && !survey.closed ? h("button", { type: "button", "aria-label": t("survey.withdraw.of", { name: one.name }),
      onclick: guarded(async () => {
        await send("POST", desk.paths.survey(survey.number, `invitations/${one.invitation}/withdraw`));
        await changed();
      }) }, t("survey.withdraw")) : null)));
  return h("div.stack", {}, survey.closed ? null : form, h("div", { role: "status" }, link),
    rows.length ? h("div.wide", { tabindex: 0, role: "region", "aria-label": t("survey.invited") }, h("table", {}, h("tbody", {}, ...rows))) : null);
}

function card(survey, fill, link = null) {
  if (survey.error) return h("article.survey", {}, h("p.alarm", {}, survey.error));
  const title = t("survey.number", { number: survey.number, title: survey.title });
  const counted = h("div.stack", { role: "status" });
  const answered = h("span.note", {}, people(survey.answers));
  const count = guarded(async () => {
    const found = await get(desk.paths.survey(survey.number, "count"));
    answered.textContent = people(found.participants);
    counted.replaceChildren(...table(found));
  });
  const close = guarded(async () => {
    await send("POST", desk.paths.survey(survey.number, "close"));
    await fill();
  });
  return h("article.survey", { "aria-label": title, "data-number": survey.number },
    h("div.bar-line", {}, h("h2", {}, title), answered, survey.closed ? h("span.tag", {}, t("survey.closed", { when: when(survey.closed) })) : null,
      h("span.spacer"), h("span.soft", {}, when(survey.created))),
    h("p.note", {}, survey.methods.map(pictureName).join("; ")),
    h("div.bar-line", {},
      survey.closed ? null : h("a.button.primary", { href: desk.paths.surveyPage(survey.number), target: "_blank", rel: "noopener", title: t("survey.open.help") }, t("survey.open")),
      h("button", { type: "button", title: t("survey.count.help"), onclick: count }, t("survey.count")),
      survey.closed ? null : h("button", { type: "button", title: t("survey.close.help"), onclick: close }, t("survey.close"))),
    invitations(survey, link, (shown) => fill({ [survey.number]: shown })), counted);
}

/** What can be shown of a run; a run without a picture of that name is refused when the survey is made. */
function runBoxes(job) {
  const boxes = PICTURES.map((file) => h("label.check", {},
    h("input", { type: "checkbox", name: "picture", value: `${job.number}/${file}` }), h("span", {}, t(`compare.layer.${file}`))));
  const legend = job.wanted.options.recipe ? `${t("runs.run")} ${job.number}: ${job.wanted.options.recipe}` : `${t("runs.run")} ${job.number}`;
  return h("fieldset.options", {}, h("legend", {}, legend), ...boxes);
}

export async function surveysView() {
  const list = h("div.runs");
  const fill = async (links = {}) => {
    const surveys = await get(desk.paths.surveys);
    list.replaceChildren(...(surveys.length ? surveys.reverse().map((survey) => card(survey, fill, links[survey.number])) : [h("p.lede", {}, t("survey.none"))]));
  };
  const done = desk.jobs.filter((job) => job.kind === "reconstruct" && job.state === "done");
  const title = h("input", { maxlength: 200, autocomplete: "off", value: t("survey.title.default") });
  const photographs = desk.case.inputs.filter((input) => input.kind === "pictures");
  let person = "";
  const form = h("form.panel.stack", { onsubmit: guarded(async (event) => {
    event.preventDefault();
    const pictures = new FormData(form).getAll("picture").map((method) => {
      const [run, file] = method.split("/");
      return { run, picture: file };
    });
    const { number } = await send("POST", desk.paths.surveys, { title: title.value.trim(), pictures, person: person || null });
    say(t("survey.made", { number }));
    await fill();
  }) }, h("h2", {}, t("survey.new")), field(t("survey.title.field"), title),
  h("h3", {}, t("survey.pictures")), ...done.map(runBoxes),
  field(t("survey.person"), select([[null, [["", t("survey.person.none")], ...photographs.map((input) => [input.number, `${input.number}: ${input.name}`])]]], "",
    (value) => { person = value; }), t("survey.person.help")),
  h("button.primary", {}, t("survey.make")));
  await fill();
  return {
    element: h("div.page", {}, h("h1", {}, t("survey.title"), " ", what(t("survey.title"), "desk", "ask-several-people")), h("p.lede", {}, t("survey.lede")),
      h("div.columns", {}, h("section.main", {}, list), h("aside", {}, done.length ? form : h("p.note", {}, t("survey.no_runs"))))),
  };
}
