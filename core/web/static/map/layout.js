/**
 * Where everything stands, in metres: y grows from the dock wall into the building.
 * @typedef {{code: string, kind: string, zone: string, aisle: string|null, bay: number|null, level: number|null,
 *   x: number, y: number, w: number, d: number, cap: number|null, locked: boolean, isBin: boolean, drawn: boolean}} Spot
 * @typedef {{x: number, y: number, w: number, d: number}} Box
 */

const BIN_KINDS = new Set(["storage", "pick_face"]);
const PAD = 0.9;

/**
 * @param {Record<string, any[]>} places
 * @returns {Spot[]}
 */
export function spotsOf(places) {
  /** @type {Spot[]} */
  const spots = [];
  /** @type {Spot[]} */
  const homeless = [];
  for (const [code, row] of Object.entries(places)) {
    const [kind, zone, aisle, bay, level, x, y, w, d, cap, locked] = row;
    const spot = {
      code, kind, zone: zone ?? kind, aisle, bay, level, x: x ?? 0, y: y ?? 0, w: w || 1.2, d: d || 1,
      cap, locked, isBin: BIN_KINDS.has(kind), drawn: true,
    };
    (x === null || y === null ? homeless : spots).push(spot);
  }
  settle(spots, homeless);
  return [...spots, ...homeless];
}

/** Places without coordinates stand in rows below the others. @param {Spot[]} spots @param {Spot[]} homeless */
function settle(spots, homeless) {
  const below = spots.reduce((low, spot) => Math.max(low, spot.y + spot.d), 0) + 3;
  const columns = Math.max(10, Math.ceil(Math.sqrt(homeless.length) * 1.8));
  homeless.forEach((spot, index) => {
    spot.x = (index % columns) * 2;
    spot.y = below + Math.floor(index / columns) * 2;
  });
}

/**
 * Bins one above the other share a footprint: on the plan each level is a strip of it, or one level fills it.
 * @param {Spot[]} spots
 * @param {number|null} level
 * @returns {Map<string, Box>} by code; what is not shown is left out
 */
export function boxesOf(spots, level) {
  /** @type {Map<string, Spot[]>} */
  const stacks = new Map();
  for (const spot of spots) {
    const name = spot.isBin ? `${spot.x}|${spot.y}` : spot.code;
    const stack = stacks.get(name);
    if (stack) stack.push(spot);
    else stacks.set(name, [spot]);
  }
  const boxes = new Map();
  for (const stack of stacks.values()) {
    const shown = level === null || !stack[0].isBin ? stack : stack.filter((spot) => (spot.level ?? 1) === level);
    shown.sort((a, b) => (a.level ?? 0) - (b.level ?? 0));
    shown.forEach((spot, index) => {
      const depth = spot.d / shown.length;
      boxes.set(spot.code, { x: spot.x, y: spot.y + depth * index, w: spot.w, d: depth });
    });
  }
  return boxes;
}

/** @param {Iterable<Box>} boxes @returns {Box} */
export function around(boxes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    left = Math.min(left, box.x);
    top = Math.min(top, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.d);
  }
  if (left > right) return { x: 0, y: 0, w: 10, d: 10 };
  return { x: left, y: top, w: right - left, d: bottom - top };
}

/** @param {Spot[]} spots @returns {{name: string, box: Box}[]} */
export function zonesOf(spots) {
  /** @type {Map<string, Spot[]>} */
  const zones = new Map();
  for (const spot of spots) {
    const members = zones.get(spot.zone);
    if (members) members.push(spot);
    else zones.set(spot.zone, [spot]);
  }
  return [...zones].map(([name, members]) => {
    const box = around(members);
    return { name, box: { x: box.x - PAD, y: box.y - PAD, w: box.w + 2 * PAD, d: box.d + 2 * PAD } };
  });
}

/** @param {Spot[]} spots */
export const levelsOf = (spots) =>
  [...new Set(spots.filter((spot) => spot.isBin && spot.level !== null).map((spot) => Number(spot.level)))].sort((a, b) => a - b);
