"""Demand: orders as they came in, what a site fulfils of them, pick tasks, shipments.

An order has no site; a fulfilment carries the state table of the order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.db.schema.meta import at, count, document, metadata, site, uid, words

ORDER_STATES = (
    "received",
    "promised",
    "partially_promised",
    "backordered",
    "released",
    "picking",
    "picked",
    "packed",
    "staged",
    "shipped",
    "partially_shipped",
    "delivered",
    "cancelled",
)

order = Table(
    "customer_order",
    metadata,
    uid("order_id", primary_key=True),
    words("owner_id"),
    words("channel"),
    words("external_order_id"),
    Column("order_number", BigInteger, Identity(), unique=True),
    Column("body_digest", LargeBinary, nullable=False),
    document("body"),
    words("priority", "normal"),
    words("fill_policy", "fill_all"),
    at("received_at", nullable=False),
    UniqueConstraint("owner_id", "channel", "external_order_id"),
)

fulfilment = Table(
    "fulfilment",
    metadata,
    site(),
    uid("fulfilment_id", primary_key=True),
    uid("order_id", nullable=False),
    words("owner_id"),
    words("state", "received"),
    Column("on_hold", Boolean, nullable=False, server_default=text("false")),
    Column("exception", Boolean, nullable=False, server_default=text("false")),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    words("priority", "normal"),
    at("ship_by"),
    uid("wave_id"),
    uid("tote_id"),
    at("received_at", nullable=False),
    at("promised_at"),
    at("released_at"),
    at("picked_at"),
    at("packed_at"),
    at("staged_at"),
    at("shipped_at"),
    at("changed_at", nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("sequence", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(f"state IN {ORDER_STATES}", name="state"),
    Index("ix_fulfilment_order", "order_id"),
    Index("ix_fulfilment_state", "site_id", "state", "received_at"),
    Index("ix_fulfilment_received", "site_id", "received_at"),
    Index("ix_fulfilment_shipped", "site_id", "shipped_at"),
)

fulfilment_line = Table(
    "fulfilment_line",
    metadata,
    site(),
    uid("fulfilment_id", primary_key=True),
    Column("line_no", Integer, primary_key=True),
    words("external_line_id"),
    Column("item_id", BigInteger, nullable=False),
    words("sku"),
    count("ordered"),
    count("promised"),
    count("reserved"),
    count("picked"),
    count("packed"),
    count("shipped"),
    count("cancelled"),
    count("returned"),
    CheckConstraint("ordered > 0", name="ordered"),
    CheckConstraint(
        "promised >= 0 AND reserved >= 0 AND picked >= 0 AND packed >= 0", name="progress"
    ),
    CheckConstraint("shipped + cancelled <= ordered", name="closed"),
    Index("ix_fulfilment_line_item", "site_id", "item_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("response_status", Integer),
    Column("response_body", LargeBinary),
    at("created_at", nullable=False),
    Index("ix_idempotency_created", "created_at"),
)

wave = Table(
    "wave",
    metadata,
    site(),
    uid("wave_id", primary_key=True),
    words("state", "planned"),
    words("rule", nullable=True),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    CheckConstraint("state IN ('planned','released','picking','done','cancelled')", name="state"),
)

pick_task = Table(
    "pick_task",
    metadata,
    site(),
    uid("task_id", primary_key=True),
    uid("wave_id"),
    uid("fulfilment_id", nullable=False),
    Column("line_no", Integer, nullable=False),
    uid("reservation_id", nullable=False),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    Column("location_id", BigInteger, nullable=False),
    uid("handling_unit_id"),
    count("quantity"),
    count("picked"),
    words("state", "open"),
    words("reason", nullable=True),
    words("assigned_to", nullable=True),
    at("lease_until"),
    Column("walk_order", Integer, nullable=False, server_default=text("0")),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    at("started_at"),
    at("done_at"),
    CheckConstraint("state IN ('open','assigned','picked','short','cancelled')", name="state"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_pick_task_open", "site_id", "state", "walk_order"),
    Index("ix_pick_task_fulfilment", "site_id", "fulfilment_id"),
    Index("ix_pick_task_reservation", "site_id", "reservation_id"),
    Index("ix_pick_task_wave", "site_id", "wave_id"),
    Index("ix_pick_task_done", "site_id", "done_at"),
    Index(
        "ix_pick_task_assigned",
        "site_id",
        "assigned_to",
        postgresql_where=text("state = 'assigned'"),
    ),
)

shipment = Table(
    "shipment",
    metadata,
    site(),
    uid("shipment_id", primary_key=True),
    words("external_id", nullable=True),
    words("owner_id"),
    words("state", "planned"),
    words("carrier", nullable=True),
    words("portal", nullable=True),
    Column("staging_location_id", BigInteger),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    at("shipped_at"),
    CheckConstraint(
        "state IN ('planned','staged','verifying','verified','held','shipped','cancelled')",
        name="state",
    ),
    Index("ix_shipment_state", "site_id", "state"),
)

# What a shipment must hold at the door: its top-level handling units and the cartons inside.
shipment_unit = Table(
    "shipment_unit",
    metadata,
    site(),
    uid("shipment_id", primary_key=True),
    uid("handling_unit_id", primary_key=True),
    uid("fulfilment_id"),
    at("loaded_at"),
    uid("pass_id"),
)
