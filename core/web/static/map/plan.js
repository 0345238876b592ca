/** What stands still, in SVG: zones and named places below the goods; doors, readers and names above. */
import { s, look } from "./dom.js";
import { zonesOf } from "./layout.js";

const ICON = 9;

export class Plan {
  /**
   * @param {SVGElement} ground below the canvas
   * @param {SVGElement} top above it
   * @param {import("./view.js").View} view
   * @param {import("./store.js").Store} store
   */
  constructor(ground, top, view, store) {
    this.view = view;
    this.store = store;
    this.floor = s("g");
    this.names = s("g");
    this.doors = s("g");
    this.readers = s("g");
    ground.replaceChildren(this.floor);
    top.replaceChildren(this.names, this.readers, this.doors);
    /** @type {{node: SVGElement, x: number, y: number, min?: number}[]} */
    this.pins = [];
    /** @type {Map<string, import("./layout.js").Spot>} */
    this.spots = new Map();
    /** @type {Map<string, string>} */
    this.told = new Map();
    view.addEventListener("move", () => this.place());
  }

  /** @param {import("./layout.js").Spot[]} spots */
  build(spots) {
    this.spots = new Map(spots.map((spot) => [spot.code, spot]));
    const zones = zonesOf(spots);
    this.floor.replaceChildren(
      ...zones.map(({ box }) => s("rect", { class: "zone", x: box.x, y: box.y, width: box.w, height: box.d, rx: 0.5 })),
      ...spots.filter((spot) => !spot.isBin).map((spot) =>
        s("rect", { class: `spot ${spot.kind}`, x: spot.x, y: spot.y, width: spot.w, height: spot.d, rx: 0.15 })),
    );
    this.pins = [];
    this.names.replaceChildren(
      ...zones.map(({ name, box }) => this.pin(s("text", { class: "zone-name", dy: -5 }, name), box.x, box.y, 0)),
      ...spots.filter((spot) => !spot.isBin && spot.kind !== "dock").map((spot) =>
        this.pin(s("text", { class: "spot-name", dy: 13, dx: 4 }, spot.code), spot.x, spot.y, 62 / spot.w)),
      ...this.aisles(spots),
    );
    this.told.clear();
    this.showDoors();
    this.showReaders();
  }

  /** Names of aisles at the ends of their racks. @param {import("./layout.js").Spot[]} spots */
  aisles(spots) {
    /** @type {Map<string, import("./layout.js").Spot>} */
    const first = new Map();
    for (const spot of spots) {
      if (!spot.isBin || !spot.aisle) continue;
      const name = `${spot.aisle}|${spot.y}`;
      const known = first.get(name);
      if (!known || spot.x < known.x) first.set(name, spot);
    }
    return [...first.values()].map((spot) =>
      this.pin(s("text", { class: "aisle-name", dx: -8, dy: 4 }, String(spot.aisle)), spot.x, spot.y + spot.d / 2, 7));
  }

  /** Keep a node at a floor point at its own size; below `min` pixels a metre it is hidden. */
  pin(/** @type {any} */ node, /** @type {number} */ x, /** @type {number} */ y, min = 0) {
    const holder = s("g", {}, node);
    this.pins.push({ node: holder, x, y, min });
    return holder;
  }

  place() {
    const { x, y, scale } = this.view;
    this.floor.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    for (const pin of this.pins) {
      const hidden = scale < (pin.min ?? 0);
      pin.node.setAttribute("visibility", hidden ? "hidden" : "inherit");
      if (!hidden) pin.node.setAttribute("transform", `translate(${x + pin.x * scale} ${y + pin.y * scale})`);
    }
  }

