/** Composes the map: one store, one stream, and the views that listen. */
import { byId, h } from "./dom.js";
import { Card } from "./card.js";
import { Goods } from "./goods.js";
import { around, boxesOf, levelsOf, spotsOf } from "./layout.js";
import { Movers } from "./movers.js";
import { Plan } from "./plan.js";
import { offerSearch } from "./search.js";
import { showFlow } from "./chart.js";
import { showSide } from "./side.js";
import { Store } from "./store.js";
import { follow } from "./stream.js";
import { offerTable } from "./table.js";
import { View } from "./view.js";

const page = byId("main");
const stage = byId("stage");
const store = new Store();
const view = new View(stage);
const movers = new Movers(store);
const goods = new Goods(byId("goods"), view, store, movers);
const plan = new Plan(byId("ground"), byId("plan"), view, store);
const card = new Card(byId("tip"), byId("card"), store);
/** @type {import("./layout.js").Spot[]} */
let spots = [];
/** @type {number|null} */
let level = null;

function layOut() {
  goods.bins = spots.filter((spot) => spot.isBin);
  goods.boxes = boxesOf(spots, level);
  arrange();
  goods.draw();
}

/** A bin of a level that is not shown still shows its carriers, at its footprint. */
function arrange() {
  movers.arrange(goods.boxes, (place) => place);
}

store.on(["places"], ({ first }) => {
  spots = spotsOf(store.get("places"));
  const choice = byId("level");
  const levels = levelsOf(spots);
  choice.hidden = levels.length < 2;
  choice.replaceChildren(h("option", { value: "" }, "All levels"), ...levels.map((one) => h("option", { value: one }, `Level ${one}`)));
  layOut();
  const box = around(spots);
  view.floor = { x: box.x - 2, y: box.y - 5, w: box.w + 4, d: box.d + 7.5 };
  plan.build(spots);
  if (!view.touched) view.fit();
  if (first) performance.mark("map-drawn");
});
store.on(["stock"], () => goods.draw());
store.on(["units"], () => {
  arrange();
  goods.draw();
});
store.on(["docks"], () => plan.showDoors());
store.on(["devices"], () => plan.showReaders());
store.on(["places", "site"], () => (byId("site-name").textContent = store.get("site").name ?? ""));

showSide(store, { mayAct: page.dataset.mayAct === "yes", show: (code) => fly([code], "") });
showFlow(store);
offerTable(store, () => spots);

/** @param {string[]} places @param {string} key */
function fly(places, key) {
  const box = goods.mark(places, key);
  if (box) view.flyTo(box);
}

const search = offerSearch(byId("search"), {
  show(hit) {
    if (level !== null && hit.places.some((/** @type {string} */ code) => !goods.boxes.has(code))) setLevel(null);
    fly(hit.places, hit.key);
    const link = { order: `/orders/${hit.key}`, unit: `/find/${encodeURIComponent(hit.key)}`, handling_unit: `/find/${encodeURIComponent(hit.key)}` }[/** @type {string} */ (hit.what)];
    const found = byId("found");
    found.hidden = false;
    found.replaceChildren(h("span", {}, hit.label), h("span", { class: "soft" }, hit.places.length ? hit.places.slice(0, 3).join(", ") + (hit.places.length > 3 ? " …" : "") : "not on the floor"), link ? h("a", { href: link }, "Details") : "");
    const spot = hit.places.length === 1 && !link && spots.find((one) => one.code === hit.places[0]);
    if (spot) card.pin({ mover: null, spot });
  },
  clear() {
    goods.mark([], "");
    byId("found").hidden = true;
  },
});
store.addEventListener("change", () => search.restore(), { once: true });

/** @param {number|null} next */
function setLevel(next) {
  level = next;
  byId("level").value = next === null ? "" : String(next);
  layOut();
}
byId("level").addEventListener("change", (/** @type {any} */ event) => setLevel(event.target.value ? Number(event.target.value) : null));
byId("zoom-in").addEventListener("click", () => view.zoom(1.4));
byId("zoom-out").addEventListener("click", () => view.zoom(1 / 1.4));
byId("fit").addEventListener("click", () => view.fit());

stage.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
  if (event.pointerType === "touch" || event.buttons) return card.hover(null, { x: 0, y: 0 });
  const point = view.at(event);
  card.hover(goods.under(view.floorAt(point), spots), point);
});
stage.addEventListener("pointerleave", () => card.hover(null, { x: 0, y: 0 }));
stage.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  if (view.moved > 4 || (event.target instanceof Element && event.target.closest("#card"))) return;
  card.pin(goods.under(view.floorAt(view.at(event)), spots));
});

follow(store, page.dataset.stream ?? "", byId("badge"));
/** What a test looks at; nothing in the page reads it. */
Object.assign(window, { dockledger: { store, view, goods, movers } });
