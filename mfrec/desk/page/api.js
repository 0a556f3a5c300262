// What the page asks the desk. An answer that refuses becomes an error with the desk's sentence.

import { t } from "./words.js";

async function answered(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("app.offline"));
  }
  if (response.ok) return response;
  let said = null;
  try {
    said = await response.json();
  } catch {
    // No document: the status is all there is.
  }
  throw new Error(said?.error ?? `${response.status} ${response.statusText}`);
}

export const get = async (path, signal) => (await answered(path, { signal })).json();

export const blob = async (path, signal) => (await answered(path, { signal })).blob();

export async function send(method, path, value, signal) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  return (await answered(path, { method, body, signal, headers: { "Content-Type": "application/json" } })).json();
}

/** Send a file as it is, in a stream; tells how far it is. */
export function upload(path, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(1, event.total));
    request.onerror = () => reject(new Error(t("app.offline")));
    request.onload = () => {
      let said = null;
      try {
        said = JSON.parse(request.responseText);
      } catch {
        said = { error: `${request.status} ${request.statusText}` };
      }
      if (request.status < 300) resolve(said);
      else reject(new Error(said.error));
    };
    request.send(file);
  });
}

const decoded = (data) => createImageBitmap(data, { colorSpaceConversion: "none", premultiplyAlpha: "none" });

/** A picture, decoded as it is stored. */
export const bitmap = async (path, signal) => decoded(await blob(path, signal));

/** Which frame is soonest seen, one that is asked for or an earlier one, and its picture, which is being decoded. */
export async function nearBitmap(path) {
  const response = await answered(`${path}&near=1`);
  return { frame: Number(response.headers.get("X-Frame")), picture: decoded(await response.blob()) };
}

const part = encodeURIComponent;

/** Where a participant of a survey is asked: at the desk, or behind a link of their own. */
export function surveyPaths(page) {
  const [place, ...names] = page.split("/").slice(1).map(decodeURIComponent);
  const base = place === "invited" ? `/invited/${part(names[0])}` : `${casePaths(names[0]).base}/surveys/${part(names[1])}`;
  return { link: place === "invited", question: `${base}/question`, picture: (name) => `${base}/pictures/${part(name)}`, answers: `${base}/answers` };
}

/** The addresses of a case. */
export function casePaths(key) {
  const base = `/api/cases/${part(key)}`;
  return {
    base,
    events: `${base}/events`,
    upload: (name, into) => `${base}/inputs?name=${part(name)}${into ? `&into=${part(into)}` : ""}`,
    inPlace: `${base}/inputs-in-place`,
    input: (number, what) => `${base}/inputs/${part(number)}/${what}`,
    frame: (number, frame, width = 0) => `${base}/inputs/${part(number)}/frames/${frame}${width ? `?width=${width}` : ""}`,
    command: `${base}/command`,
    masks: `${base}/masks`,
    runs: `${base}/runs`,
    run: (number) => `${base}/runs/${part(number)}`,
    file: (number, name) => `${base}/runs/${part(number)}/files/${part(name)}`,
    figures: (number) => `${base}/runs/${part(number)}/figures`,
    registered: (number) => `${base}/runs/${part(number)}/registered`,
    map: (number, name, frame = null) => `${base}/runs/${part(number)}/maps/${part(name)}${frame === null ? "" : `?frame=${frame}`}`,
    pixel: (number, x, y) => `${base}/runs/${part(number)}/pixel?x=${x}&y=${y}`,
    notes: (number) => `${base}/runs/${part(number)}/notes`,
    surveys: `${base}/surveys`,
    survey: (number, what) => `${base}/surveys/${part(number)}/${what}`,
    surveyPage: (number) => `/survey/${part(key)}/${part(number)}`,
    note: (name) => `${base}/notes/${part(name)}`,
    job: (number, what) => `${base}/jobs/${part(number)}/${what}`,
  };
}
