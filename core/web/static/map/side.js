/** Beside the map: alarms on top, orders in numbers, what the floor must look at, what just passed. */
import { h, byId, words, ago, tag, look } from "./dom.js";

const COUNTS = [
  ["waiting", "waiting", ["received", "promised", "partially_promised", "backordered"]],
  ["picking", "on the floor", ["released", "picking", "picked"]],
  ["ready", "packed, staged", ["packed", "staged"]],
  ["shipped", "shipped in 24 h", ["shipped"]],
];

/** @param {import("./store.js").Store} store @param {{mayAct: boolean, show: (code: string) => void}} options */
export function showSide(store, options) {
  store.on(["alarms"], () => showAlarms(store));
  store.on(["orders"], () => showCounts(store));
  store.on(["exceptions"], () => showExceptions(store, options));
  store.on(["passes"], () => showPasses(store));
  store.on(["devices", "agents"], () => showReaders(store));
  setInterval(() => {
    for (const node of document.querySelectorAll("time[datetime]"))
      node.textContent = ago(store.now() - Date.parse(node.getAttribute("datetime") ?? ""));
  }, 5000);
}

/** @param {import("./store.js").Store} store */
function showAlarms(store) {
  const rows = Object.entries(store.get("alarms")).sort(([, a], [, b]) => a.severity.localeCompare(b.severity) || a.subject.localeCompare(b.subject));
  const bar = byId("alarms");
  bar.hidden = !rows.length;
  bar.replaceChildren(
    ...rows.slice(0, 6).map(([id, row]) =>
      h("div", { class: `alarm ${row.severity}`, "data-kind": row.kind, "data-id": id },
        h("b", {}, `${row.severity === "critical" ? "✕" : "!"} ${words(row.kind)}`), h("span", {}, row.subject), h("span", { class: "says" }, row.message), since(store, row.opened_at))),
    rows.length > 6 ? h("div", { class: "alarm" }, h("a", { href: "/exceptions" }, `and ${rows.length - 6} more`)) : "");
}

/** @param {import("./store.js").Store} store */
function showCounts(store) {
  const orders = store.get("orders");
  byId("counts").replaceChildren(
    ...COUNTS.map(([id, name, states]) => count(/** @type {string} */ (id), /** @type {string[]} */ (states).reduce((sum, state) => sum + (orders[state] ?? 0), 0), /** @type {string} */ (name))),
    count("late", orders.late ?? 0, "due within 1 h", orders.late ? "warn" : ""));
}

/** @param {string} id @param {number} value @param {string} name */
const count = (id, value, name, kind = "") => h("div", { id: `count-${id}`, class: kind }, h("b", {}, String(value)), h("span", {}, name));

/** @param {import("./store.js").Store} store @param {{mayAct: boolean, show: (code: string) => void}} options */
function showExceptions(store, options) {
  const rows = Object.entries(store.get("exceptions")).sort(([, a], [, b]) =>
    Number(Boolean(a.acknowledged_at)) - Number(Boolean(b.acknowledged_at)) || b.opened_at.localeCompare(a.opened_at));
  byId("exceptions-count").textContent = String(rows.length);
  byId("exceptions").replaceChildren(
    ...rows.slice(0, 40).map(([id, row]) => {
      const link = row.pass_id ? `/passes/${row.pass_id}` : row.visit_id ? `/visits/${row.visit_id}` : "/exceptions";
      return h("li", { class: row.acknowledged_at ? "seen" : "", "data-id": id },
        h("div", { class: "row" }, tagOf(row), h("a", { href: link, class: "kind" }, words(row.kind)), since(store, row.opened_at)),
        h("p", {}, row.message), h("p", { class: "soft mono" }, row.subject, row.portal ? ` · ${row.portal}` : ""),
        row.acknowledged_at ? h("p", { class: "soft" }, `seen by ${row.acknowledged_by}`)
          : options.mayAct && h("button", { type: "button", class: "ack", onclick: (/** @type {Event} */ event) => acknowledge(event, id) }, "Acknowledge"));
    }),
    rows.length ? "" : h("li", { class: "none" }, "Nothing waits for a person."));
}

/** @param {any} row */
const tagOf = (row) => {
  const [kind, text] = look(row.severity);
  return h("span", { class: `tag ${kind}`, title: text }, text);
};

/** @param {Event} event @param {string} id */
async function acknowledge(event, id) {
  const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
  button.disabled = true;
  const answer = await fetch(`/v1/exceptions/${id}/acknowledge`, { method: "POST", headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) button.textContent = "Noted";
  else {
    button.disabled = false;
    button.textContent = answer ? "Not allowed, try again" : "No answer, try again";
  }
}

/** @param {import("./store.js").Store} store */
function showPasses(store) {
  const rows = Object.entries(store.get("passes")).sort(([, a], [, b]) => b.decided_at.localeCompare(a.decided_at));
  byId("passes").replaceChildren(
    ...rows.slice(0, 12).map(([id, row]) =>
      h("li", {}, h("div", { class: "row" }, tag(row.verdict ?? row.direction),
        h("a", { href: `/passes/${id}` }, `${row.portal} ${row.direction === "open" ? "now" : words(row.direction)}`),
        h("span", { class: "soft" }, `${row.crossed} tags${row.booking === "unbooked" ? "" : ` · ${row.booking}`}`), since(store, row.decided_at)))),
    rows.length ? "" : h("li", { class: "none" }, "No load has crossed a door yet."));
}

/** @param {import("./store.js").Store} store */
function showReaders(store) {
  const rank = ["dead", "stale", "unheard", "quiet", "live"];
  const agents = store.get("agents");
  const rows = Object.values(store.get("devices")).sort((a, b) => rank.indexOf(a.look) - rank.indexOf(b.look) || a.device.localeCompare(b.device));
  byId("readers").replaceChildren(
    ...rows.map((row) => {
      const waiting = agents[row.agent]?.waiting ?? 0;
      return h("li", { "data-device": row.device, "data-look": row.look }, h("div", { class: "row" }, tag(row.look), h("a", { href: "/devices" }, row.device),
        h("span", { class: "soft" }, row.last_read_at ? "read" : "never read"), row.last_read_at ? since(store, row.last_read_at) : "",
        row.alarms.length ? h("span", { class: "soft" }, row.alarms.map(words).join(", ")) : "",
        waiting > 0 ? h("span", { class: "soft" }, `${waiting} waiting`) : ""));
    }),
    rows.length ? "" : h("li", { class: "none" }, "No reader is set up."));
}

/** @param {import("./store.js").Store} store @param {string} at */
const since = (store, at) => h("time", { datetime: at, title: at }, ago(store.now() - Date.parse(at)));
