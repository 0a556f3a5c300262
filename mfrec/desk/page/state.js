// What all views share: the desk, and of the open case its content, its jobs and who watches them.

import { casePaths, get } from "./api.js";
import { calm, say, trouble } from "./dom.js";
import { t } from "./words.js";

export const desk = { about: null, key: null, case: null, jobs: [], paths: null, watchers: new Set() };

let events = null;

/** The address of a view of a case. */
export const linkTo = (key, view = "case", number = "") =>
  `#/case/${[key, ...(view === "case" && !number ? [] : [view]), ...(number ? [number] : [])].map(encodeURIComponent).join("/")}`;

/** Read a case, and listen to its jobs from now on; null closes the open one. */
export async function openCase(key) {
  if (desk.key === key) return;
  events?.close();
  Object.assign(desk, { key, paths: key === null ? null : casePaths(key), case: null, jobs: [] });
  if (key === null) return;
  await refreshed();
  desk.jobs = desk.case.jobs;
  listen();
}

/** Hear of the jobs of the open case, unless nobody looks: a browser keeps few connections open for all its windows. */
function listen() {
  events?.close();
  if (desk.key === null || document.hidden) return;
  events = new EventSource(desk.paths.events);
  // A browser tries again by itself; what is shown of the jobs is old meanwhile.
  let lost = false;
  events.onerror = () => {
    lost = true;
    trouble(new Error(t("app.offline")));
  };
  events.onopen = () => {
    if (lost) calm();
    lost = false;
  };
  events.onmessage = (event) => {
    const states = new Map(desk.jobs.map((job) => [job.number, job.state]));
    desk.jobs = JSON.parse(event.data);
    for (const job of desk.jobs) {
      if (states.get(job.number) !== job.state) {
        say(t("runs.announce", { number: job.number, state: t(`runs.state.${job.state}`) }));
      }
    }
    for (const watcher of desk.watchers) watcher(desk.jobs);
  };
}

document.addEventListener("visibilitychange", listen);

/** Read the open case again after it was changed. */
export async function refreshed() {
  desk.case = await get(desk.paths.base);
  return desk.case;
}

/** How far a job is, in words. */
export function progressOf(job) {
  if (!job.progress) return t("runs.starting");
  const [stage, done, total] = job.progress;
  return t("runs.progress", { stage, done, total });
}

let offered = null;

/** The recipes that are offered, asked for once: the desk has to look at every stage for them. */
export function recipesOffered() {
  offered ??= get("/api/recipes").catch((error) => {
    offered = null;
    throw error;
  });
  return offered;
}
