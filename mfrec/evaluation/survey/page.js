"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const store = `mfrec-survey-${data.survey}`;

  // Whole numbers below n, each equally likely: values beyond the last full multiple are drawn again.
  function below(n) {
    const limit = Math.floor(2 ** 32 / n) * n;
    const box = new Uint32Array(1);
    do crypto.getRandomValues(box); while (box[0] >= limit);
    return box[0] % n;
  }

  function shuffled(list) {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = below(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  function fresh() {
    const box = new Uint32Array(2);
    crypto.getRandomValues(box);
    return {
      participant: [...box].map((value) => value.toString(16).padStart(8, "0")).join(""),
      order: shuffled(data.cases).map((one) => ({
        case: one.token,
        shown: shuffled(one.pictures).map((picture) => picture.token),
      })),
      answers: {},
      place: -1,
    };
  }

  function restored() {
    try {
      return JSON.parse(localStorage.getItem(store));
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      localStorage.setItem(store, JSON.stringify(state));
    } catch {
      // A browser that keeps nothing loses answers on reload, and nothing else.
    }
  }

  let state = restored() || fresh();
  let since = Date.now();

  function radio(name, value, text, checked) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name, value, checked });
    label.append(input, ` ${text}`);
    return label;
  }

  function drawCase() {
    const turn = state.order[state.place];
    const one = data.cases.find((item) => item.token === turn.case);
    const given = state.answers[turn.case] || { opinion: {} };
    element("progress").textContent = `Person ${state.place + 1} of ${state.order.length}`;
    element("person").src = one.person;
    element("pictures").replaceChildren(...turn.shown.map((token, i) => {
      const letter = String.fromCharCode(65 + (i % 26)) + (i < 26 ? "" : Math.floor(i / 26));
      const figure = document.createElement("figure");
      figure.dataset.token = token;
      const image = document.createElement("img");
      image.src = one.pictures.find((picture) => picture.token === token).picture;
      image.alt = `Picture ${letter}`;
      const caption = document.createElement("figcaption");
      caption.textContent = letter;
      const opinion = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = `Opinion of ${letter}, 1 bad to 5 excellent`;
      opinion.append(legend, ...[1, 2, 3, 4, 5].map((score) =>
        radio(`opinion-${token}`, score, score, given.opinion[token] === score)));
      figure.append(image, caption,
        radio("quality", token, "highest quality", given.quality === token),
        radio("match", token, "best match of the person", given.match === token), opinion);
      return figure;
    }));
    element("back").disabled = state.place === 0;
    since = Date.now();
    read();
    scrollTo(0, 0);
  }

  // What is chosen goes into the state at once, so that a closed page loses nothing.
  function read() {
    const turn = state.order[state.place];
    const form = new FormData(element("case"));
    const before = state.answers[turn.case];
    const answer = { quality: form.get("quality"), match: form.get("match"), opinion: {}, seconds: before ? before.seconds : 0 };
    for (const token of turn.shown) {
      const score = form.get(`opinion-${token}`);
      if (score !== null) answer.opinion[token] = Number(score);
    }
    answer.seconds += (Date.now() - since) / 1000;
    since = Date.now();
    state.answers[turn.case] = answer;
    const missing = [];
    if (!answer.quality) missing.push("highest quality");
    if (!answer.match) missing.push("best match");
    const scores = turn.shown.length - Object.keys(answer.opinion).length;
    if (scores) missing.push(`${scores} opinion${scores > 1 ? "s" : ""}`);
    element("open").textContent = missing.length ? `still to answer: ${missing.join(", ")}` : "";
    keep();
    return missing.length === 0;
  }

  function show() {
    const running = state.place >= 0 && state.place < state.order.length;
    element("intro").hidden = state.place >= 0;
    element("case").hidden = !running;
    element("end").hidden = state.place < state.order.length;
    if (running) drawCase();
    keep();
  }

  function result() {
    return {
      schema: data.schema,
      survey: data.survey,
      participant: state.participant,
      answers: state.order.map((turn) => ({ case: turn.case, shown: turn.shown, ...state.answers[turn.case] })),
    };
  }

  element("count").textContent = data.cases.length;
  element("start").addEventListener("click", () => { state.place = 0; show(); });
  element("case").addEventListener("change", read);
  element("case").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!read()) return;
    state.place += 1;
    show();
  });
  element("back").addEventListener("click", () => { read(); state.place -= 1; show(); });
  element("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(result(), null, 1)], { type: "application/json" }));
    link.download = `answers-${state.participant}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  element("again").addEventListener("click", () => {
    if (!confirm("The answers on this computer are forgotten. Are they saved?")) return;
    state = fresh();
    show();
  });
  show();
  document.documentElement.dataset.ready = "";
})();
