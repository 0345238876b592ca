"""Tags: which EPC was bound to what and how it ended, and tags under suspicion of being copies."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, text

from core.db.schema.meta import at, document, metadata, site, uid, words

# One row per EPC for ever: a binding that ended is never taken up again. Tags that an ASN or an
# import made known have no row until a person touches them.
tag_binding = Table(
    "tag_binding",
    metadata,
    site(),
    Column("epc_key", Text, primary_key=True),
    words("epc", nullable=True),
    words("state", "bound"),
    words("owner_id", nullable=True),
    Column("item_id", BigInteger),
    Column("lot_id", BigInteger),
    uid("handling_unit_id"),
    words("replaces", nullable=True),
    words("bound_by", nullable=True),
    words("bound_reason", nullable=True),
    at("bound_at"),
    words("ended", nullable=True),
    words("replaced_by", nullable=True),
    words("retired_by", nullable=True),
    words("retired_reason", nullable=True),
    at("retired_at"),
    CheckConstraint("state IN ('bound','retired')", name="state"),
    CheckConstraint("(state = 'retired') = (ended IS NOT NULL)", name="end"),
    CheckConstraint("ended IN ('killed','retagged')", name="ended"),
)

# The chip number that a tag answered with at first; another one under the same EPC is a copy.
tag_chip = Table(
    "tag_chip",
    metadata,
    site(),
    Column("epc_key", Text, primary_key=True),
    words("tid"),
    at("first_seen_at", nullable=False),
)

tag_quarantine = Table(
    "tag_quarantine",
    metadata,
    site(),
    uid("quarantine_id", primary_key=True),
    words("epc_key"),
    words("cause"),
    document("facts"),
    at("opened_at", nullable=False),
    words("verdict", nullable=True),
    words("reason", nullable=True),
    words("resolved_by", nullable=True),
    at("resolved_at"),
    CheckConstraint("cause IN ('travel','tid')", name="cause"),
    CheckConstraint("verdict IN ('genuine','copy')", name="verdict"),
    CheckConstraint("(verdict IS NULL) = (resolved_at IS NULL)", name="resolved"),
    Index(
        "uq_tag_quarantine_open",
        "site_id",
        "epc_key",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
)
