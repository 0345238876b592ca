/** The same floor as a table: for screen readers, for copying, for those who like lists. */
import { h, byId, words, look } from "./dom.js";

const ROWS = 500;
const EVERY_MS = 3000;

/** @param {import("./store.js").Store} store @param {() => import("./layout.js").Spot[]} spots */
export function offerTable(store, spots) {
  const [button, panel, stage] = [byId("as-table"), byId("table"), byId("stage")];
  let timer = 0;
  const draw = () => {
    const stock = store.get("stock");
    const filled = spots().filter((spot) => !spot.isBin || stock[spot.code]);
    panel.replaceChildren(
      part("Doors", ["Door", "Last verdict", "Light", "Truck"], Object.entries(store.get("docks")).map(([portal, row]) =>
        [portal, row.running_pass ? "reading" : look(row.verdict)[1] || "no pass yet", row.light, row.truck ?? "–"])),
      part("Places", ["Place", "Kind", "On hand", "Capacity"], filled.slice(0, ROWS).map((spot) =>
        [spot.code, words(spot.kind), stock[spot.code] ?? 0, spot.cap ?? "–"])),
      filled.length > ROWS ? h("p", { class: "soft" }, `${filled.length - ROWS} more places: use the search.`) : "",
      part("Carriers", ["Key", "Kind", "State", "Place", "Last seen"], Object.values(store.get("units")).slice(0, ROWS).map((row) =>
        [h("a", { href: `/find/${encodeURIComponent(row.key)}` }, row.key), row.kind, row.state, row.place, row.last_seen_at ?? "–"])),
      part("Readers", ["Reader", "Agent", "State", "Last read"], Object.values(store.get("devices")).map((row) =>
        [row.device, row.agent, [look(row.look)[1], ...row.alarms.map(words)].join(", "), row.last_read_at ?? "never"])));
  };
  button.addEventListener("click", () => {
    const isOpen = panel.hidden;
    panel.hidden = !isOpen;
    stage.hidden = isOpen;
    button.setAttribute("aria-pressed", String(isOpen));
    clearInterval(timer);
    if (!isOpen) return;
    draw();
    timer = window.setInterval(draw, EVERY_MS);
  });
}

/** @param {string} name @param {string[]} heads @param {any[][]} rows */
const part = (name, heads, rows) =>
  h("section", {}, h("h2", {}, name),
    h("table", {}, h("caption", { class: "visually-hidden" }, name),
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell instanceof Node ? cell : String(cell))))))));
