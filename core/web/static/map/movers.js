/** Pallets, cartons and totes: where each is drawn, gliding to a new place instead of jumping. */

const GLIDE_MS = 1100;
const DRAWN = 2000;
const OLD_MS = 15 * 60 * 1000;

/**
 * @typedef {{id: string, row: any, place: string, x: number, y: number, fromX: number, fromY: number,
 *   toX: number, toY: number, began: number, holds: number, old: boolean, room: number}} Mover
 */
export class Movers {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Map<string, Mover>} */
    this.all = new Map();
  }

  /**
   * @param {Map<string, import("./layout.js").Box>} boxes
   * @param {(place: string) => string} shownAs a place that is not drawn is shown at another
   */
  arrange(boxes, shownAs) {
    const units = this.store.get("units");
    /** @type {Map<string, string[]>} */
    const byPlace = new Map();
    /** @type {Map<string, number>} */
    const holds = new Map();
    for (const [id, row] of Object.entries(units)) {
      if (row.parent && units[row.parent]) {
        holds.set(row.parent, (holds.get(row.parent) ?? 0) + 1);
        continue;
      }
      const place = shownAs(whereabouts(row));
      if (!boxes.has(place)) continue;
      const here = byPlace.get(place);
      if (here) here.push(id);
      else byPlace.set(place, [id]);
    }
    const now = performance.now();
    const seen = new Set();
    for (const [place, ids] of byPlace) {
      const box = /** @type {import("./layout.js").Box} */ (boxes.get(place));
      ids.sort();
      ids.forEach((id, index) => {
        if (seen.size >= DRAWN) return;
        seen.add(id);
        const { x, y, room } = slot(box, index, ids.length);
        this.move(id, units[id], place, x, y, now, holds.get(id) ?? 0);
        /** @type {Mover} */ (this.all.get(id)).room = room;
      });
    }
    for (const id of this.all.keys()) if (!seen.has(id)) this.all.delete(id);
  }

  /** @param {string} id @param {any} row @param {string} place @param {number} x @param {number} y @param {number} now @param {number} holds */
  move(id, row, place, x, y, now, holds) {
    const seenAt = row.last_seen_at ? Date.parse(row.last_seen_at) : Date.parse(row.changed_at);
    const old = this.store.now() - seenAt > OLD_MS;
    const mover = this.all.get(id);
    if (!mover) {
      this.all.set(id, { id, row, place, x, y, fromX: x, fromY: y, toX: x, toY: y, began: 0, holds, old, room: 1 });
      return;
    }
    Object.assign(mover, { row, holds, old });
    if (mover.toX !== x || mover.toY !== y) {
      const isFar = mover.place !== place;
      Object.assign(mover, { fromX: mover.x, fromY: mover.y, toX: x, toY: y, place, began: isFar ? now : now - GLIDE_MS / 2 });
    }
  }

  /** Bring positions up to `time`; true while something moves. @param {number} time */
  step(time) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let moving = false;
    for (const mover of this.all.values()) {
      if (mover.x === mover.toX && mover.y === mover.toY) continue;
      const part = still ? 1 : Math.min(1, Math.max(0, (time - mover.began) / GLIDE_MS));
      const ease = part < 0.5 ? 2 * part * part : 1 - (2 - 2 * part) ** 2 / 2;
      mover.x = part === 1 ? mover.toX : mover.fromX + (mover.toX - mover.fromX) * ease;
      mover.y = part === 1 ? mover.toY : mover.fromY + (mover.toY - mover.fromY) * ease;
      moving ||= part < 1;
    }
    return moving;
  }
}

/** A later sighting outweighs the book, which may lag behind the floor. @param {any} row */
function whereabouts(row) {
  const isNewer = row.seen_place && row.last_seen_at && row.last_seen_at > row.changed_at;
  return isNewer ? row.seen_place : row.place;
}

/** The nth of many in a box. @param {import("./layout.js").Box} box @param {number} index @param {number} count */
function slot(box, index, count) {
  const columns = Math.max(1, Math.min(count, Math.ceil(Math.sqrt((count * box.w) / Math.max(box.d, 0.1)))));
  const rows = Math.ceil(count / columns);
  return {
    x: box.x + (box.w * ((index % columns) + 0.5)) / columns,
    y: box.y + (box.d * (Math.floor(index / columns) + 0.5)) / rows,
    room: Math.min(box.w / columns, Math.max(0.6, box.d / rows)),
  };
}
