"""Inbound and floor work: ASNs with their announced content, door visits, tasks, exceptions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.db.schema.meta import at, count, document, metadata, site, uid, words

asn = Table(
    "asn",
    metadata,
    site(),
    uid("asn_id", primary_key=True),
    words("owner_id"),
    words("external_asn_id"),
    words("supplier", nullable=True),
    words("state", "announced"),
    at("expected_at"),
    at("created_at", nullable=False),
    at("arrived_at"),
    at("closed_at"),
    UniqueConstraint("site_id", "owner_id", "external_asn_id"),
    CheckConstraint(
        "state IN ('announced','arrived','receiving','closed','cancelled')", name="state"
    ),
)

asn_line = Table(
    "asn_line",
    metadata,
    site(),
    uid("asn_id", primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("item_id", BigInteger, nullable=False),
    Column("lot_id", BigInteger),
    count("expected"),
    count("received"),
    CheckConstraint("expected >= 0 AND received >= 0", name="quantities"),
)

# Announced content by tag: which unit is expected inside which handling unit.
asn_unit = Table(
    "asn_unit",
    metadata,
    site(),
    uid("asn_id", primary_key=True),
    Column("epc_key", Text, primary_key=True),
    Column("line_no", Integer, nullable=False),
    uid("handling_unit_id"),
    words("state", "expected"),
    uid("pass_id"),
    CheckConstraint("state IN ('expected','received','short')", name="state"),
    Index("ix_asn_unit_epc", "site_id", "epc_key"),
    Index("ix_asn_unit_handling_unit", "site_id", "handling_unit_id"),
    Index("ix_asn_unit_pass", "site_id", "pass_id", postgresql_where=text("pass_id IS NOT NULL")),
)

door_visit = Table(
    "door_visit",
    metadata,
    site(),
    uid("visit_id", primary_key=True),
    words("portal"),
    words("state", "open"),
    words("truck", nullable=True),
    at("opened_at", nullable=False),
    words("opened_by"),
    at("closed_at"),
    words("closed_by", nullable=True),
    document("summary"),
    CheckConstraint("state IN ('planned','open','closing','closed','cancelled')", name="state"),
    Index("ix_door_visit_opened", "site_id", "opened_at"),
    Index(
        "uq_door_visit_open",
        "site_id",
        "portal",
        unique=True,
        postgresql_where=text("state IN ('open','closing')"),
    ),
)

door_visit_document = Table(
    "door_visit_document",
    metadata,
    site(),
    uid("visit_id", primary_key=True),
    Column("kind", Text, primary_key=True),
    uid("document_id", primary_key=True),
    CheckConstraint("kind IN ('asn','shipment')", name="kind"),
)

task = Table(
    "task",
    metadata,
    site(),
    uid("task_id", primary_key=True),
    words("kind"),
    words("state", "open"),
    words("owner_id", nullable=True),
    Column("item_id", BigInteger),
    Column("lot_id", BigInteger),
    uid("handling_unit_id"),
    words("epc_key", nullable=True),
    count("quantity"),
    Column("source_location_id", BigInteger),
    Column("target_location_id", BigInteger),
    uid("reservation_id"),
    words("reason", nullable=True),
    words("assigned_to", nullable=True),
    at("lease_until"),
    at("created_at", nullable=False),
    at("changed_at", nullable=False),
    at("done_at"),
    CheckConstraint(
        "kind IN ('putaway','replenishment','discrepancy','put_back','count')", name="kind"
    ),
    Index("ix_task_open", "site_id", "kind", "state", "created_at"),
    Index("ix_task_handling_unit", "site_id", "handling_unit_id"),
    Index("ix_task_done", "site_id", "done_at"),
    Index(
        "ix_task_reservation",
        "site_id",
        "reservation_id",
        postgresql_where=text("reservation_id IS NOT NULL"),
    ),
)

# What the floor must look at: wrong door, missing carton, undecided pass, device dead, low stock.
exception = Table(
    "exception",
    metadata,
    site(),
    uid("exception_id", primary_key=True),
    words("kind"),
    words("severity", "warning"),
    words("subject"),
    words("message"),
    words("portal", nullable=True),
    uid("pass_id"),
    uid("visit_id"),
    uid("fulfilment_id"),
    words("owner_id", nullable=True),
    document("facts"),
    at("opened_at", nullable=False),
    at("acknowledged_at"),
    words("acknowledged_by", nullable=True),
    at("resolved_at"),
    CheckConstraint("severity IN ('info','warning','critical')", name="severity"),
    Index(
        "ix_exception_open", "site_id", "opened_at", postgresql_where=text("resolved_at IS NULL")
    ),
    Index("ix_exception_pass", "site_id", "pass_id", postgresql_where=text("pass_id IS NOT NULL")),
    Index(
        "uq_exception_live",
        "site_id",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
)
