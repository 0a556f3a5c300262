// Signatures of a run, and what is said of its files.

import { get, send } from "./api.js";
import { field, guarded, h, select, what } from "./dom.js";
import { desk } from "./state.js";
import { t } from "./words.js";

/** Sign and verify, for one run. */
export function signingPanel(number) {
  const said = h("div.stack", { role: "status" });
  const check = guarded(async () => {
    const { code, files } = await get(`${desk.paths.run(number)}/verify`);
    said.replaceChildren(h("p", { class: code ? "alarm" : "" }, t(`sign.code.${[0, 1].includes(code) ? code : "other"}`)),
      h("ul.verified", {}, ...files.map((file) => h("li", {}, fileName(number, file), " ", h("span", {}, file.status), h("small", {}, file.detail)))));
  });
  return h("section", {}, h("h3", {}, t("sign.title"), " ", what(t("sign.title"), "custody")),
    h("div.bar-line", {}, h("button", { type: "button", onclick: guarded(() => signDialog(number, check)) }, t("sign.sign")),
      h("button", { type: "button", onclick: check }, t("sign.verify"))), said);
}

/** The name of a file; of one that is handed on as it is, a link to save it. */
function fileName(number, { name }) {
  return /\.(signed|stamped)\.(pdf|png)$/.test(name) ? h("a.name", { href: `${desk.paths.file(number, name)}?download=1`, download: "" }, name) : h("b.name", {}, name);
}

async function signDialog(number, done) {
  const { installed, keys } = await get("/api/keys");
  const passphrase = h("input", { type: "password", autocomplete: "off", required: true });
  const reason = h("input", { maxlength: 500, autocomplete: "off" });
  const wrong = h("p.alarm", { role: "alert" });
  let key = keys[0]?.name;
  const close = h("button", { type: "button", onclick: () => dialog.close() }, t("app.close"));
  const form = h("form.stack", {
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        await send("POST", `${desk.paths.run(number)}/sign`, { key, passphrase: passphrase.value, reason: reason.value.trim() });
        dialog.close();
        done();
      } catch (error) {
        wrong.textContent = error.message;
      }
    },
  }, field(t("sign.key"), select([[null, keys.map((one) => [one.name, `${one.name}: ${one.signer}`])]], key, (value) => { key = value; })),
  field(t("sign.passphrase"), passphrase), field(t("sign.reason"), reason), wrong,
  h("div.bar-line", {}, h("button.primary", {}, t("sign.sign")), close));
  const lacking = h("div.stack", {}, h("p", {}, t(installed ? "sign.no_key" : "sign.not_installed")), h("div.bar-line", {}, close));
  const dialog = h("dialog", { "aria-label": t("sign.title") }, h("h2", {}, `${t("sign.title")}: ${t("runs.run")} ${number}`), keys.length ? form : lacking);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** The ledger of the case. */
export async function ledgerPanel() {
  const { entries, problems } = await get(`${desk.paths.base}/ledger`);
  if (!entries.length) return null;
  return h("details", {}, h("summary", {}, t("sign.ledger", { count: entries.length })),
    h("div.stack", {}, problems.length ? h("p.alarm", {}, problems.join("; ")) : h("p.note", {}, t("sign.ledger.holds")),
      h("div.wide", { tabindex: 0, role: "region", "aria-label": t("sign.ledger.title") }, h("table", {}, h("tbody", {}, ...entries.map((entry) => h("tr", {},
        h("td.r", {}, entry.number), h("td.whole", {}, entry.time), h("th", { scope: "row" }, entry.event), h("td", {}, h("code", {}, entry.details)))))))));
}
