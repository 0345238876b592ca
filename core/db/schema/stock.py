"""Stock: the append-only move ledger, the quants it implies, units, handling units, commitments.

For each owner, item and lot the moves sum to zero over all locations; a quant changes only in the
transaction of its move.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.db.schema.meta import at, count, metadata, site, uid, words

STATUSES = ("available", "quality", "hold", "damaged", "expired")

move = Table(
    "move",
    metadata,
    site(),
    Column("move_id", BigInteger, Identity(), primary_key=True),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    count("quantity"),
    Column("source_location_id", BigInteger, nullable=False),
    uid("source_handling_unit_id"),
    words("source_status", "available"),
    Column("target_location_id", BigInteger, nullable=False),
    uid("target_handling_unit_id"),
    words("target_status", "available"),
    words("epc_key", nullable=True),
    words("biz_step"),
    words("cause"),
    words("cause_id"),
    words("source"),
    words("source_key"),
    uid("pass_id"),
    Column("reverses_move_id", BigInteger),
    words("actor", nullable=True),
    at("occurred_at", nullable=False),
    at("recorded_at", nullable=False),
    UniqueConstraint("site_id", "source", "source_key"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint(
        "cause IN ('pass','scan','task','order','count','adjustment','import')", name="cause"
    ),
    Index(
        "ix_move_epc", "site_id", "epc_key", "move_id", postgresql_where=text("epc_key IS NOT NULL")
    ),
    Index("ix_move_item", "site_id", "owner_id", "item_id", "move_id"),
    Index(
        "ix_move_lot", "site_id", "lot_id", "move_id", postgresql_where=text("lot_id IS NOT NULL")
    ),
    Index("ix_move_pass", "site_id", "pass_id", postgresql_where=text("pass_id IS NOT NULL")),
    Index("ix_move_cause", "site_id", "cause", "cause_id"),
    Index("ix_move_recorded", "site_id", "recorded_at"),
    Index(
        "ix_move_source_unit",
        "site_id",
        "source_handling_unit_id",
        postgresql_where=text("source_handling_unit_id IS NOT NULL"),
    ),
    Index(
        "ix_move_target_unit",
        "site_id",
        "target_handling_unit_id",
        postgresql_where=text("target_handling_unit_id IS NOT NULL"),
    ),
)

quant = Table(
    "quant",
    metadata,
    site(),
    Column("quant_id", BigInteger, Identity(), primary_key=True),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    Column("location_id", BigInteger, nullable=False),
    uid("handling_unit_id"),
    words("status", "available"),
    count("on_hand"),
    count("reserved"),
    at("received_at"),
    UniqueConstraint(
        "site_id",
        "owner_id",
        "item_id",
        "lot_id",
        "location_id",
        "handling_unit_id",
        "status",
        name="uq_quant_key",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint("on_hand >= 0", name="on_hand"),
    CheckConstraint("0 <= reserved AND reserved <= on_hand", name="reserved"),
    CheckConstraint(f"status IN {STATUSES}", name="status"),
    Index("ix_quant_item", "site_id", "item_id"),
    Index("ix_quant_location", "site_id", "location_id"),
    Index("ix_quant_lot", "site_id", "lot_id", postgresql_where=text("lot_id IS NOT NULL")),
    Index("ix_quant_handling_unit", "site_id", "handling_unit_id"),
)

# Site-level availability: what may be promised. sellable = on hand with status available at
# physical,
# sellable places; committed = open promises + pending reservations of orders. One row per (owner,
# item).
availability = Table(
    "availability",
    metadata,
    site(),
    Column("owner_id", Text, primary_key=True),
    Column("item_id", BigInteger, primary_key=True),
    count("sellable"),
    count("committed"),
    CheckConstraint("sellable >= 0", name="sellable"),
    CheckConstraint("committed >= 0", name="committed"),
)

unit = Table(
    "unit",
    metadata,
    site(),
    Column("epc_key", Text, primary_key=True),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    words("state", "announced"),
    words("status", "available"),
    Column("location_id", BigInteger),
    uid("handling_unit_id"),
    uid("reservation_id"),
    at("changed_at", nullable=False),
    CheckConstraint("state IN ('announced','present','gone','missing','retired')", name="state"),
    CheckConstraint("(state = 'present') = (location_id IS NOT NULL)", name="place"),
    Index("ix_unit_location", "site_id", "location_id"),
    Index("ix_unit_handling_unit", "site_id", "handling_unit_id"),
    Index("ix_unit_item", "site_id", "item_id"),
)

handling_unit = Table(
    "handling_unit",
    metadata,
    site(),
    uid("handling_unit_id", primary_key=True),
    words("epc_key"),
    words("kind"),
    words("owner_id", nullable=True),
    words("state", "open"),
    Column("location_id", BigInteger),
    uid("parent_id"),
    uid("shipment_id"),
    uid("fulfilment_id"),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    UniqueConstraint("site_id", "epc_key"),
    CheckConstraint("kind IN ('pallet','carton','tote')", name="kind"),
    CheckConstraint(
        "state IN ('announced','open','closed','staged','loaded','gone')", name="state"
    ),
    CheckConstraint("parent_id IS NULL OR parent_id <> handling_unit_id", name="parent"),
    Index("ix_handling_unit_location", "site_id", "location_id"),
    Index("ix_handling_unit_parent", "site_id", "parent_id"),
    Index("ix_handling_unit_shipment", "site_id", "shipment_id"),
    Index("ix_handling_unit_fulfilment", "site_id", "fulfilment_id"),
)

promise = Table(
    "promise",
    metadata,
    site(),
    uid("promise_id", primary_key=True),
    uid("fulfilment_id", nullable=False),
    Column("line_no", BigInteger, nullable=False),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    count("quantity"),
    words("state", "open"),
    at("created_at", nullable=False),
    at("expires_at"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("state IN ('open','reserved','voided','expired')", name="state"),
    Index(
        "ix_promise_open", "site_id", "owner_id", "item_id", postgresql_where=text("state = 'open'")
    ),
    Index("ix_promise_fulfilment", "site_id", "fulfilment_id"),
)

reservation = Table(
    "reservation",
    metadata,
    site(),
    uid("reservation_id", primary_key=True),
    words("purpose"),
    Column("quant_id", BigInteger, nullable=False),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    count("quantity"),
    uid("fulfilment_id"),
    Column("line_no", BigInteger),
    uid("task_id"),
    words("state", "pending"),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    CheckConstraint("purpose IN ('order','replenishment')", name="purpose"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("state IN ('pending','posted','voided','expired')", name="state"),
    CheckConstraint("(purpose = 'order') = (fulfilment_id IS NOT NULL)", name="order"),
    Index(
        "ix_reservation_quant", "site_id", "quant_id", postgresql_where=text("state = 'pending'")
    ),
    Index("ix_reservation_fulfilment", "site_id", "fulfilment_id"),
)

# What stood where at a past midnight, so that the floor of a minute is counted from near by.
stock_mark = Table(
    "stock_mark",
    metadata,
    site(),
    Column("marked_at", BigInteger, primary_key=True),
    at("taken_at", nullable=False),
)

stock_mark_row = Table(
    "stock_mark_row",
    metadata,
    site(),
    Column("marked_at", BigInteger, primary_key=True),
    Column("row", BigInteger, Identity(), primary_key=True),
    words("owner_id"),
    Column("location_id", BigInteger, nullable=False),
    uid("handling_unit_id"),
    count("on_hand"),
)
