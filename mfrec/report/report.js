"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const data = JSON.parse($("data").textContent);
  document.documentElement.classList.remove("still");

  function element(tag, className, ...children) {
    // Text becomes text nodes: a file name can never turn into markup.
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  }

  // ---- Zoom: one picture pixel is k by k pixels of the screen, whatever the screen's own scaling. ----
  // "fit" is for a picture that is wider than its box at one to one: as wide as the box, and no longer hard squares.
  const zoom = {}, units = {};
  function setZoom(group, k) {
    zoom[group] = k;
    setUnit(group, k === "fit" ? fitting(group) : k / (window.devicePixelRatio || 1), k === "fit");
    const button = document.querySelector(`[data-zoom="${group}"] input[value="${k}"]`);
    if (button) button.checked = true;
  }
  function fitting(group) {
    setUnit(group, 1 / (window.devicePixelRatio || 1), false);
    const room = all(`img[data-of="${group}"]`).map((picture) => picture.closest(".scroll").clientWidth).filter((width) => width > 0);
    return Math.min(units[group], ...room.map((width) => width / data.width));
  }
  function setUnit(group, unit, shrunk) {
    units[group] = unit;
    for (const picture of all(`[data-of="${group}"]`)) {
      // Originals have sizes of their own. All others show the canvas, though one with words in it has more pixels.
      const own = group === "original" && picture.naturalWidth;
      const width = own ? picture.naturalWidth : data.width, height = own ? picture.naturalHeight : data.height;
      picture.style.width = `${width * unit}px`;
      picture.style.height = `${height * unit}px`;
      picture.classList.toggle("shrunk", shrunk || picture.naturalWidth > width * unit * (window.devicePixelRatio || 1));
    }
    for (const box of all(`[data-width="${group}"]`)) box.style.width = `${data.width * unit}px`;
  }
  for (const box of all("[data-zoom]")) {
    box.addEventListener("change", (event) => { setZoom(box.dataset.zoom, event.target.value === "fit" ? "fit" : Number(event.target.value)); drawCross(); });
  }
  const largest = (room, steps) => steps.filter((k) => k * data.width / (window.devicePixelRatio || 1) <= room).pop() || 1;

  // ---- The line between reference and result. ----
  const compare = $("compare"), cut = $("cut");
  function setCut(percent) {
    const value = Math.min(100, Math.max(0, percent));
    cut.value = String(value);
    compare.style.setProperty("--cut", `${value}%`);
    cut.setAttribute("aria-valuetext", `${Math.round(value)} percent reference, the rest result`);
  }
  cut.addEventListener("input", () => setCut(Number(cut.value)));
  function cutAt(event) {
    const box = compare.getBoundingClientRect();
    setCut((event.clientX - box.left) / box.width * 100);
  }
  compare.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    compare.setPointerCapture(event.pointerId);
    cutAt(event);
  });
  compare.addEventListener("pointermove", (event) => { if (compare.hasPointerCapture(event.pointerId)) cutAt(event); });

  function setRight(which) {
    for (const figure of all("#compare .over")) {
      figure.hidden = figure.dataset.right !== which;
      if (!figure.hidden) $("right-name").replaceChildren(...figure.querySelector("figcaption").cloneNode(true).childNodes);
    }
  }
  for (const box of all('[data-pick="right"]')) box.addEventListener("change", (event) => setRight(event.target.value));

  // ---- The numbers under the pointer. ----
  const pixels = data.columns * data.rows;
  let uncertainty = null, region = null, observed = null, share = null;

  async function unpack() {
    const packed = Uint8Array.from(atob(data.planes), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const view = new DataView(bytes.buffer);
    uncertainty = Float32Array.from({ length: pixels }, (_, i) => view.getUint16(2 * i, true) / 100);
    region = bytes.subarray(2 * pixels, 3 * pixels);
    observed = bytes.subarray(3 * pixels, 4 * pixels);
    share = data.frames.map((_, n) => bytes.subarray((4 + n) * pixels, (5 + n) * pixels));
  }

  const TOP = 4;
  let place = null, held = false;

  function read(x, y) {
    const i = Math.min(data.rows - 1, Math.floor(y / data.step)) * data.columns + Math.min(data.columns - 1, Math.floor(x / data.step));
    const parts = share.map((plane, n) => ({ frame: data.frames[n], part: plane[i] })).sort((a, b) => b.part - a.part);
    const total = parts.reduce((sum, p) => sum + p.part, 0);
    const out = [];
    const where = element("p", "where", `x ${x}, y ${y} `);
    where.append(element("span", "", data.regions[region[i]] || ""), held ? element("span", "", " (held)") : "");
    out.push(where);
    if (total === 0) {
      out.push(element("p", "hint", "No frame saw this pixel."));
    } else {
      const table = element("table"), body = element("tbody");
      table.append(body);
      for (const { frame, part } of parts.slice(0, TOP).filter((p) => p.part > 0)) {
        const swatch = element("i", "swatch"), fill = element("i"), meter = element("span", "meter", fill);
        swatch.style.background = fill.style.background = frame.colour;
        fill.style.width = `${part / total * 100}%`;
        const name = element("span", "name", swatch, element("span", "n", String(frame.index)), element("bdi", "", frame.name));
        name.title = frame.name;
        body.append(element("tr", "", element("td", "", name, meter), element("td", "v", `${Math.round(part / total * 100)} %`)));
      }
      const rest = parts.slice(TOP).reduce((sum, p) => sum + p.part, 0);
      if (rest > 0) {
        body.append(element("tr", "", element("td", "", `${parts.slice(TOP).filter((p) => p.part > 0).length} more frames`), element("td", "v", `${Math.round(rest / total * 100)} %`)));
      }
      out.push(table);
    }
    const numbers = element("dl");
    numbers.append(
      element("dt", "", "Uncertainty"), element("dd", "", `± ${uncertainty[i].toFixed(1)} grey levels`),
      element("dt", "", "Measured"), element("dd", "", `${Math.round(observed[i] / 2.55)} %`));
    out.push(numbers);
    if (data.step > 1) out.push(element("p", "note", `Numbers are kept for every ${data.step}th pixel.`));
    $("readout").replaceChildren(...out);
  }

  function drawCross() {
    const unit = units.maps;
    for (const stage of all(".stage")) {
      stage.classList.toggle("placed", place !== null);
      if (place === null) continue;
      stage.querySelector(".v").style.left = `${(place.x + 0.5) * unit}px`;
      stage.querySelector(".h").style.top = `${(place.y + 0.5) * unit}px`;
    }
  }

  function go(x, y) {
    place = { x: Math.min(data.width - 1, Math.max(0, x)), y: Math.min(data.height - 1, Math.max(0, y)) };
    if (share !== null) read(place.x, place.y);
    drawCross();
  }

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function at(event) {
    const box = event.currentTarget.getBoundingClientRect();
    go(Math.floor((event.clientX - box.left) / box.width * data.width), Math.floor((event.clientY - box.top) / box.height * data.height));
  }
  for (const stage of all(".stage")) {
    stage.addEventListener("pointermove", (event) => { if (!held) at(event); });
    stage.addEventListener("pointerdown", (event) => { held = !held; at(event); });
    stage.addEventListener("focus", () => { if (place === null) go(data.width >> 1, data.height >> 1); });
    stage.addEventListener("keydown", (event) => {
      if (event.key in MOVES) {
        const [dx, dy] = MOVES[event.key], stride = event.shiftKey ? 10 : 1;
        const from = place || { x: data.width >> 1, y: data.height >> 1 };
        go(from.x + dx * stride, from.y + dy * stride);
      } else if (event.key === "Enter" || event.key === " ") {
        held = !held;
        if (place !== null) go(place.x, place.y);
      } else if (event.key === "Escape") {
        held = false;
        if (place !== null) go(place.x, place.y);
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  // ---- The share of one frame alone, in place of the main source. ----
  const canvas = $("share"), shareTitle = $("map-sources-title"), shareNote = $("share-note");
  const mainTitle = shareTitle.textContent, mainNote = shareNote.textContent;
  function showFrame(n) {
    for (const button of all("#legend button")) button.setAttribute("aria-pressed", String(Number(button.dataset.frame) === n));
    canvas.hidden = n === null;
    shareTitle.textContent = n === null ? mainTitle : `Share of frame ${data.frames[n].index}`;
    shareNote.textContent = n === null ? mainNote : "black 0 %, white 100 % of the pixel";
    if (n === null) return;
    canvas.width = data.columns;
    canvas.height = data.rows;
    const context = canvas.getContext("2d"), picture = context.createImageData(data.columns, data.rows);
    for (let i = 0; i < pixels; i++) {
      picture.data.fill(share[n][i], 4 * i, 4 * i + 3);
      picture.data[4 * i + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }
  for (const button of all("#legend button")) {
    button.addEventListener("click", () => {
      if (share !== null) showFrame(button.getAttribute("aria-pressed") === "true" ? null : Number(button.dataset.frame));
    });
  }

  // ---- An original at true pixels. ----
  const dialog = $("original"), original = $("original-picture");
  for (const button of all(".thumb")) {
    button.addEventListener("click", () => {
      const picture = button.querySelector("img");
      original.src = picture.src;
      $("original-name").textContent = picture.dataset.name;
      $("original-sha").textContent = picture.dataset.sha;
      dialog.showModal();
      original.decode().then(() => {
        const side = Math.max(original.naturalWidth, original.naturalHeight);
        setZoom("original", [1, 2, 4, 8].filter((k) => k * side <= 520).pop() || 1);
      });
    });
  }
  $("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // ---- Start. ----
  function offerFit(group) {
    const wider = fitting(group) < 1 / (window.devicePixelRatio || 1);
    document.querySelector(`[data-zoom="${group}"] .fit-choice`).hidden = !wider && zoom[group] !== "fit";
    return wider;
  }
  function layOut() {
    for (const group of Object.keys(zoom)) {
      if (group !== "original") offerFit(group);
      setZoom(group, zoom[group]);
    }
    drawCross();
  }
  const room = document.documentElement.clientWidth - 56;
  for (const [group, side] of [["compare", 640], ["answers", 560], ["maps", 280]]) {
    if (document.querySelector(`[data-zoom="${group}"]`)) setZoom(group, offerFit(group) ? "fit" : largest(Math.min(side, room), [1, 2, 3, 4]));
  }
  setRight("image");
  setCut(50);
  window.addEventListener("resize", layOut);
  unpack().then(() => {
    document.documentElement.dataset.ready = "yes";
    if (place !== null) go(place.x, place.y);
  }, () => {
    $("readout").replaceChildren(element("p", "hint", "This browser cannot unpack the numbers (it lacks DecompressionStream). The pictures and tables are complete."));
  });
})();
