/**
 * The floor as the server last said it: sections of rows by key. Views listen and never change it.
 * @typedef {Record<string, any>} Rows
 */
export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Record<string, Rows>} */
    this.sections = {};
    this.number = 0;
    this.asOf = 0;
    /** Server's clock minus ours, in ms. */
    this.skew = 0;
    this.heardAt = 0;
    this.first = true;
  }

  /** @param {string} name @returns {Rows} */
  get(name) {
    return this.sections[name] ?? {};
  }

  /** The server's time, in ms. */
  now() {
    return Date.now() + this.skew;
  }

  /** How old the picture is, in ms. */
  age() {
    return this.asOf ? Math.max(0, this.now() - this.asOf) : Infinity;
  }

  /** @param {{n: number, as_of: string, now: string, sections: Record<string, Rows>}} document */
  snapshot(document) {
    const names = new Set([...Object.keys(this.sections), ...Object.keys(document.sections)]);
    this.sections = document.sections;
    this.number = document.n;
    this.beat(document);
    this.tell(names, null);
    this.first = false;
  }

  /** @param {{n: number, as_of: string, set: Record<string, Rows>, gone: Record<string, string[]>}} delta */
  delta(delta) {
    if (delta.n <= this.number) return;
    this.number = delta.n;
    for (const [name, rows] of Object.entries(delta.set)) Object.assign((this.sections[name] ??= {}), rows);
    for (const [name, keys] of Object.entries(delta.gone)) for (const key of keys) delete this.sections[name]?.[key];
    this.beat(delta);
    this.tell(new Set([...Object.keys(delta.set), ...Object.keys(delta.gone)]), delta);
  }

  /** @param {{as_of: string, now?: string}} times */
  beat(times) {
    this.asOf = Date.parse(times.as_of);
    if (times.now) this.skew = Date.parse(times.now) - Date.now();
    this.heardAt = Date.now();
  }

  /** @param {Set<string>} names @param {any} delta */
  tell(names, delta) {
    this.dispatchEvent(new CustomEvent("change", { detail: { names, delta, first: this.first } }));
  }

  /**
   * Call `view` with what changed when one of these sections did.
   * @param {string[]} names
   * @param {(detail: {names: Set<string>, delta: any, first: boolean}) => void} view
   */
  on(names, view) {
    this.addEventListener("change", (event) => {
      const detail = /** @type {CustomEvent} */ (event).detail;
      if (names.some((name) => detail.names.has(name))) view(detail);
    });
  }
}
