"""Counts and corrections: what was found of each item and tag of a bin, and who may book it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.db.schema.meta import at, count, metadata, site, uid, words

stocktake = Table(
    "stocktake",
    metadata,
    site(),
    uid("count_id", primary_key=True),
    Column("location_id", BigInteger, nullable=False),
    words("reason"),
    words("state", "open"),
    Column("round", Integer, nullable=False, server_default=text("1")),
    words("assigned_to", nullable=True),
    at("created_at", nullable=False),
    words("created_by"),
    at("started_at"),
    at("counted_at"),
    words("counted_by", nullable=True),
    words("counted_key", nullable=True),
    at("reconciled_at"),
    words("reconciled_by", nullable=True),
    CheckConstraint("reason IN ('plan','zero_check','doubt','hand','sweep')", name="reason"),
    CheckConstraint("state IN ('open','counted','reconciled','cancelled')", name="state"),
    Index(
        "uq_stocktake_live",
        "site_id",
        "location_id",
        unique=True,
        postgresql_where=text("state IN ('open','counted')"),
    ),
    Index("ix_stocktake_state", "site_id", "state", "created_at"),
    Index("ix_stocktake_location", "site_id", "location_id", "reconciled_at"),
)

# Goods without tags; one row per item, lot and status of the bin in the last round.
stocktake_line = Table(
    "stocktake_line",
    metadata,
    site(),
    Column("line_id", BigInteger, Identity(), primary_key=True),
    uid("count_id", nullable=False),
    words("owner_id"),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    uid("handling_unit_id"),
    words("status", "available"),
    count("expected"),
    count("counted"),
    count("variance"),
    words("finding"),
    CheckConstraint("finding IN ('right','more','less','disturbed')", name="finding"),
    Index("ix_stocktake_line_count", "site_id", "count_id"),
)

# Tags that the book and the counter see differently.
stocktake_unit = Table(
    "stocktake_unit",
    metadata,
    site(),
    uid("count_id", primary_key=True),
    Column("epc_key", Text, primary_key=True),
    words("finding"),
    CheckConstraint(
        "finding IN ('missing','elsewhere','back','unknown','disturbed')", name="finding"
    ),
)

# A correction above the site's limit waits for a second person; the others are posted at once.
adjustment = Table(
    "adjustment",
    metadata,
    site(),
    uid("adjustment_id", primary_key=True),
    words("owner_id"),
    words("sku"),
    words("location"),
    Column("delta", BigInteger, nullable=False),
    words("reason"),
    words("status", "available"),
    Column("epcs", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    words("state", "proposed"),
    at("proposed_at", nullable=False),
    words("proposed_by"),
    at("decided_at"),
    words("decided_by", nullable=True),
    words("note", nullable=True),
    CheckConstraint("state IN ('proposed','posted','refused')", name="state"),
    Index("ix_adjustment_proposed", "site_id", "proposed_at"),
)
