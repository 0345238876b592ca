/** One stream a tab: keeps the store fed, says how fresh it is, never gives up. */
import { ago } from "./dom.js";

const LATE_MS = 6000;
const LOST_MS = 15000;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/**
 * @param {import("./store.js").Store} store
 * @param {string} url
 * @param {HTMLElement} badge
 */
export function follow(store, url, badge) {
  /** @type {EventSource|null} */
  let source = null;
  let failures = 0;
  let timer = 0;

  const open = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(url);
    source.addEventListener("snapshot", (event) => take(() => store.snapshot(JSON.parse(event.data))));
    source.addEventListener("delta", (event) => take(() => store.delta(JSON.parse(event.data))));
    source.addEventListener("beat", (event) => take(() => store.beat(JSON.parse(event.data))));
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    };
  };
  /** @param {() => void} apply */
  const take = (apply) => {
    failures = 0;
    apply();
    show();
  };

  const clock = (/** @type {number} */ ms) => {
    const timeZone = store.get("site").timezone ?? "UTC";
    return new Date(ms).toLocaleTimeString("en-GB", { timeZone });
  };
  const show = () => {
    const silent = Date.now() - store.heardAt;
    const age = store.age();
    const fresh = !store.asOf || silent > LOST_MS || age > LOST_MS ? "lost" : silent > LATE_MS || age > LATE_MS ? "late" : "live";
    document.body.dataset.fresh = store.heardAt ? fresh : "wait";
    const text = !store.asOf
      ? "connecting"
      : fresh === "live"
        ? `live · as of ${clock(store.asOf)}`
        : `${fresh === "late" ? "late" : "not live"} · as of ${clock(store.asOf)}, ${ago(age)} old`;
    if (badge.textContent !== text) badge.textContent = text;
  };

  open();
  setInterval(show, 1000);
  // A laptop that wakes up holds a dead socket: start anew at once.
  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - store.heardAt > LOST_MS) open();
  });
  addEventListener("pagehide", () => source?.close());
}
