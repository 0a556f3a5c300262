// What can be laid on the grid of a result: its pictures, its maps, the share of a frame, a frame as it is.

import { bitmap, get } from "./api.js";
import { desk } from "./state.js";
import { worded, t } from "./words.js";

const PICTURES = ["reconstruction.png", "evidence.png", "reference.png", "levels.png"];
const MAPS = ["sources", "observed", "uncertainty"];

const summaries = new Map();

/** What a run says of itself. */
export async function summaryOf(number) {
  const path = desk.paths.run(number);
  if (!summaries.has(path)) summaries.set(path, await get(path));
  return summaries.get(path);
}

/** The layers of a run, as groups of a select. */
export function layersOf(summary) {
  const named = (key) => [key, t(`compare.layer.${key}`)];
  return [
    [t("compare.group.pictures"), PICTURES.filter((name) => summary.files.includes(name)).map(named)],
    [t("compare.group.maps"), MAPS.map(named)],
    [t("compare.group.shares"), summary.used.map((used, position) => [`share ${position}`, t("compare.layer.share", { name: used.name })])],
    [t("compare.group.frames"), summary.canvas ? summary.used.map((used, position) => [`frame ${position}`, t("compare.layer.frame", { name: used.name })]) : []],
  ];
}

/** The name of a layer. */
export function layerName(summary, layer) {
  const [kind, position] = layer.split(" ");
  const key = `compare.layer.${position === undefined ? layer : kind}`;
  return worded(key) ? t(key, position === undefined ? {} : { name: summary.used[Number(position)]?.name }) : layer;
}

/** The picture of a layer, on the grid of the result. */
export async function layerPicture(summary, layer, input) {
  const [kind, position] = layer.split(" ");
  const { paths } = desk;
  if (PICTURES.includes(layer)) return bitmap(paths.file(summary.number, layer));
  if (kind === "share") return bitmap(paths.map(summary.number, "share", Number(position)));
  if (kind === "frame") return frameOnGrid(summary, summary.used[Number(position)], input);
  return bitmap(paths.map(summary.number, layer));
}

/** The rectangle of the result in a frame of its own, every pixel as a square. */
async function frameOnGrid(summary, used, input) {
  const number = used.name.includes("#") ? parseInt(used.name.slice(used.name.lastIndexOf("#") + 1), 10) : used.index;
  const frame = await bitmap(desk.paths.frame(input, number));
  const { x0, y0, width, height, scale } = summary.canvas;
  const canvas = new OffscreenCanvas(width * scale, height * scale);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(frame, x0, y0, width, height, 0, 0, width * scale, height * scale);
  return createImageBitmap(canvas);
}

/** |a - b| times a gain, per channel, where both are. */
export function differenceOf(a, b, gain) {
  const width = Math.min(a.width, b.width);
  const height = Math.min(a.height, b.height);
  const samples = [a, b].map((picture) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, width, height).data;
  });
  const out = new ImageData(width, height);
  for (let i = 0; i < out.data.length; i += 4) {
    for (let c = 0; c < 3; c += 1) out.data[i + c] = Math.min(255, gain * Math.abs(samples[0][i + c] - samples[1][i + c]));
    out.data[i + 3] = 255;
  }
  return createImageBitmap(out);
}
