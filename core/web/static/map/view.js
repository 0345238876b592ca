/** Which part of the floor is on the screen: pan, wheel, pinch, keys, fit and flights. */

const WIDEST = 240; // pixels a metre
const FLIGHT_MS = 600;

export class View extends EventTarget {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    super();
    this.stage = stage;
    this.scale = 10;
    this.x = 0; // screen position of the floor's origin
    this.y = 0;
    this.width = stage.clientWidth;
    this.height = stage.clientHeight;
    /** @type {import("./layout.js").Box} */
    this.floor = { x: 0, y: 0, w: 50, d: 40 };
    this.touched = false;
    /** @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    this.moved = 0;
    this.flight = 0;
    this.listen();
  }

  listen() {
    const { stage } = this;
    new ResizeObserver(() => {
      this.width = stage.clientWidth;
      this.height = stage.clientHeight;
      if (this.touched) this.tell();
      else this.fit();
    }).observe(stage);
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const step = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      const { x, y } = this.at(event);
      this.zoom(Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0016)), x, y);
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      this.fingers.set(event.pointerId, this.at(event));
      if (this.fingers.size === 1) this.moved = 0;
    });
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel", "pointerleave"])
      stage.addEventListener(name, (event) => this.fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.at(event);
    if (this.fingers.size === 1) {
      this.moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (this.moved > 4) {
        this.stage.setPointerCapture(event.pointerId);
        this.pan(now.x - before.x, now.y - before.y);
      }
    } else if (this.fingers.size === 2) {
      this.moved = 100;
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1] ?? before;
      const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      this.zoom(factor, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    this.fingers.set(event.pointerId, now);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const pan = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (pan) this.pan(pan[0], pan[1]);
    else if (event.key === "+" || event.key === "=") this.zoom(1.3);
    else if (event.key === "-") this.zoom(1 / 1.3);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /** @param {PointerEvent|WheelEvent|MouseEvent} event */
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** The floor point under a screen point. @param {{x: number, y: number}} point */
  floorAt(point) {
    return { x: (point.x - this.x) / this.scale, y: (point.y - this.y) / this.scale };
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.touched = true;
    this.x += dx;
    this.y += dy;
    this.tell();
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    this.touched = true;
    const scale = Math.min(WIDEST, Math.max(this.least() / 2, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.tell();
  }

  least() {
    return Math.min((this.width - 24) / this.floor.w, (this.height - 24) / this.floor.d);
  }

  fit() {
    this.touched = false;
    cancelAnimationFrame(this.flight);
    Object.assign(this, this.target(this.floor, WIDEST));
    this.tell();
  }

  /** @param {import("./layout.js").Box} box @param {number} widest */
  target(box, widest) {
    const scale = Math.max(0.2, Math.min(widest, (this.width - 24) / box.w, (this.height - 24) / box.d));
    return {
      scale,
      x: this.width / 2 - (box.x + box.w / 2) * scale,
      y: this.height / 2 - (box.y + box.d / 2) * scale,
    };
  }

  /** Show a box with room around it. @param {import("./layout.js").Box} box */
  flyTo(box) {
    this.touched = true;
    const room = { x: box.x - 3, y: box.y - 3, w: box.w + 6, d: box.d + 6 };
    const [from, to] = [{ scale: this.scale, x: this.x, y: this.y }, this.target(room, 60)];
    cancelAnimationFrame(this.flight);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      Object.assign(this, to);
      this.tell();
      return;
    }
    const began = performance.now();
    const step = (/** @type {number} */ time) => {
      const part = Math.min(1, (time - began) / FLIGHT_MS);
      const ease = 1 - (1 - part) ** 3;
      this.scale = from.scale + (to.scale - from.scale) * ease;
      this.x = from.x + (to.x - from.x) * ease;
      this.y = from.y + (to.y - from.y) * ease;
      this.tell();
      if (part < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  tell() {
    this.dispatchEvent(new Event("move"));
  }
}