  showDoors() {
    const docks = this.store.get("docks");
    this.unpin(this.doors);
    const nodes = Object.entries(docks).map(([portal, dock]) => {
      const spot = this.spots.get(dock.door);
      if (!spot) return null;
      const [kind, word] = dock.running_pass ? ["info", "reading…"] : look(dock.verdict);
      const said = `${dock.last_pass}|${dock.verdict}|${dock.decided_at}`;
      const isNews = this.told.has(portal) && this.told.get(portal) !== said;
      this.told.set(portal, said);
      const text = dock.running_pass || dock.verdict ? word : "no pass yet";
      const width = Math.max(84, text.length * 7 + 30, (dock.truck ?? "").length * 7 + 24);
      return this.pin(
        s("g", { class: `door light-${dock.light} ${kind} ${isNews ? "pulse" : ""}`, "data-portal": portal },
          s("title", {}, `${portal}: ${text}; light ${dock.light}${dock.truck ? `; truck ${dock.truck}` : ""}`),
          s("circle", { class: "ring", r: 16, cx: 0, cy: 24 }),
          s("rect", { class: "plate", x: -width / 2, y: 3, width, height: dock.visit ? 56 : 42, rx: 6 }),
          s("text", { class: "door-name", y: 18 }, portal),
          s("circle", { class: "lamp", r: 5, cx: -width / 2 + 14, cy: 31 }),
          s("text", { class: "verdict", x: 8, y: 35 }, `${{ ok: "✓", bad: "✕", ask: "?", info: "›" }[kind] ?? "–"} ${text}`),
          dock.visit ? s("text", { class: "truck", y: 51 }, dock.truck ?? "truck") : ""),
        spot.x + spot.w / 2, spot.y);
    });
    this.doors.replaceChildren(...nodes.filter((node) => node !== null));
    this.place();
  }

  showReaders() {
    this.unpin(this.readers);
    const nodes = Object.values(this.store.get("devices")).map((device) => {
      const at = this.readerAt(device);
      if (!at) return null;
      const [, word] = look(device.look);
      const age = device.last_read_at ? `last read ${device.last_read_at.slice(11, 19)} UTC` : "no reads yet";
      return this.pin(
        s("g", { class: `reader ${device.look}`, "data-device": `${device.agent}/${device.device}` },
          s("title", {}, `${device.device}: ${word}; ${age}`), ...shape(device.look),
          s("text", { class: "reader-name", x: ICON + 4, y: 4 }, device.look === "live" ? device.device : `${device.device} · ${word}`)),
        at.x, at.y, 0);
    });
    this.readers.replaceChildren(...nodes.filter((node) => node !== null));
    this.place();
  }

  /** @param {any} device */
  readerAt(device) {
    if (device.x_m !== null && device.y_m !== null) return { x: device.x_m, y: device.y_m };
    const spots = device.places.map((/** @type {string} */ code) => this.spots.get(code)).filter(Boolean);
    if (!spots.length) return null;
    const mean = (/** @type {(spot: any) => number} */ of) => spots.reduce((/** @type {number} */ sum, /** @type {any} */ spot) => sum + of(spot), 0) / spots.length;
    const isDoor = spots.some((/** @type {any} */ spot) => spot.kind === "dock");
    return { x: mean((spot) => spot.x + (isDoor ? 0.2 : spot.w / 2)), y: mean((spot) => spot.y + spot.d) };
  }

  /** @param {SVGElement} group */
  unpin(group) {
    const nodes = new Set(group.children);
    this.pins = this.pins.filter((pin) => !nodes.has(pin.node));
  }
}

/** Five looks that differ without colour. @param {string} state @returns {SVGElement[]} */
function shape(state) {
  const r = ICON - 2;
  if (state === "dead") return [s("rect", { class: "mark", x: -r, y: -r, width: 2 * r, height: 2 * r, rx: 2 }), s("path", { class: "sign", d: "M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5" })];
  if (state === "stale") return [s("path", { class: "mark", d: `M0 ${-r - 1} ${r + 1} ${r}H${-r - 1}Z` }), s("path", { class: "sign", d: "M0-2.5V2M0 4.2v.6" })];
  if (state === "unheard") return [s("circle", { class: "mark", r }), s("text", { class: "sign-text", y: 3.5 }, "?")];
  if (state === "quiet") return [s("circle", { class: "mark", r }), s("text", { class: "sign-text", y: 3.5 }, "0")];
  return [s("circle", { class: "mark", r }), s("path", { class: "sign", d: "M-3.5 1.5a5 5 0 0 1 7 0M-1.6 3.4a2.4 2.4 0 0 1 3.2 0M-5-1a7.6 7.6 0 0 1 10 0" })];
}
