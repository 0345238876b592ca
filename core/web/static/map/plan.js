/** What stands still, in SVG: zones and named places below the goods; doors, readers and names above. */
import { s, look, ago, words } from "./dom.js";
import { zonesOf } from "./layout.js";

const ICON = 9;
const LABEL_SCALE = 24; // pixels a metre from which readers show their names
const NEWS_MS = 120000;
/** @type {Record<string, string>} */
const SIGNS = { ok: "✓", bad: "✕", ask: "?", info: "›" };

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
    this.widest = 0; // pixels; doors closer than their plates are wide show badges
    this.gap = 30; // metres between neighbour doors
    view.addEventListener("move", () => this.place());
    setInterval(() => this.showDoors(), 30000);
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
      ...zones.map(({ name, box }) => this.pin(s("text", { class: "zone-name", dy: 14, dx: 2 }, name), box.x, box.y + box.d, 0)),
      ...spots.filter((spot) => !spot.isBin && spot.kind !== "dock").map((spot) =>
        this.pin(s("text", { class: "spot-name", dy: 13, dx: 4 }, spot.code), spot.x, spot.y, 66 / spot.w)),
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
    this.doors.classList.toggle("close", this.gap * scale < this.widest + 6);
    this.readers.classList.toggle("named", scale >= LABEL_SCALE);
    this.floor.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    for (const pin of this.pins) {
      const hidden = scale < (pin.min ?? 0);
      pin.node.setAttribute("visibility", hidden ? "hidden" : "inherit");
      if (!hidden) pin.node.setAttribute("transform", `translate(${x + pin.x * scale} ${y + pin.y * scale})`);
    }
  }

  showDoors() {
    this.unpin(this.doors);
    const doors = Object.entries(this.store.get("docks")).flatMap(([portal, dock]) => {
      const spot = this.spots.get(dock.door);
      return spot ? [{ portal, dock, x: spot.x + spot.w / 2, y: spot.y }] : [];
    }).sort((a, b) => a.x - b.x);
    this.gap = Math.min(30, ...doors.slice(1).map((door, index) => Math.max(door.x - doors[index].x, Math.abs(door.y - doors[index].y))));
    this.widest = 0;
    this.doors.replaceChildren(...doors.map(({ portal, dock, x, y }) => this.pin(this.door(portal, dock), x, y)));
    this.place();
  }

  /** A plate above the door, or where doors stand close a small badge. @param {string} portal @param {any} dock */
  door(portal, dock) {
    const said = `${dock.last_pass}|${dock.verdict}|${dock.decided_at}`;
    const isNews = this.told.has(portal) && this.told.get(portal) !== said;
    this.told.set(portal, said);
    const age = dock.decided_at ? this.store.now() - Date.parse(dock.decided_at) : 0;
    const isOld = !dock.running_pass && age > NEWS_MS;
    const isReading = dock.running_pass && (dock.running_pass !== dock.last_pass || !dock.verdict);
    const [kind, word] = isReading ? ["info", "reading…"] : dock.verdict ? look(dock.verdict) : ["", "no pass yet"];
    const sign = SIGNS[kind] ?? "–";
    const text = isOld && dock.verdict ? `${sign} ${ago(age)} ago` : `${sign} ${word}`;
    const told = `${sign} ${word}${isOld ? ` · ${ago(age)}` : ""}`;
    const width = Math.max(92, text.length * 7.1 + 36, (dock.truck ?? "").length * 7 + 20);
    this.widest = Math.max(this.widest, width);
    const height = dock.visit ? 58 : 42;
    const title = `${portal}: ${told}; light ${dock.light}; ${dock.modes ?? "observe"}${dock.truck ? `; truck ${dock.truck}` : ""}`;
    return s("g", { class: `door light-${dock.light} ${isOld ? "" : kind} ${isNews ? "pulse" : ""}`, "data-portal": portal, "data-verdict": dock.verdict ?? "" },
      s("title", {}, title),
      s("circle", { class: "ring", r: 16, cy: 6 }),
      s("g", { class: "full", transform: `translate(0 ${-height - 10})` },
        s("path", { class: "plate", d: `M${-width / 2 + 7} 0H${width / 2 - 7}q7 0 7 7V${height - 7}q0 7-7 7H7L0 ${height + 7}-7 ${height}H${-width / 2 + 7}q-7 0-7-7V7q0-7 7-7Z` }),
        s("text", { class: "door-name", y: 16 }, portal),
        s("circle", { class: "lamp", r: 5, cx: -width / 2 + 14, cy: 29 }),
        s("text", { class: "verdict", x: -width / 2 + 25, y: 33 }, text),
        dock.visit ? s("text", { class: "truck", y: 49 }, `▸ ${dock.truck ?? "truck at the door"}`) : ""),
      s("g", { class: "small" }, s("circle", { class: "plate", r: 10, cy: -13 }), s("text", { class: "verdict-sign", y: -9 }, sign), s("circle", { class: "lamp", r: 4, cx: 9, cy: -21 })));
  }

  showReaders() {
    this.unpin(this.readers);
    const nodes = Object.values(this.store.get("devices")).map((device) => {
      const at = this.readerAt(device);
      if (!at) return null;
      const [, word] = look(device.look);
      const age = device.last_read_at ? `last read ${device.last_read_at.slice(11, 19)} UTC` : "no reads yet";
      return this.pin(
        s("g", { class: `reader ${device.look}`, transform: at.isDoor ? "translate(0 20)" : "", "data-device": `${device.agent}/${device.device}` },
          s("title", {}, [`${device.device}: ${word}`, ...device.alarms.map(words), age].join("; ")), ...shape(device.look),
          s("text", { class: "reader-name", x: ICON + 4, y: 4 }, device.look === "live" ? device.device : `${device.device} · ${word}`)),
        at.x, at.y, 0);
    });
    this.readers.replaceChildren(...nodes.filter((node) => node !== null));
    this.place();
  }

  /** @param {any} device */
  readerAt(device) {
    const spots = device.places.map((/** @type {string} */ code) => this.spots.get(code)).filter(Boolean);
    const isDoor = spots.some((/** @type {any} */ spot) => spot.kind === "dock");
    if (device.x_m !== null && device.y_m !== null) return { x: device.x_m, y: device.y_m, isDoor };
    if (!spots.length) return null;
    const mean = (/** @type {(spot: any) => number} */ of) => spots.reduce((/** @type {number} */ sum, /** @type {any} */ spot) => sum + of(spot), 0) / spots.length;
    return { x: mean((spot) => spot.x + spot.w / 2), y: mean((spot) => (isDoor ? spot.y : spot.y + spot.d)), isDoor };
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
