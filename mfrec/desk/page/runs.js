// The runs of a case, as they wait, work and end.

import { send } from "./api.js";
import { Choices } from "./choices.js";
import { command, guarded, h, say, when } from "./dom.js";
import { desk, linkTo, progressOf } from "./state.js";
import { t } from "./words.js";

function state(job) {
  const parts = [h("span.state", { class: `is-${job.state}` }, t(`runs.state.${job.state}`))];
  if (job.state === "running") {
    const [, done, total] = job.progress ?? ["", 0, 0];
    parts.push(h("span.note", {}, job.cancelled ? t("runs.cancelling") : progressOf(job)),
      h("progress", { "aria-label": t("runs.state"), max: Math.max(1, total), value: total ? done : null }));
  }
  if (job.message) parts.push(h("span.alarm", {}, job.message));
  return parts;
}

function actions(job) {
  const { paths, key } = desk;
  const link = (text, href, properties = {}) => h("a.button", { href, ...properties }, text);
  const away = { target: "_blank", rel: "noopener" };
  const out = [];
  if (job.state === "waiting" || (job.state === "running" && !job.cancelled)) {
    out.push(h("button", { type: "button", onclick: guarded(() => send("POST", paths.job(job.number, "cancel"))) }, t("runs.cancel")));
  }
  if (job.kind === "reconstruct" && job.state === "done") {
    out.push(link(t("runs.compare"), linkTo(key, "compare", job.number), { class: "primary" }), link(t("runs.report"), paths.file(job.number, "report.html"), away));
    if (job.wanted.pdf) out.push(link(t("runs.pdf"), paths.file(job.number, "report.pdf"), { download: "" }));
    out.push(link(t("runs.record"), paths.file(job.number, "run.json"), away),
      link(t("runs.figures"), paths.figures(job.number), { download: "", title: t("runs.figures.help") }),
      h("button", { type: "button", title: t("runs.registered.help"), onclick: guarded(async () => {
        const { number } = await send("POST", paths.registered(job.number));
        say(t("choose.queued", { number }));
      }) }, t("runs.registered")));
  }
  if (job.kind === "registered" && job.state === "done") {
    out.push(link(t("runs.stack"), paths.file(job.number, "aligned.tiff"), { download: "", class: "primary" }), link(t("runs.record"), paths.file(job.number, "run.json"), away));
  }
  if (job.kind === "reconstruct") {
    out.push(h("button", { type: "button", title: t("choose.again", { number: job.number }), onclick: () => {
      new Choices(job.input).replace(job.wanted);
      location.hash = linkTo(key, "look", job.input);
    } }, t("runs.again")));
  }
  if (job.state !== "waiting") out.push(link(t("runs.log"), paths.job(job.number, "log"), away));
  return out;
}

function card(job) {
  const title = job.kind === "people" ? t("runs.people", { input: job.input })
    : job.kind === "registered" ? t("runs.registered.of", { number: job.number }) : `${t("runs.run")} ${job.number}`;
  return h("article.run", { "aria-label": title, "data-number": job.number, "data-state": job.state },
    h("div.bar-line", {}, h("h2", {}, title), ...state(job), h("span.spacer"), h("span.soft", {}, when(job.started ?? job.created))),
    command(job.command), h("div.bar-line", {}, ...actions(job)));
}

export function runsView() {
  const list = h("div.runs");
  let known = "";
  const fill = (jobs) => {
    const now = JSON.stringify(jobs);
    if (now === known) return;
    known = now;
    const active = document.activeElement;
    const focused = active?.closest?.("article")?.dataset.number;
    list.replaceChildren(...(jobs.length ? jobs.map(card) : [h("p.lede", {}, t("runs.none"))]));
    if (!focused) return;
    // The same button: another one in its place would be pressed for it.
    const offered = [...list.querySelectorAll(`[data-number="${focused}"] :is(button, a, code)`)];
    (offered.find((one) => one.textContent === active.textContent) ?? list.querySelector(`[data-number="${focused}"] code`))?.focus();
  };
  fill(desk.jobs);
  desk.watchers.add(fill);
  return { element: h("div.page", {}, h("h1", {}, t("runs.title")), list) };
}
