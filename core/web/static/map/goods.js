/** The one canvas: bins by how full they are, marks of a search, and what moves. */
import { around } from "./layout.js";

const STEPS = 8;
const GAUGE_PX = 11; // from this height on a bin shows its fill as a bar, too

export class Goods {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./view.js").View} view
   * @param {import("./store.js").Store} store
   * @param {import("./movers.js").Movers} movers
   */
  constructor(canvas, view, store, movers) {
    this.canvas = canvas;
    this.view = view;
    this.store = store;
    this.movers = movers;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {import("./layout.js").Spot[]} */
    this.bins = [];
    /** @type {Map<string, import("./layout.js").Box>} */
    this.boxes = new Map();
    /** @type {Set<string>} */
    this.marked = new Set();
    this.markedKey = "";
    this.asked = 0;
    this.frames = 0;
    this.ink();
    view.addEventListener("move", () => this.draw());
    addEventListener("theme", () => this.ink());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.ink());
  }

  ink() {
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = {
      empty: colour("bin-empty"), edge: colour("bin-edge"), over: colour("bin-over"), mark: colour("mark"),
      mover: colour("mover"), moverEdge: colour("mover-edge"), ink: colour("ink"), surface: colour("surface"), soft: colour("soft"),
    };
    this.ramp = Array.from({ length: STEPS }, (_, step) => mix(colour("bin-low"), colour("bin-full"), step / (STEPS - 1)));
    this.draw();
  }

  /** Draw once before the next frame, however often it is asked for. */
  draw() {
    if (!this.asked) this.asked = requestAnimationFrame((time) => this.paint(time));
  }

  /** @param {number} time */
  paint(time) {
    this.asked = 0;
    this.frames += 1;
    const { canvas, pen, view } = this;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    this.paintBins();
    this.paintMarks(time);
    const moving = this.movers.step(time);
    for (const mover of this.movers.all.values()) this.paintMover(mover);
    if (moving || this.marked.size || this.markedKey) this.draw();
  }

  paintBins() {
    const { pen, view, colours } = this;
    const stock = this.store.get("stock");
    /** @type {Map<string, number[]>} colour -> x, y, w, h … */
    const batches = new Map();
    /** @type {number[]} */
    const gauges = [];
    const gap = view.scale > 6 ? 0.6 : 0;
    for (const spot of this.bins) {
      const box = this.boxes.get(spot.code);
      if (!box) continue;
      const [x, y] = [view.x + box.x * view.scale, view.y + box.y * view.scale];
      const [w, h] = [box.w * view.scale, box.d * view.scale];
      if (x > view.width || y > view.height || x + w < 0 || y + h < 0) continue;
      const fill = fillOf(stock[spot.code] ?? 0, spot.cap);
      const colour = fill === 0 ? colours.empty : fill > 1 ? colours.over : this.ramp[Math.min(STEPS - 1, Math.floor(fill * STEPS))];
      let batch = batches.get(colour);
      if (!batch) batches.set(colour, (batch = []));
      batch.push(x + gap, y + gap, Math.max(0.6, w - 2 * gap), Math.max(0.6, h - 2 * gap));
      if (h >= GAUGE_PX && w >= GAUGE_PX) gauges.push(x + gap, y + h - gap - 3, (w - 2 * gap) * Math.min(1, fill), fill > 1 ? 1 : 0);
    }
    for (const [colour, boxes] of batches) {
      pen.fillStyle = colour;
      for (let i = 0; i < boxes.length; i += 4) pen.fillRect(boxes[i], boxes[i + 1], boxes[i + 2], boxes[i + 3]);
    }
    if (view.scale > 6) {
      pen.strokeStyle = colours.edge;
      pen.lineWidth = 0.7;
      pen.beginPath();
      for (const boxes of batches.values()) for (let i = 0; i < boxes.length; i += 4) pen.rect(boxes[i], boxes[i + 1], boxes[i + 2], boxes[i + 3]);
      pen.stroke();
    }
    pen.fillStyle = colours.ink;
    for (let i = 0; i < gauges.length; i += 4) if (gauges[i + 2] > 0) pen.fillRect(gauges[i], gauges[i + 1], gauges[i + 2], gauges[i + 3] ? 3 : 2);
    if (view.scale > 42) this.paintNames();
  }

  paintNames() {
    const { pen, view } = this;
    pen.font = "10px system-ui, sans-serif";
    pen.textBaseline = "top";
    const stock = this.store.get("stock");
    for (const spot of this.bins) {
      const box = this.boxes.get(spot.code);
      if (!box) continue;
      const [x, y] = [view.x + box.x * view.scale, view.y + box.y * view.scale];
      const [w, h] = [box.w * view.scale, box.d * view.scale];
      if (x > view.width || y > view.height || x + w < 0 || y + h < 0 || w < 60 || h < 13) continue;
      const strong = fillOf(stock[spot.code] ?? 0, spot.cap) > 0.55;
      pen.fillStyle = strong ? this.colours.surface : this.colours.ink;
      pen.fillText(`${spot.code}  ${stock[spot.code] ?? 0}${spot.cap ? `/${spot.cap}` : ""}`, x + 4, y + 2.5, w - 8);
    }
  }

  /** @param {number} time */
  paintMarks(time) {
    if (!this.marked.size) return;
    const { pen, view } = this;
    const swing = 2 + 2 * Math.abs(Math.sin(time / 450));
    pen.strokeStyle = this.colours.mark;
    pen.lineWidth = 2.5;
    for (const code of this.marked) {
      const box = this.boxes.get(code);
      if (!box) continue;
      const least = Math.max(0, 5 - (box.w * view.scale) / 2);
      const out = swing + least;
      pen.strokeRect(view.x + box.x * view.scale - out, view.y + box.y * view.scale - out, box.w * view.scale + 2 * out, box.d * view.scale + 2 * out);
    }
  }

  /** @param {import("./movers.js").Mover} mover */
  paintMover(mover) {
    const { pen, view, colours } = this;
    const [x, y] = [view.x + mover.x * view.scale, view.y + mover.y * view.scale];
    if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) return;
    const room = Math.max(2.5, mover.room * view.scale * 0.44);
    const size = (mover.old ? 0.75 : 1) * Math.min(room, Math.max(3, Math.min(9, view.scale * 0.42))) * (mover.row.kind === "pallet" ? 1.25 : mover.row.kind === "carton" ? 0.8 : 1);
    pen.fillStyle = mover.old ? colours.surface : colours.mover;
    pen.strokeStyle = mover.row.key === this.markedKey ? colours.mark : mover.old ? colours.soft : colours.moverEdge;
    pen.lineWidth = mover.row.key === this.markedKey ? 3 : mover.old ? 0.8 : 1.2;
    pen.beginPath();
    if (mover.row.kind === "tote") pen.arc(x, y, size, 0, 7);
    else if (mover.row.kind === "pallet") pen.rect(x - size, y - size, 2 * size, 2 * size);
    else pen.moveTo(x, y - size * 1.3), pen.lineTo(x + size * 1.3, y), pen.lineTo(x, y + size * 1.3), pen.lineTo(x - size * 1.3, y), pen.closePath();
    pen.fill();
    pen.stroke();
    if (mover.holds > 1 && size > 6) {
      pen.fillStyle = mover.old ? colours.ink : colours.moverEdge;
      pen.font = "bold 9px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(String(mover.holds), x, y + 0.5);
      pen.textAlign = "start";
    }
  }

  /** What is under a floor point: a mover first, else a place. @param {{x: number, y: number}} point @param {Iterable<import("./layout.js").Spot>} spots */
  under(point, spots) {
    const reach = 11 / this.view.scale;
    let [best, nearest] = [/** @type {import("./movers.js").Mover|null} */ (null), reach];
    for (const mover of this.movers.all.values()) {
      const distance = Math.hypot(mover.x - point.x, mover.y - point.y);
      if (distance < nearest) [best, nearest] = [mover, distance];
    }
    if (best) return { mover: best, spot: null };
    for (const spot of spots) {
      const box = this.boxes.get(spot.code);
      if (box && point.x >= box.x && point.x <= box.x + box.w && point.y >= box.y && point.y <= box.y + box.d) return { mover: null, spot };
    }
    return null;
  }

  /** @param {string[]} codes @param {string} key @returns {import("./layout.js").Box|null} what to fly to */
  mark(codes, key) {
    this.marked = new Set(codes);
    this.markedKey = key;
    this.draw();
    const boxes = codes.map((code) => this.boxes.get(code)).filter((box) => box !== undefined);
    return boxes.length ? around(/** @type {import("./layout.js").Box[]} */ (boxes)) : null;
  }
}

/** @param {number} onHand @param {number|null} capacity */
export const fillOf = (onHand, capacity) => (onHand <= 0 ? 0 : capacity ? onHand / capacity : 0.5);

/** @param {string} from @param {string} to @param {number} part */
function mix(from, to, part) {
  const [a, b] = [from, to].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return `rgb(${a.map((value, index) => Math.round(value + (b[index] - value) * part)).join(" ")})`;
}
