"""Words, colours and limits that boards share; the limits are those of the KPI catalogue.

A test compares them with it.
"""

from __future__ import annotations

from dashboards.panels import Limits

SEVERITY = {
    "critical": ("critical", "red"),
    "warning": ("warning", "orange"),
    "info": ("info", "blue"),
}
DEVICE = {
    "live": ("live", "green"),
    "stale": ("stale", "orange"),
    "dead": ("dead", "red"),
    "unheard": ("never heard", "purple"),
}
FIND = ("Find it on the map", "${dockledger}/?q=${__value.text:percentencode}")
NOTHING = "nothing: that is good"

LIMITS = {
    "orders_at_risk": Limits(1, 5),
    "order_cycle": Limits(90, 240),
    "on_time_shipment": Limits(99.7, 98.0, higher_is_better=True),
    "backorder_rate": Limits(2.0, 10.0),
    "perfect_visit": Limits(98.0, 90.0, higher_is_better=True),
    "perfect_pass_rate": Limits(99.0, 95.0, higher_is_better=True),
    "undecided_share": Limits(2.0, 5.0),
    "verdict_latency": Limits(400, 500),
    "dock_to_stock": Limits(3.5, 8.0),
    "exceptions_open": Limits(1, 20),
    "pick_face_stockouts": Limits(1, 5),
    "low_stock": Limits(1, 20),
    "oversell": Limits(1, 1),
    "ledger_drift": Limits(1, 1),
    "dead_letters": Limits(1, 1000),
    "devices": Limits(1, 1),
}
