"""The KPI catalogue: what each figure means, when it is good, and how a value is judged.

A value that stands on fewer than 30 cases is `few`, never red; no value is `none`, never good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

Kind = Literal["ratio", "samples", "count", "ratio_now", "level"]
Statistic = Literal["mean", "p50", "p90", "p99"]
State = Literal["good", "warn", "bad", "few", "none", "stale"]
FEW: Final = 30


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure. `amber` and `red` are the first values of that colour in the bad direction.

    ratio, samples and count look back over a window of facts; ratio_now and level are of this
    moment. `part` tells what one row of its view is.
    """

    name: str
    title: str
    unit: str
    kind: Kind
    part: str
    amber: float | None = None
    red: float | None = None
    higher_is_better: bool = False
    statistic: Statistic = "mean"
    decimals: int = 0
    stale_min: int | None = None

    @property
    def view(self) -> str:
        """Its view in schema `kpi`."""
        return f"{self.name}_v1"

    @property
    def has_window(self) -> bool:
        """Whether it looks back over a window of time."""
        return self.kind in ("ratio", "samples", "count")

    @property
    def scale(self) -> float:
        """What numerator / denominator is multiplied by."""
        return 100.0 if self.unit == "%" else 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with what it stands on and when it was taken (microseconds)."""

    value: float | None
    as_of: int
    numerator: float | None = None
    denominator: float | None = None
    latest_at: int | None = None
    age_min: float | None = None


def cases(kpi: Kpi, reading: Reading) -> float:
    """How many cases a value stands on; a rate counts what was done, not the hours."""
    found = reading.numerator if kpi.unit.endswith("/h") else reading.denominator
    return found or 0.0


def judge(kpi: Kpi, reading: Reading) -> State:
    """The state of a value against its thresholds."""
    if reading.value is None:
        return "none"
    if kpi.stale_min is not None and (reading.age_min or 0) > kpi.stale_min:
        return "stale"
    if kpi.kind in ("ratio", "samples", "ratio_now") and cases(kpi, reading) < FEW:
        return "few"
    sign = -1 if kpi.higher_is_better else 1
    for limit, state in ((kpi.red, "bad"), (kpi.amber, "warn")):
        if limit is not None and sign * reading.value >= sign * limit:
            return "bad" if state == "bad" else "warn"
    return "good"


def tuned(kpi: Kpi, settings: Mapping[str, Any]) -> Kpi:
    """The KPI with a site's own thresholds: `{"kpi": {name: {"amber": 2, "red": 4}}}`."""
    own = settings.get("kpi")
    limits = own.get(kpi.name) if isinstance(own, Mapping) else None
    if not isinstance(limits, Mapping):
        return kpi
    return replace(
        kpi, amber=_number(limits, "amber", kpi.amber), red=_number(limits, "red", kpi.red)
    )


def _number(limits: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = limits.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value is not None else default


KPIS: Final[tuple[Kpi, ...]] = (
    Kpi("orders", "Orders in", "orders", "count", "an order at its intake"),
    Kpi("open_orders", "Open orders", "orders", "level", "a state with its open orders"),
    Kpi(
        "orders_at_risk", "Orders at risk", "orders", "level", "an open order with a ship_by", 1, 5
    ),
    Kpi(
        "order_cycle",
        "Order cycle, median",
        "min",
        "samples",
        "a shipped order",
        90,
        240,
        statistic="p50",
        decimals=1,
    ),
    Kpi(
        "on_time_shipment",
        "Shipped on time",
        "%",
        "ratio",
        "a shipped order with a ship_by",
        99.7,
        98.0,
        higher_is_better=True,
        decimals=1,
    ),
    Kpi(
        "lines_per_hour",
        "Lines picked per direct hour",
        "lines/h",
        "ratio",
        "a quarter of an hour with picks",
        decimals=1,
    ),
    Kpi(
        "backorder_rate",
        "Backorder rate",
        "%",
        "ratio_now",
        "an item with open lines",
        2.0,
        10.0,
        decimals=1,
    ),
    Kpi("short_picks", "Short picks", "%", "ratio", "a finished pick", 0.5, 2.0, decimals=2),
    Kpi(
        "pick_face_stockouts",
        "Empty pick faces with reserve",
        "faces",
        "level",
        "an empty pick face",
        1,
        5,
    ),
    Kpi("work_waiting", "Tasks waiting", "tasks", "level", "a kind of task"),
    Kpi("door_visits", "Door visits", "visits", "count", "a visit of a truck"),
    Kpi(
        "perfect_visit",
        "Perfect visits",
        "%",
        "ratio",
        "a closed visit with a list",
        98.0,
        90.0,
        higher_is_better=True,
        decimals=1,
    ),
    Kpi("passes", "Passes", "passes", "count", "a pass through a portal"),
    Kpi(
        "perfect_pass_rate",
        "Handling units read whole",
        "%",
        "ratio",
        "a handling unit in a pass",
        99.0,
        95.0,
        higher_is_better=True,
        decimals=1,
    ),
    Kpi("undecided_share", "Passes undecided", "%", "ratio", "a closed pass", 2.0, 5.0, decimals=1),
    Kpi("stray_share", "Stray tags", "%", "ratio", "a closed pass", decimals=1),
    Kpi(
        "verdict_latency",
        "Verdict latency, p99",
        "ms",
        "samples",
        "a verdict",
        400,
        500,
        statistic="p99",
    ),
    Kpi(
        "event_latency",
        "Event latency, p99",
        "ms",
        "samples",
        "a move of a pass",
        2000,
        5000,
        statistic="p99",
    ),
    Kpi(
        "dock_to_stock",
        "Dock to stock, mean",
        "h",
        "samples",
        "a putaway",
        3.5,
        8.0,
        decimals=2,
    ),
    Kpi("exceptions_open", "Open exceptions", "exceptions", "level", "an exception", 1, 20),
    Kpi("inventory", "Units on hand", "units", "level", "a kind of place and stock status"),
    Kpi(
        "space_utilisation",
        "Bins occupied",
        "%",
        "ratio_now",
        "a level of an aisle",
        85.0,
        95.0,
        decimals=1,
    ),
    Kpi("low_stock", "Items below reorder point", "items", "level", "an item", 1, 20),
    Kpi("oversell", "Items promised beyond stock", "items", "level", "an item", 1, 1),
    Kpi("ledger_drift", "Ledger drift", "rows", "level", "the last check", 1, 1, stale_min=70),
    Kpi("dead_letters", "Dead letters kept", "readings", "level", "a reason code", 1, 1000),
    Kpi("agents", "Silent agents", "agents", "level", "an agent", 1, 1),
    Kpi("devices", "Devices not live", "devices", "level", "a device", 1, 1),
)
BY_NAME: Final[Mapping[str, Kpi]] = {kpi.name: kpi for kpi in KPIS}
