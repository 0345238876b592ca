/** What is in a place or on a carrier: a short tip under the pointer, a card that stays on a tap. */
import { h, words, ago, tag } from "./dom.js";

const KEEP_MS = 4000;
/** @type {Map<string, {at: number, answer: Promise<any>}>} */
const kept = new Map();

/** @param {string} code */
function contents(code) {
  const known = kept.get(code);
  if (known && Date.now() - known.at < KEEP_MS) return known.answer;
  const answer = fetch(`/v1/map/places/${encodeURIComponent(code)}`).then((found) => (found.ok ? found.json() : null)).catch(() => null);
  kept.set(code, { at: Date.now(), answer });
  return answer;
}

export class Card {
  /**
   * @param {HTMLElement} tip
   * @param {HTMLElement} card
   * @param {import("./store.js").Store} store
   */
  constructor(tip, card, store) {
    this.tip = tip;
    this.card = card;
    this.store = store;
    this.tipped = "";
    this.timer = 0;
  }

  /** @param {{mover: any, spot: any}|null} found @param {{x: number, y: number}} point */
  hover(found, point) {
    const name = found?.mover?.id ?? found?.spot?.code ?? "";
    if (found) {
      const { clientWidth, clientHeight } = /** @type {HTMLElement} */ (this.tip.parentElement);
      this.tip.style.left = `${Math.max(4, Math.min(point.x + 14, clientWidth - 250))}px`;
      this.tip.style.top = `${Math.max(4, Math.min(point.y + 16, clientHeight - 120))}px`;
    }
    if (name === this.tipped) return;
    this.tipped = name;
    clearTimeout(this.timer);
    this.tip.hidden = !found;
    if (!found) return;
    this.tip.replaceChildren(...(found.mover ? this.carrier(found.mover.row) : this.place(found.spot)));
    if (found.spot)
      this.timer = window.setTimeout(async () => {
        const more = await contents(found.spot.code);
        if (this.tipped === name && more) this.tip.append(...lines(more, 4), this.seen(more.last_seen_at));
      }, 140);
  }

  /** @param {{mover: any, spot: any}|null} found */
  async pin(found) {
    this.tip.hidden = true;
    this.tipped = "";
    this.card.hidden = !found;
    if (!found) return;
    const close = h("button", { class: "plain close", type: "button", "aria-label": "Close", onclick: () => this.pin(null) }, "✕");
    if (found.mover) {
      this.card.replaceChildren(close, ...this.carrier(found.mover.row), h("p", {}, h("a", { href: `/find/${encodeURIComponent(found.mover.row.key)}` }, "Journey and contents")));
      return;
    }
    this.card.replaceChildren(close, ...this.place(found.spot), h("p", { class: "soft" }, "…"));
    const more = await contents(found.spot.code);
    const body = more ? [...lines(more, 40), ...carriers(more), ...work(more), this.seen(more.last_seen_at)] : [h("p", { class: "problem" }, "Not known: the server does not answer.")];
    this.card.replaceChildren(close, ...this.place(found.spot), ...body);
  }

  /** @param {any} spot */
  place(spot) {
    const onHand = this.store.get("stock")[spot.code] ?? 0;
    const share = spot.cap ? ` of ${spot.cap} (${Math.round((100 * onHand) / spot.cap)} %)` : "";
    return [h("strong", {}, spot.code), h("div", { class: "soft" }, `${words(spot.kind)} · ${onHand}${share} on hand${spot.locked ? " · locked" : ""}`)];
  }

  /** @param {any} row */
  carrier(row) {
    const at = row.last_seen_at ?? row.changed_at;
    const sure = row.confidence === null || row.confidence === undefined ? "" : row.confidence === 0 ? " · lost" : ` · ${Math.round(row.confidence * 100)} % sure`;
    return [
      h("strong", { class: "mono" }, row.key),
      h("div", { class: "soft" }, `${row.kind} · ${row.state} · ${row.place}`),
      h("div", { class: "soft" }, `${row.last_seen_at ? "seen" : "booked"} ${ago(this.store.now() - Date.parse(at))} ago${row.seen_place ? ` at ${row.seen_place}` : ""}${sure}`),
      row.order ? h("a", { href: `/orders/${row.order}` }, "Order") : "",
    ];
  }

  /** @param {string|null} at */
  seen(at) {
    return h("p", { class: "soft" }, at ? `Last seen ${ago(this.store.now() - Date.parse(at))} ago` : "No reader watches this place.");
  }
}

/** @param {any} more @param {number} limit */
function lines(more, limit) {
  const rows = more.stock.slice(0, limit).map((/** @type {any} */ row) =>
    h("li", {}, h("b", {}, String(row.on_hand)), " ", h("span", { class: "mono" }, row.sku), " ", h("span", { class: "soft" }, row.name),
      row.reserved ? h("span", { class: "soft" }, ` · ${row.reserved} reserved`) : "", row.status === "available" ? "" : tag(row.status)));
  if (!rows.length) return [h("p", { class: "soft" }, "Empty.")];
  const rest = more.stock.length - rows.length;
  return [h("ul", { class: "lines" }, ...rows), rest > 0 ? h("p", { class: "soft" }, `and ${rest} more`) : ""];
}

/** @param {any} more */
const carriers = (more) => more.handling_units.length
  ? [h("h3", {}, "Carriers"), h("ul", { class: "lines" }, ...more.handling_units.slice(0, 12).map((/** @type {any} */ row) => h("li", {}, h("a", { class: "mono", href: `/find/${encodeURIComponent(row.key)}` }, row.key), ` ${row.kind}`)))]
  : [];

/** @param {any} more */
const work = (more) => more.work.length
  ? [h("h3", {}, "Open work"), h("ul", { class: "lines" }, ...more.work.map((/** @type {any} */ row) => h("li", {}, `${words(row.kind)} ${row.quantity} ${row.sku ?? ""} · ${row.state}`)))]
  : [];
