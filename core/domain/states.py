"""The transition table of every aggregate (one table each; see docs/architecture.md for the
pictures).
"""

from __future__ import annotations

from core.domain.machine import Machine, machine

TAG_PRESENCE = machine(
    "tag", {"unknown": ["present"], "present": ["departed"], "departed": ["present"]}
)
PASS = machine(
    "pass",
    {
        "open": ["in", "out", "not_crossed", "undecided"],
        "undecided": ["in", "out", "not_crossed"],
    },
)
PASS_BOOKING = machine(
    "pass booking",
    {
        "unbooked": ["proposed", "booked"],
        "proposed": ["booked", "dismissed"],
        "booked": ["reversed"],
    },
)
DEAD_LETTER = machine("dead letter", {"kept": ["redriven", "discarded"]})
PROMISE = machine("promise", {"open": ["reserved", "voided", "expired"]})
RESERVATION = machine("reservation", {"pending": ["posted", "voided", "expired"]})

ORDER = machine(
    "order",
    {
        "received": ["promised", "partially_promised", "backordered", "cancelled"],
        "backordered": ["partially_promised", "promised", "cancelled"],
        "partially_promised": ["promised", "backordered", "released", "cancelled"],
        "promised": ["partially_promised", "backordered", "released", "cancelled"],
        "released": ["promised", "partially_promised", "picking", "cancelled"],
        "picking": ["picked", "cancelled"],
        "picked": ["packed", "cancelled"],
        "packed": ["staged", "cancelled"],
        "staged": ["shipped", "partially_shipped", "cancelled"],
        "partially_shipped": ["shipped"],
        "shipped": ["delivered"],
    },
)
WAVE = machine(
    "wave",
    {
        "planned": ["released", "cancelled"],
        "released": ["picking", "cancelled"],
        "picking": ["done"],
    },
)
PICK_TASK = machine(
    "pick task",
    {"open": ["assigned", "cancelled"], "assigned": ["picked", "short", "cancelled", "open"]},
)
HANDLING_UNIT = machine(
    "handling unit",
    {
        "announced": ["closed"],
        "open": ["closed"],
        "closed": ["staged", "loaded", "open", "announced"],
        "staged": ["loaded", "closed"],
        "loaded": ["gone", "staged"],
        "gone": ["open"],
    },
)
SHIPMENT = machine(
    "shipment",
    {
        "planned": ["staged", "cancelled"],
        "staged": ["verifying", "cancelled"],
        "verifying": ["verified", "held"],
        "verified": ["shipped", "verifying", "held"],
        "held": ["verifying"],
    },
)
DOOR_VISIT = machine(
    "door visit",
    {"planned": ["open", "cancelled"], "open": ["closing"], "closing": ["closed", "open"]},
)
PORTAL_MODE = machine(
    "portal mode",
    {"observe": ["propose"], "propose": ["book", "observe"], "book": ["propose", "observe"]},
)
ASN = machine(
    "ASN",
    {
        "announced": ["arrived", "cancelled"],
        "arrived": ["receiving"],
        "receiving": ["closed"],
    },
)
_TASK = {"open": ["assigned", "cancelled"], "assigned": ["done", "cancelled", "open"]}
PUTAWAY_TASK = machine("putaway task", _TASK)
REPLENISHMENT_TASK = machine("replenishment task", {"proposed": ["open", "cancelled"], **_TASK})
COUNT = machine("count", {"open": ["counted", "cancelled"], "counted": ["reconciled", "open"]})
ADJUSTMENT = machine("adjustment", {"proposed": ["posted", "refused"]})
DISCREPANCY = machine("discrepancy", {"open": ["assigned"], "assigned": ["resolved", "open"]})
TAG_BINDING = machine("tag binding", {"bound": ["retired"]})
WEBHOOK_DELIVERY = machine(
    "webhook delivery", {"due": ["delivered", "due", "dead"], "dead": ["due"]}
)
WEBHOOK_ENDPOINT = machine("webhook endpoint", {"active": ["disabled"], "disabled": ["active"]})
DEVICE = machine("device", {"live": ["stale"], "stale": ["dead", "live"], "dead": ["live"]})

ALL: tuple[Machine, ...] = (
    TAG_PRESENCE,
    PASS,
    PASS_BOOKING,
    DEAD_LETTER,
    PROMISE,
    RESERVATION,
    ORDER,
    WAVE,
    PICK_TASK,
    HANDLING_UNIT,
    SHIPMENT,
    DOOR_VISIT,
    PORTAL_MODE,
    ASN,
    PUTAWAY_TASK,
    REPLENISHMENT_TASK,
    COUNT,
    ADJUSTMENT,
    DISCREPANCY,
    TAG_BINDING,
    WEBHOOK_DELIVERY,
    WEBHOOK_ENDPOINT,
    DEVICE,
)
