// One case: what it is about, and its originals.

import { get, send, upload } from "./api.js";
import { aboutFields } from "./cases.js";
import { bytes, field, guarded, h, say, what } from "./dom.js";
import { ledgerPanel } from "./signing.js";
import { desk, linkTo, refreshed } from "./state.js";
import { t } from "./words.js";

const PICTURE = /\.(jpe?g|jpe|jfif|png|tiff?|bmp|webp|p[bgp]m|jp2|avif|hei[cf])$/i;

function inputCard(given) {
  const said = h("p.note", { role: "status" });
  const check = guarded(async () => {
    const { changed } = await get(desk.paths.input(given.number, "check"));
    said.textContent = changed.length ? t("case.check.changed", { names: changed.join(", ") }) : t("case.check.same");
    said.classList.toggle("alarm", changed.length > 0);
  });
  const rows = given.files.slice(0, 50).map((file) => h("tr", {},
    h("th.name", { scope: "row" }, file.name), h("td.r", {}, bytes(file.bytes)),
    h("td.hash", {}, h("div", {}, file.sha256), h("div.soft", {}, file.md5))));
  const more = given.files.length > rows.length ? h("p.note", {}, t("case.files", { count: given.files.length })) : null;
  return h("section.input", { "aria-label": given.name },
    h("div.bar-line", {},
      h("h3.name", {}, `${t("case.input")} ${given.number}: ${given.name}`),
      h("span.tag", {}, t(given.in_place ? "case.in_place" : "case.stored")),
      h("span.spacer"),
      h("button", { type: "button", onclick: check }, t("case.check")),
      h("a.button.primary", { href: linkTo(desk.key, "look", given.number) }, t("case.look"))),
    h("div.wide", { tabindex: 0, role: "region", "aria-label": given.name }, h("table.files", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("case.file")), h("th.r", { scope: "col" }, t("case.size")),
        h("th", { scope: "col" }, `${t("case.sha256")}, ${t("case.md5")}`))),
      h("tbody", {}, ...rows))), more, said);
}

export async function caseView() {
  await refreshed();
  const { fields, read } = aboutFields(desk.case.about);
  const form = h("form.panel.stack", {
    onsubmit: guarded(async (event) => {
      event.preventDefault();
      const { revision } = await send("PUT", desk.paths.base, { about: read(), revision: desk.case.revision });
      desk.case.revision = revision;
      say(t("case.saved"));
      saved.textContent = t("case.saved");
    }),
  }, h("h2", {}, t("case.about")), ...fields, h("button", {}, t("case.save")));
  const saved = h("span.note", {});
  form.append(saved);

  const list = h("div.inputs");
  const progress = h("ul.uploads", { "aria-live": "polite" });
  const fill = () => list.replaceChildren(...(desk.case.inputs.length
    ? desk.case.inputs.map((given) => inputCard(given)) : [h("p.lede", {}, t("case.none"))]));

  /** Every video by itself, pictures together. */
  const take = guarded(async (files) => {
    let into = null;
    for (const file of [...files].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }))) {
      const line = h("li", {}, t("case.uploading", { name: file.name, percent: 0 }));
      progress.append(line);
      try {
        const given = await upload(desk.paths.upload(file.name, PICTURE.test(file.name) ? into : null), file, (share) => {
          line.textContent = share < 1 ? t("case.uploading", { name: file.name, percent: Math.floor(100 * share) })
            : t("case.hashing", { name: file.name });
        });
        if (given.kind === "pictures") into = given.number;
        line.textContent = t("case.added", { name: file.name });
      } catch (error) {
        line.textContent = error.message;
        line.classList.add("alarm");
      }
    }
    await refreshed();
    fill();
  });
  const chooser = h("input", { type: "file", multiple: true, onchange: () => { take(chooser.files); chooser.value = ""; } });
  const drop = h("div.drop", {
    ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); },
    ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files); },
  }, h("label", {}, `${t("case.drop")} ${t("case.choose")}`, chooser));
  const path = h("input", { autocomplete: "off", spellcheck: "false" });
  const place = desk.about.here_alone ? h("form.inline", {
    onsubmit: guarded(async (event) => {
      event.preventDefault();
      await send("POST", desk.paths.inPlace, { path: path.value });
      path.value = "";
      await refreshed();
      fill();
    }),
  }, field(t("case.place"), path, t("case.place.lede")), h("button", {}, t("case.place.open"))) : null;
  fill();
  return {
    element: h("div.page", {},
      h("h1", {}, desk.case.about.title || desk.case.about.number || desk.key),
      h("p.lede", {}, `${t("case.folder")} `, h("code", {}, `${desk.about.folder}/${desk.key}`)),
      h("div.columns", {}, h("section.main", {},
        h("h2", {}, t("case.inputs"), " ", what(t("case.inputs"), "index")), h("p.lede", {}, t("case.inputs.lede")),
        drop, place, progress, list, await ledgerPanel()), h("aside", {}, form))),
  };
}
