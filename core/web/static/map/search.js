/** One box for EPC, SSCC, SKU, order and place: lights up where it is, flies there, keeps it in the URL. */
import { h, words } from "./dom.js";

const PAUSE_MS = 180;

/**
 * @param {HTMLFormElement} form with an input and a list
 * @param {{show: (hit: any) => void, clear: () => void}} map
 */
export function offerSearch(form, map) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  const list = /** @type {HTMLElement} */ (form.querySelector("[role=listbox]"));
  let timer = 0;
  let asked = 0;
  /** @type {any[]} */
  let hits = [];
  let at = -1;

  const find = async (/** @type {string} */ text) => {
    const mine = ++asked;
    const answer = await fetch(`/v1/map/search?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== asked) return [];
    hits = answer?.ok ? (await answer.json()).items : [];
    at = -1;
    list.replaceChildren(...hits.map(option));
    if (!hits.length) list.append(h("li", { class: "none" }, answer?.ok ? "Nothing here has that name." : "The search does not answer."));
    open(true);
    return hits;
  };
  const option = (/** @type {any} */ hit, /** @type {number} */ index) =>
    h("li", { role: "option", id: `hit-${index}`, onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => choose(hit) },
      h("span", { class: "what" }, words(hit.what)), h("span", { class: "label" }, hit.label),
      h("span", { class: "where" }, hit.places.length ? (hit.places.length > 1 ? `${hit.places.length} places` : hit.places[0]) : words(hit.state)));
  const open = (/** @type {boolean} */ isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
  };
  const remember = (/** @type {string} */ text) => {
    const url = new URL(location.href);
    if (text) url.searchParams.set("q", text);
    else url.searchParams.delete("q");
    history.replaceState(null, "", url);
  };
  const choose = (/** @type {any} */ hit) => {
    open(false);
    input.value = hit.what === "order" ? hit.label.split(" ")[0] : hit.key;
    remember(input.value);
    map.show(hit);
  };
  const clear = () => {
    asked += 1;
    open(false);
    remember("");
    map.clear();
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    const text = input.value.trim();
    if (!text) clear();
    else timer = window.setTimeout(() => find(text), PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) {
      event.preventDefault();
      at = (at + step + hits.length) % hits.length;
      [...list.children].forEach((child, index) => child.setAttribute("aria-selected", String(index === at)));
      input.setAttribute("aria-activedescendant", `hit-${at}`);
    } else if (event.key === "Escape") {
      input.value = "";
      clear();
    }
  });
  input.addEventListener("blur", () => open(false));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    const text = input.value.trim();
    if (at >= 0 && hits[at]) choose(hits[at]);
    else if (text) {
      const found = await find(text);
      if (found.length) choose(found[0]);
    }
  });

  return {
    /** What the URL asks for. */
    async restore() {
      const text = new URL(location.href).searchParams.get("q");
      if (!text) return;
      input.value = text;
      const found = await find(text);
      open(false);
      if (found.length) map.show(found[0]);
    },
  };
}
