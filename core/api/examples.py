"""An example of every request body, on the demo site; tests hold each to its type."""

from __future__ import annotations

from typing import Any, Final

_ORDER_ID = "019a8b0d-6f2e-7c11-a5f0-c2d4e6b81234"
_TOTE = "8003/09521101000023171"
_CARTON = "00/009521101000000012"
_UNIT = "01/09521101001006/21/1001"
_NEW_UNIT = "01/09521101001006/21/2001"
_ORDER: dict[str, Any] = {
    "external_order_id": "SO-1001",
    "channel": "web",
    "owner": "acme",
    "lines": [{"external_line_id": "1", "sku": "A-100", "quantity": 2}],
    "ship_to": {"name": "R. Vega", "line1": "Hafenstr. 1", "city": "Bonn", "country": "DE"},
    "priority": "normal",
}
_CONFIG = """[[edge.device]]
name = "dock-1-r"
driver = "llrp"
host = "10.20.0.31"
antenna = [{ port = 1, power_dbm = 30.0 }, { port = 2, power_dbm = 30.0 }]
"""
_LAYOUT: dict[str, Any] = {
    "site": {
        "id": "demo",
        "name": "Demo warehouse",
        "timezone": "Europe/Berlin",
        "travel": {
            "speed_m_s": 8,
            "reach_m": 15,
            "minimum": [{"between": ["dock-1", "dock-2"], "seconds": 20}],
        },
        "counts": {"limit_units": 10},
        "adjustments": {"limit_units": 50, "limit_value": 100000, "currency": "EUR"},
    },
    "owners": [{"owner": "acme", "name": "Acme Goods", "gs1_prefix": "9521101"}],
    "locations": [
        {"code": "DOCK-1", "kind": "dock", "x_m": 6.5, "y_m": 0.0, "width_m": 3.0, "depth_m": 4.0},
        {"code": "STAGE-IN", "kind": "staging", "x_m": 2.0, "y_m": 14.0},
        {"code": "A-01-01-1", "kind": "pick_face", "aisle": "A", "bay": 1, "level": 1},
    ],
    "portals": [
        {
            "portal": "dock-1",
            "door": "DOCK-1",
            "inside": "STAGE-IN",
            "modes": {"in": "observe", "out": "observe"},
        }
    ],
    "agents": [{"agent": "dock-1", "cell": "site"}],
    "devices": [
        {"agent": "dock-1", "device": "dock-1-r", "outputs": {"green": 1, "amber": 2, "red": 3}}
    ],
    "read_points": [
        {
            "read_point": "dock-1.out",
            "agent": "dock-1",
            "device": "dock-1-r",
            "antenna": 1,
            "role": "portal",
            "portal": "dock-1",
            "side": "outside",
        }
    ],
    "items": [{"owner": "acme", "sku": "A-100", "name": "Desk lamp", "gtin": "09521101001006"}],
    "pick_faces": [
        {"location": "A-01-01-1", "owner": "acme", "sku": "A-100", "min": 10, "max": 40}
    ],
}
_REASON = {"reason": "the tag was registered"}

BODIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/v1/keys"): {
        "name": "shop",
        "role": "integrator",
        "sites": ["demo"],
        "owners": ["acme"],
        "channels": ["web"],
    },
    ("POST", "/v1/orders"): _ORDER,
    ("POST", "/v1/orders/bulk"): {"policy": "accept_valid", "orders": [_ORDER]},
    ("PATCH", "/v1/orders/{order_id}"): {"priority": "high", "notes": "Ring twice."},
    ("POST", "/v1/orders/{order_id}/cancel/decision"): {
        "decision": "refuse",
        "reason": "already on the truck",
    },
    ("POST", "/v1/orders/{order_id}/pack"): {"tote": _TOTE, "station": "PACK-1"},
    ("POST", "/v1/releases"): {"limit": 20},
    ("POST", "/v1/pick-tasks/next"): {"worker": "ann", "tote": _TOTE},
    ("POST", "/v1/pick-tasks/{task_id}/confirm"): {"quantity": 2, "tote": _TOTE},
    ("POST", "/v1/pick-tasks/{task_id}/short"): {"picked": 0, "reason": "missing"},
    ("POST", "/v1/totes"): {"key": _TOTE},
    ("POST", "/v1/stage"): {"handling_unit": _CARTON, "location": "STAGE-OUT-1"},
    ("POST", "/v1/shipments"): {"order_ids": [_ORDER_ID], "portal": "dock-2", "carrier": "own"},
    ("POST", "/v1/shipments/{shipment_id}/palletize"): {"handling_units": [_CARTON]},
    ("POST", "/v1/dead-letters/{dead_letter_id}/redrive"): _REASON,
    ("POST", "/v1/dead-letters/{dead_letter_id}/discard"): _REASON,
    ("POST", "/v1/tags"): {
        "epc": _UNIT,
        "sku": "A-100",
        "owner": "acme",
        "location": "A-01-17-1",
        "reason": "untagged on arrival",
    },
    ("POST", "/v1/tags/{key:path}/retag"): {"epc": _NEW_UNIT, "reason": "label torn"},
    ("POST", "/v1/tags/{key:path}/kill"): {"reason": "chip destroyed"},
    ("POST", "/v1/tags/{key:path}/settle"): {"verdict": "genuine", "reason": "goods seen"},
    ("POST", "/v1/inbox/{epc}/ignore"): {"reason": "a courier's own tag"},
    ("POST", "/v1/inbox/{epc}/watch"): {"reason": "it is ours after all"},
    ("POST", "/v1/inbox/{epc}/bind"): {
        "sku": "A-100",
        "owner": "acme",
        "reason": "found without a notice",
    },
    ("POST", "/v1/imports/layout"): _LAYOUT,
    ("POST", "/v1/tasks/next"): {"kind": "putaway", "worker": "bob"},
    ("POST", "/v1/tasks/{task_id}/confirm"): {"location": "A-01-02-2"},
    ("POST", "/v1/tasks/{task_id}/cancel"): {"reason": "not needed"},
    ("PUT", "/v1/portals/{portal}/mode"): {"direction": "in", "mode": "propose"},
    ("PUT", "/v1/agents/{agent}/config"): {"document": _CONFIG},
    ("POST", "/v1/agents/{agent}/config/rollback"): {"version": 3},
    ("POST", "/v1/passes/{pass_id}/settle"): {"state": "in"},
    ("POST", "/v1/visits"): {"portal": "dock-1", "truck": "BN-AB 123", "asn_ids": [_ORDER_ID]},
    ("POST", "/v1/visits/{visit_id}/close"): {"more_expected": False},
    ("POST", "/v1/visits/{visit_id}/scan"): {"code": _CARTON, "direction": "out"},
    ("POST", "/v1/asns"): {
        "external_asn_id": "ASN-7",
        "supplier": "Lamps Ltd",
        "owner": "acme",
        "lines": [{"line_no": 1, "sku": "A-100", "quantity": 1}],
        "handling_units": [
            {"key": _CARTON, "kind": "carton", "contents": [{"epc": _UNIT, "line_no": 1}]}
        ],
    },
    ("POST", "/v1/asns/{asn_id}/receive"): {
        "lines": [{"sku": "A-100", "quantity": 1, "location": "STAGE-IN"}]
    },
    ("POST", "/v1/moves"): {
        "sku": "A-100",
        "quantity": 1,
        "from": "A-01-17-1",
        "to": "A-01-01-2",
        "owner": "acme",
    },
    ("POST", "/v1/status-changes"): {
        "sku": "A-100",
        "location": "A-01-01-1",
        "from_status": "available",
        "to_status": "quality",
        "quantity": 2,
        "reason": "quality",
        "owner": "acme",
    },
    ("PATCH", "/v1/items/{sku}"): {
        "weight_g": 850,
        "case_gtin": "19521101001003",
        "case_quantity": 12,
        "standard_cost": 1490,
        "currency": "EUR",
    },
    ("POST", "/v1/counts"): {"locations": ["A-01-01-1", "A-01-01-2"], "reason": "doubt"},
    ("POST", "/v1/counts/plan"): {"limit": 20, "zone": "A"},
    ("POST", "/v1/counts/next"): {"worker": "ann"},
    ("POST", "/v1/counts/{count_id}/submit"): {
        "worker": "ann",
        "lines": [{"sku": "A-100", "quantity": 12, "owner": "acme"}],
        "epcs": [_UNIT],
    },
    ("POST", "/v1/adjustments/{adjustment_id}/refuse"): {"reason": "the pallet was next door"},
    ("POST", "/v1/locations/{code}/lock"): {"reason": "beam is bent"},
    ("POST", "/v1/lots/{lot_id}/recall"): {"reason": "supplier notice 4711"},
    ("POST", "/v1/lots/{lot_id}/release"): {"reason": "laboratory found nothing"},
    ("POST", "/v1/adjustments"): {
        "sku": "A-100",
        "location": "A-01-17-1",
        "delta": -1,
        "reason": "damage",
        "owner": "acme",
    },
    ("POST", "/v1/webhooks"): {
        "url": "https://shop.example.com/hooks/dockledger",
        "events": ["order.shipped"],
        "timeout_s": 5,
    },
    ("POST", "/v1/webhooks/{webhook_id}/replay"): {"since": "2026-03-02T09:15:00Z"},
    ("POST", "/v1/inbound-secrets"): {"channel": "web"},
    ("POST", "/v1/inbound/{channel}"): _ORDER,
}
CSV_BODIES: Final[dict[tuple[str, str], str]] = {
    ("POST", "/v1/imports/items"): (
        "sku,name,gtin,uom,min,max\nA-900,Paper lantern,09521101009002,EA,20,200\n"
    ),
    ("POST", "/v1/imports/stock"): "location,sku,quantity\nA-01-17-1,A-100,30\n",
}
