"""Platform: API keys, outbox and its places, webhook endpoints and deliveries."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

from core.db.schema.meta import at, document, metadata, site, uid, words


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in DDL."""
        return "xid8"


ROLES = ("picker", "lead", "manager", "owner", "integrator", "device", "auditor")

api_key = Table(
    "api_key",
    metadata,
    uid("key_id", primary_key=True),
    words("name"),
    Column("prefix", Text, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    words("role"),
    Column("sites", ARRAY(Text), nullable=False),
    Column("owners", ARRAY(Text), nullable=False),
    Column("channels", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    at("created_at", nullable=False),
    at("revoked_at"),
    CheckConstraint(f"role IN {ROLES}", name="role"),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    uid("key_id", nullable=False),
    at("created_at", nullable=False),
    at("expires_at", nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    words("site_id"),
    words("owner_id", nullable=True),
    words("event"),
    words("aggregate"),
    Column("sequence", Integer, nullable=False, server_default=text("0")),
    document("payload"),
    at("occurred_at", nullable=False),
    Index("ix_outbox_xid", "xid", "id"),
)

# Where a sink stands: every row below `place` has passed. While a window [place, until) is drained
# in pieces, `after` is the last id taken of it.
outbox_place = Table(
    "outbox_place",
    metadata,
    site(),
    Column("sink", Text, primary_key=True),
    Column("place", Xid8, nullable=False),
    Column("until", Xid8),
    Column("after", BigInteger, nullable=False, server_default=text("0")),
    at("updated_at", nullable=False),
)

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    uid("endpoint_id", primary_key=True),
    words("site_id"),
    words("owner_id"),
    words("url"),
    Column("events", ARRAY(Text), nullable=False),
    Column("timeout_s", Integer, nullable=False, server_default=text("5")),
    words("secret"),
    words("previous_secret", nullable=True),
    at("rotated_at"),
    words("state", "active"),
    words("state_reason", nullable=True),
    at("created_at", nullable=False),
    at("active_since", nullable=False),
    CheckConstraint("state IN ('active','disabled')", name="state"),
    Index("ix_webhook_endpoint_site", "site_id", "owner_id", "endpoint_id"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    uid("delivery_id", primary_key=True),
    uid("endpoint_id", nullable=False),
    Column("outbox_id", BigInteger, nullable=False),
    words("event"),
    words("aggregate"),
    Column("body", LargeBinary, nullable=False),
    words("state", "due"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    at("due_at", nullable=False),
    at("lease_until"),
    words("last_outcome", nullable=True),
    at("created_at", nullable=False),
    at("delivered_at"),
    CheckConstraint("state IN ('due','delivered','dead')", name="state"),
    Index("uq_webhook_delivery_once", "endpoint_id", "outbox_id", unique=True),
    Index(
        "ix_webhook_delivery_due",
        "endpoint_id",
        "aggregate",
        "outbox_id",
        postgresql_where=text("state = 'due'"),
    ),
    Index("ix_webhook_delivery_done", "delivered_at", postgresql_where=text("state <> 'due'")),
)

# Who may post orders of a channel by signature instead of by key.
inbound_secret = Table(
    "inbound_secret",
    metadata,
    site(),
    Column("channel", Text, primary_key=True),
    words("owner_id"),
    words("secret"),
    words("previous_secret", nullable=True),
    at("rotated_at"),
    at("created_at", nullable=False),
)

inbound_seen = Table(
    "inbound_seen",
    metadata,
    site(),
    Column("channel", Text, primary_key=True),
    Column("webhook_id", Text, primary_key=True),
    at("seen_at", nullable=False),
    Index("ix_inbound_seen_at", "seen_at"),
)

# What `dockledger verify` found last: drift is an alarm on a board, never repaired in silence.
verify_run = Table(
    "verify_run",
    metadata,
    Column("run_id", BigInteger, Identity(), primary_key=True),
    words("site_id"),
    at("started_at", nullable=False),
    at("finished_at", nullable=False),
    Column("drift", Integer, nullable=False),
    document("findings"),
)

# Values of KPIs that have no history of their own, kept so that they have a trend.
kpi_sample = Table(
    "kpi_sample",
    metadata,
    site(),
    Column("name", Text, primary_key=True),
    Column("sampled_at", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
)
