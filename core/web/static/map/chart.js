/** Orders in and out by the hour, drawn by uPlot from the same stream. */
import { byId } from "./dom.js";

const HOUR_S = 3600;
const HOURS = 12;

/** @param {import("./store.js").Store} store */
export function showFlow(store) {
  const box = byId("flow");
  /** @type {any} */
  const UPlot = /** @type {any} */ (window).uPlot;
  /** @type {any} */
  let plot = null;

  const series = () => {
    const flow = Object.values(store.get("flow"));
    const now = Math.floor(store.now() / 1000 / HOUR_S) * HOUR_S;
    const hours = Array.from({ length: HOURS }, (_, index) => now - (HOURS - 1 - index) * HOUR_S);
    const at = new Map(flow.map(([us, came, went]) => [Math.round(us / 1e6), [came, went]]));
    return [hours, hours.map((hour) => at.get(hour)?.[0] ?? 0), hours.map((hour) => at.get(hour)?.[1] ?? 0)];
  };
  const make = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    const zone = store.get("site").timezone ?? "UTC";
    const axis = { stroke: colour("soft"), font: "11px system-ui, sans-serif", grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    plot?.destroy();
    plot = new UPlot({
      width: Math.max(200, box.clientWidth), height: 112, cursor: { show: false }, legend: { show: false }, padding: [8, 6, 0, 0],
      tzDate: (/** @type {number} */ ts) => UPlot.tzDate(new Date(ts * 1e3), zone),
      scales: { y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ max) => [0, Math.max(4, max * 1.15)] } },
      axes: [{ ...axis, size: 22, values: (/** @type {any} */ self, /** @type {number[]} */ ticks) => ticks.map((tick) => `${String(UPlot.tzDate(new Date(tick * 1e3), zone).getHours()).padStart(2, "0")} h`) }, { ...axis, size: 30 }],
      series: [{}, { stroke: colour("soft"), width: 1.5, dash: [4, 3], points: { show: false } },
        { stroke: colour("accent"), fill: colour("info-bg"), width: 2, points: { show: false } }],
    }, series(), box);
  };
  const draw = () => {
    if (!UPlot || !store.asOf) return;
    if (plot) plot.setData(series());
    else make();
  };
  store.on(["flow", "site"], draw);
  for (const event of ["theme", "resize"]) addEventListener(event, () => plot && make());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && make());
}
