"""What answers look like, for the OpenAPI document: a shape by name, and which operation has which.

A shape is `member: type`; `?` after a type is null too, `[X]` is a list, a capital is a shape.
"""

from __future__ import annotations

from typing import Any, Final

Shape = dict[str, str]
_TYPES: Final[dict[str, dict[str, Any]]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {"type": "object"},
}


def _split(words: str) -> Shape:
    pairs = (pair.split(":") for pair in words.split())
    return {name: kind for name, kind in pairs}


SHAPES: Final[dict[str, Shape]] = {
    name: _split(words)
    for name, words in {
        "Ok": "",
        "Key": "id:uuid name:text prefix:text role:text sites:[text] owners:[text] channels:[text]",
        "KeyMade": "id:uuid prefix:text key:text",
        "Caller": "name:text role:text sites:[text] owners:[text] channels:[text]",
        "OrderLine": "external_line_id:text sku:text ordered:int promised:int reserved:int"
        " picked:int packed:int shipped:int cancelled:int",
        "Carton": "id:uuid sscc:text key:text state:text location:text? shipment_id:uuid?",
        "Order": "id:uuid order_number:int external_order_id:text channel:text owner:text"
        " site:text status:text on_hold:bool exception:bool cancel_requested:bool priority:text"
        " fill_policy:text fulfilment_id:uuid received_at:time updated_at:time ship_by:time?"
        " shipped_at:time? lines:[OrderLine] cartons:[Carton]",
        "BulkResult": "index:int status:int",
        "Bulk": "results:[BulkResult]",
        "Shortage": "id:uuid sku:text wanted:int reservable:int",
        "Released": "released:[uuid] short:[Shortage]",
        "PickTask": "id:uuid order_id:uuid order_number:int sku:text item_name:text quantity:int"
        " picked:int state:text worker:text? lease_until:time? location:text x_m:number?"
        " y_m:number? handling_unit:uuid? lot:text? tote:text? epcs_here:[text]",
        "PickWork": "tasks:[PickTask] tote:text?",
        "ShortPick": "task:PickTask reserved:int promised:int backordered:int",
        "Tote": "id:uuid key:text state:text",
        "CartonMade": "id:uuid sscc:text epc_hex:text key:text state:text",
        "Packed": "carton:CartonMade",
        "Staged": "id:uuid key:text state:text location:text",
        "ShipmentUnit": "handling_unit_id:uuid key:text sscc:text? order_id:uuid? loaded:bool",
        "Shipment": "id:uuid external_id:text? owner:text? state:text carrier:text? portal:text?"
        " created_at:time updated_at:time shipped_at:time? units:[ShipmentUnit]",
        "Palletized": "shipment:Shipment",
        "DeadLetter": "id:int agent:text? boot:int? seq:int? index:int? topic:text code:text"
        " pointer:text? bytes:text received_at:time count:int state:text",
        "Hold": "epc:text code:text device:text first_seen_at:time last_seen_at:time count:int",
        "InboxEntry": "epc:text key:text? code:text state:text agent:text device:text antenna:int?"
        " first_seen_at:time last_seen_at:time count:int decided_by:text? reason:text?"
        " decided_at:time?",
        "TagEvent": "at:time key:text what:text other:text? actor:text? reason:text?",
        "Suspicion": "key:text cause:text facts:object opened_at:time verdict:text? reason:text?"
        " resolved_by:text? resolved_at:time?",
        "Tag": "key:text epc:text? state:text owner:text? carried_by:object? replaced_by:text?"
        " suspected:bool history:[TagEvent] suspicions:[Suspicion]",
        "Antenna": "antenna:int state:text reads:int tags:int rssi_mean_dbm:number?"
        " last_read_at:time?",
        "Device": "agent:text device:text driver:text state:text? read_points:[text] alarms:[text]"
        " antennas:[Antenna] missing:[text] clock_skew_ms:number? clock_jumps:int overflows:int",
        "Agent": "agent:text cell:text registration:text state:text? boot:int? cursor:int?"
        " config_version:int? config_state:text? config_error:text? config_wanted:int?",
        "AgentConfig": "agent:text version:int document:text author:text created_at:time state:text"
        " error:text? reported_at:time?",
        "Imported": "imported:object",
        "Exception": "id:uuid kind:text severity:text subject:text message:text portal:text?"
        " pass_id:uuid? visit_id:uuid? owner:text? facts:object opened_at:time"
        " acknowledged_at:time? resolved_at:time?",
        "Task": "id:uuid kind:text state:text owner:text? handling_unit:uuid? epc:text? sku:text?"
        " quantity:int from:text? to:text? worker:text? created_at:time done_at:time?",
        "Mode": "direction:text owner:text mode:text",
        "Portal": "portal:text door:text inside:text visit_id:uuid? light:text agent_state:text?"
        " modes:[Mode]",
        "ModeSet": "portal:text direction:text owner:text mode:text before:text",
        "Direction": "direction:text passes:int undecided:int tags:int agreed:int"
        " false_accepts:int false_rejects:int agreement:number? may_step_up:bool",
        "Report": "portal:text bar:object directions:[Direction]",
        "Pass": "id:uuid portal:text visit_id:uuid? state:text booking:text mode:text verdict:text?"
        " opened_at:time closed_at:time? decided_at:time? settled_by:text? crossed:int"
        " rejected:int",
        "PassTag": "epc:text? key:text? outcome:text reason:text? features:object? evidence:object?"
        " sku:text? location:text?",
        "PassSettled": "id:uuid portal:text state:text booking:text tags:[PassTag]",
        "Document": "kind:text id:uuid external_id:text?",
        "Remainder": "expected:int received:int over:int short:int wrong:int lines:[object]",
        "Visit": "id:uuid portal:text state:text truck:text? opened_at:time opened_by:text"
        " closed_at:time? documents:[Document] summary:object?",
        "VisitOpen": "id:uuid portal:text state:text truck:text? opened_at:time"
        " documents:[Document] remainder:Remainder",
        "VisitClosed": "id:uuid state:text expected:int received:int over:int short:int wrong:int",
        "Scan": "pass_id:uuid key:text verdict:text light:text tags:[object]",
        "AsnLine": "line_no:int sku:text item_name:text lot:text? expected:int received:int",
        "Asn": "id:uuid external_asn_id:text owner:text site:text supplier:text? state:text"
        " expected_at:time? created_at:time closed_at:time? lines:[AsnLine]",
        "Availability": "sku:text name:text owner:text safety_stock:int on_hand:int available:int"
        " promised:int reserved:int incoming:int quality:int hold:int damaged:int",
        "Quant": "owner:text sku:text lot:text? location:text handling_unit:uuid? status:text"
        " on_hand:int reserved:int? available:int?",
        "Move": "id:int owner:text sku:text lot:text? quantity:int epc:text? source:text"
        " target:text biz_step:text cause:text pass_id:uuid? actor:text?",
        "Moved": "moved:bool to:text",
        "Item": "id:int owner:text sku:text name:text gtin:text? uom:text min:int? max:int?"
        " tracking:text active:bool safety_stock:int weight_g:int? volume_ml:int? length_mm:int?"
        " width_mm:int? height_mm:int? shelf_life_days:int? storage_class:text? hazard_class:text?"
        " hs_code:text? origin:text? standard_cost:int? price:int? currency:text? case_gtin:text?"
        " case_quantity:int? pallet_gtin:text? pallet_quantity:int?",
        "Location": "code:text kind:text zone:text? aisle:text? bay:int? level:int? x_m:number?"
        " y_m:number? width_m:number? depth_m:number? capacity_units:int? walk_order:int"
        " locked:bool lock_reason:text? locked_by:text? locked_at:time? on_hand:int",
        "Correction": "id:uuid owner:text sku:text location:text delta:int reason:text status:text"
        " epcs:[text] state:text proposed_at:time proposed_by:text decided_at:time?"
        " decided_by:text? note:text?",
        "Lot": "id:int owner:text sku:text name:text lot:text expires_at:time? recalled_at:time?"
        " recall_reason:text? recalled_by:text? released_at:time? release_reason:text?"
        " released_by:text? on_hand:int available:int",
        "LotTrace": "lot:Lot received:[object] here:[object] in_orders:[object] shipped:[object]"
        " complete:bool",
        "Recall": "lot:Lot moved:int in_orders:[object]",
        "StatusChange": "id:uuid sku:text from_status:text to_status:text quantity:int reason:text",
        "CountHead": "id:uuid location:text zone:text? reason:text state:text round:int"
        " worker:text? created_at:time created_by:text started_at:time? counted_at:time?"
        " counted_by:text? reconciled_at:time? reconciled_by:text?",
        "CountLine": "owner:text sku:text lot:text? handling_unit_key:text? status:text"
        " expected:int counted:int variance:int finding:text",
        "CountUnit": "epc:text finding:text sku:text? booked_location:text?",
        "Count": "id:uuid location:text zone:text? reason:text state:text round:int"
        " worker:text? created_at:time created_by:text started_at:time? counted_at:time?"
        " counted_by:text? reconciled_at:time? reconciled_by:text? lines:[CountLine]"
        " units:[CountUnit]",
        "CountsOpened": "opened:[uuid]",
        "CountTaken": "id:uuid location:text round:int",
        "CountDone": "id:uuid result:text off:int",
        "Unit": "key:text owner:text sku:text lot:text? state:text status:text location:text?"
        " handling_unit:uuid? seen_location:text? confidence:number? presence:text? age_s:number?",
        "HandlingUnit": "id:uuid key:text kind:text state:text owner:text? location:text?"
        " contents:[object] seen_location:text? confidence:number? presence:text? age_s:number?",
        "Step": "at:time what:text source:text? target:text? fact:text? pass_id:uuid?",
        "Journey": "key:text steps:[Step] complete:bool",
        "Adjustment": "id:uuid state:text sku:text location:text delta:int reason:text",
        "Webhook": "id:uuid owner:text url:text events:[text] timeout_s:int state:text"
        " state_reason:text? rotated_at:time? created_at:time",
        "WebhookMade": "id:uuid url:text events:[text] state:text secret:text",
        "Delivery": "id:uuid event_id:int event:text aggregate:text state:text attempts:int"
        " last_outcome:text? due_at:time? created_at:time delivered_at:time?",
        "Replayed": "replayed:int",
        "InboundSecret": "channel:text owner:text secret:text",
        "Past": "at:time sections:object",
        "Observations": "key:text since:time until:time items:[object] more:bool",
        "Hit": "what:text key:text label:text state:text? places:[text]",
    }.items()
}
_LISTS = ("Device", "Agent", "Portal", "Hit")
_PAGES = (
    "AgentConfig",
    "Key", "Order", "PickTask", "Shipment", "DeadLetter", "Hold", "InboxEntry", "Exception", "Task",
    "Pass", "Visit", "Asn", "Availability", "Quant", "Move", "Webhook", "Delivery",
    "Lot", "CountHead", "Item", "Location", "Correction",
)  # fmt: skip
# Operations that may also end with another success.
ALSO: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("POST", "/v1/orders"): ("200",),
    ("POST", "/v1/asns"): ("200",),
    ("POST", "/v1/pick-tasks/next"): ("204",),
    ("POST", "/v1/tasks/next"): ("204",),
    ("POST", "/v1/counts/next"): ("204",),
    ("POST", "/v1/inbound/{channel}"): ("201",),
}
_RESULTS: Final[dict[str, str]] = {
    "GET /v1/me": "Caller",
    "GET /v1/keys": "KeyPage",
    "POST /v1/keys": "KeyMade",
    "POST /v1/orders": "Order",
    "POST /v1/orders/bulk": "Bulk",
    "GET /v1/orders": "OrderPage",
    "GET /v1/orders/{order_id}": "Order",
    "PATCH /v1/orders/{order_id}": "Order",
    "POST /v1/orders/{order_id}/cancel": "Order",
    "POST /v1/orders/{order_id}/cancel/decision": "Order",
    "POST /v1/orders/{order_id}/hold": "Order",
    "POST /v1/orders/{order_id}/unhold": "Order",
    "POST /v1/orders/{order_id}/dissolve": "Order",
    "POST /v1/orders/{order_id}/pack": "Packed",
    "POST /v1/releases": "Released",
    "GET /v1/pick-tasks": "PickTaskPage",
    "POST /v1/pick-tasks/next": "PickWork",
    "POST /v1/pick-tasks/{task_id}/confirm": "PickTask",
    "POST /v1/pick-tasks/{task_id}/short": "ShortPick",
    "POST /v1/pick-tasks/{task_id}/handback": "PickTask",
    "POST /v1/totes": "Tote",
    "POST /v1/stage": "Staged",
    "GET /v1/shipments": "ShipmentPage",
    "POST /v1/shipments": "Shipment",
    "GET /v1/shipments/{shipment_id}": "Shipment",
    "POST /v1/shipments/{shipment_id}/palletize": "Palletized",
    "POST /v1/shipments/{shipment_id}/cancel": "Shipment",
    "POST /v1/shipments/{shipment_id}/resume": "Shipment",
    "GET /v1/dead-letters": "DeadLetterPage",
    "GET /v1/dead-letters/{dead_letter_id}": "DeadLetter",
    "POST /v1/dead-letters/{dead_letter_id}/redrive": "DeadLetter",
    "POST /v1/dead-letters/{dead_letter_id}/discard": "DeadLetter",
    "GET /v1/holds": "HoldPage",
    "GET /v1/inbox": "InboxEntryPage",
    "POST /v1/inbox/{epc}/ignore": "InboxEntry",
    "POST /v1/inbox/{epc}/watch": "InboxEntry",
    "POST /v1/inbox/{epc}/bind": "Tag",
    "POST /v1/tags": "Tag",
    "GET /v1/tags/{key:path}": "Tag",
    "POST /v1/tags/{key:path}/retag": "Tag",
    "POST /v1/tags/{key:path}/kill": "Tag",
    "POST /v1/tags/{key:path}/settle": "Tag",
    "GET /v1/devices": "DeviceList",
    "GET /v1/agents": "AgentList",
    "GET /v1/agents/{agent}/config": "AgentConfig",
    "PUT /v1/agents/{agent}/config": "AgentConfig",
    "GET /v1/agents/{agent}/config/history": "AgentConfigPage",
    "POST /v1/agents/{agent}/config/rollback": "AgentConfig",
    "POST /v1/imports/layout": "Imported",
    "POST /v1/imports/items": "Imported",
    "POST /v1/imports/stock": "Imported",
    "GET /v1/exceptions": "ExceptionPage",
    "GET /v1/exceptions/{exception_id}": "Exception",
    "POST /v1/exceptions/{exception_id}/acknowledge": "Exception",
    "POST /v1/exceptions/{exception_id}/resolve": "Exception",
    "GET /v1/tasks": "TaskPage",
    "GET /v1/tasks/{task_id}": "Task",
    "POST /v1/tasks/next": "Task",
    "POST /v1/tasks/{task_id}/confirm": "Task",
    "POST /v1/tasks/{task_id}/handback": "Task",
    "POST /v1/tasks/{task_id}/cancel": "Task",
    "GET /v1/portals": "PortalList",
    "PUT /v1/portals/{portal}/mode": "ModeSet",
    "GET /v1/portals/{portal}/report": "Report",
    "GET /v1/passes": "PassPage",
    "GET /v1/passes/{pass_id}": "PassSettled",
    "POST /v1/passes/{pass_id}/settle": "PassSettled",
    "POST /v1/passes/{pass_id}/confirm": "PassSettled",
    "POST /v1/passes/{pass_id}/dismiss": "PassSettled",
    "POST /v1/passes/{pass_id}/reverse": "PassSettled",
    "GET /v1/visits": "VisitPage",
    "POST /v1/visits": "VisitOpen",
    "GET /v1/visits/{visit_id}": "VisitOpen",
    "POST /v1/visits/{visit_id}/close": "VisitClosed",
    "POST /v1/visits/{visit_id}/scan": "Scan",
    "GET /v1/asns": "AsnPage",
    "POST /v1/asns": "Asn",
    "GET /v1/asns/{asn_id}": "Asn",
    "POST /v1/asns/{asn_id}/cancel": "Asn",
    "POST /v1/asns/{asn_id}/receive": "Asn",
    "GET /v1/availability": "AvailabilityPage",
    "GET /v1/stock": "QuantPage",
    "GET /v1/moves": "MovePage",
    "POST /v1/moves": "Moved",
    "GET /v1/units/{key:path}": "Unit",
    "GET /v1/handling-units/{name:path}": "HandlingUnit",
    "GET /v1/journey/{key:path}": "Journey",
    "POST /v1/adjustments": "Adjustment",
    "GET /v1/locations": "LocationPage",
    "GET /v1/locations/{code}": "Location",
    "POST /v1/locations/{code}/lock": "Location",
    "POST /v1/locations/{code}/unlock": "Location",
    "GET /v1/adjustments": "CorrectionPage",
    "GET /v1/adjustments/{adjustment_id}": "Correction",
    "POST /v1/adjustments/{adjustment_id}/approve": "Correction",
    "POST /v1/adjustments/{adjustment_id}/refuse": "Correction",
    "GET /v1/items": "ItemPage",
    "GET /v1/items/{sku}": "Item",
    "PATCH /v1/items/{sku}": "Item",
    "POST /v1/status-changes": "StatusChange",
    "GET /v1/lots": "LotPage",
    "GET /v1/lots/{lot_id}": "Lot",
    "GET /v1/lots/{lot_id}/trace": "LotTrace",
    "POST /v1/lots/{lot_id}/recall": "Recall",
    "POST /v1/lots/{lot_id}/release": "Recall",
    "GET /v1/counts": "CountHeadPage",
    "POST /v1/counts": "CountsOpened",
    "POST /v1/counts/plan": "CountsOpened",
    "POST /v1/counts/next": "CountTaken",
    "GET /v1/counts/{count_id}": "Count",
    "POST /v1/counts/{count_id}/submit": "CountDone",
    "POST /v1/counts/{count_id}/recount": "Count",
    "POST /v1/counts/{count_id}/reconcile": "Count",
    "POST /v1/counts/{count_id}/cancel": "Count",
    "GET /v1/webhooks": "WebhookPage",
    "POST /v1/webhooks": "WebhookMade",
    "GET /v1/webhooks/{webhook_id}": "Webhook",
    "GET /v1/webhooks/{webhook_id}/deliveries": "DeliveryPage",
    "POST /v1/webhooks/{webhook_id}/rotate": "WebhookMade",
    "POST /v1/webhooks/{webhook_id}/enable": "Webhook",
    "POST /v1/webhooks/{webhook_id}/replay": "Replayed",
    "POST /v1/inbound-secrets": "InboundSecret",
    "GET /v1/map/search": "HitList",
    "GET /v1/map/at": "Past",
    "GET /v1/observations": "Observations",
}


def result_of(name: tuple[str, str]) -> str:
    """The shape of an operation's success; any object when none is named."""
    return _RESULTS.get(" ".join(name), "Ok")


def _type(kind: str) -> dict[str, Any]:
    if kind.endswith("?"):
        return {"anyOf": [_type(kind[:-1]), {"type": "null"}]}
    if kind.startswith("["):
        return {"type": "array", "items": _type(kind[1:-1])}
    if kind[0].isupper():
        return {"$ref": f"#/components/schemas/{kind}"}
    return dict(_TYPES[kind])


def _object(members: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


def _list(name: str) -> dict[str, Any]:
    return _type(f"[{name}]")


SCHEMAS: Final[dict[str, Any]] = {
    **{n: _object({k: _type(v) for k, v in shape.items()}) for n, shape in SHAPES.items()},
    **{f"{name}List": _object({"items": _list(name)}) for name in _LISTS},
    **{
        f"{name}Page": _object({"items": _list(name), "next_cursor": _type("text?")})
        for name in _PAGES
    },
}
