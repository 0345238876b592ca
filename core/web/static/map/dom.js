/** Small helpers for building DOM. Text goes in as text, never as markup. */

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `on…` adds a listener, `class` and others set attributes
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  set(made, attributes);
  for (const child of children) if (child !== null && child !== undefined && child !== false) made.append(child);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node|string)} children
 * @returns {any}
 */
export function s(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  set(made, attributes);
  made.append(...children);
  return made;
}

/** @param {Element} made @param {Record<string, any>} attributes */
function set(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** @param {string|null|undefined} code */
export const words = (code) => String(code ?? "").replaceAll("_", " ").replaceAll("-", " ").replace(".", ": ");

/** How long ago, in the largest unit that says something. @param {number} ms */
export function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** @type {Record<string, [string, string]>} verdict or state -> [look, text] */
const LOOKS = {
  matched: ["ok", "matched"], missing: ["bad", "missing"], unexpected: ["bad", "unexpected"],
  wrong_door: ["bad", "wrong door"], undecided: ["ask", "undecided"], not_crossed: ["", "not crossed"],
  critical: ["bad", "critical"], warning: ["warn", "warning"], info: ["info", "info"],
  live: ["ok", "live"], quiet: ["info", "0 reads"], stale: ["warn", "stale"], dead: ["bad", "dead"], unheard: ["ask", "never heard"],
};

/** @param {string|null|undefined} code */
export const look = (code) => LOOKS[code ?? ""] ?? ["", words(code)];

/** A tag that says its meaning by shape, word and colour. @param {string|null|undefined} code */
export function tag(code) {
  const [kind, text] = look(code);
  return h("span", { class: `tag ${kind}` }, text);
}
