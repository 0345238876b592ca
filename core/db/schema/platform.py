"""Platform: API keys, outbox and its places, webhook endpoints and deliveries."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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

from core.db.schema.meta import at, document, metadata, uid, words


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

outbox_place = Table(
    "outbox_place",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("place", Xid8, nullable=False),
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
    CheckConstraint("state IN ('active','disabled')", name="state"),
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
    words("last_outcome", nullable=True),
    at("created_at", nullable=False),
    at("delivered_at"),
    CheckConstraint("state IN ('due','delivered','dead')", name="state"),
    Index("uq_webhook_delivery_once", "endpoint_id", "outbox_id", unique=True),
    Index(
        "ix_webhook_delivery_due", "endpoint_id", "due_at", postgresql_where=text("state = 'due'")
    ),
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
