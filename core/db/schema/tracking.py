"""Tracking: cells, cursors, passes with their tags and evidence, positions, held readings, dead
letters.
"""

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

from core.db.schema.meta import at, count, document, metadata, site, small, uid, words

cell = Table(
    "cell",
    metadata,
    site(),
    Column("cell", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    words("holder", nullable=True),
    at("taken_at"),
)

# A holder's sign of life, apart from `cell` so that it never waits for a running commit.
cell_beat = Table(
    "cell_beat",
    metadata,
    site(),
    Column("cell", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("beats", BigInteger, nullable=False),
)

# Belts that are jammed now; a `jam_clear` needs one.
belt_jam = Table(
    "belt_jam",
    metadata,
    site(),
    Column("belt", Text, primary_key=True),
    at("since", nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", LargeBinary),
    count("messages"),
    count("applied"),
    count("held"),
    count("dead"),
    count("dead_messages"),
    Column("epoch", BigInteger, nullable=False),
    at("updated_at", nullable=False),
    CheckConstraint("seq >= 0", name="seq"),
)

agent_status = Table(
    "agent_status",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    words("state"),
    Column("boot", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    at("sent_at", nullable=False),
    at("received_at", nullable=False),
    Column("spooled", BigInteger),
    Column("free_bytes", BigInteger),
    at("oldest_at"),
    Column("clock_offset_ms", Float),
    words("version", nullable=True),
    Column("config_version", BigInteger),
    Column("config_offered", BigInteger),
    words("config_state", nullable=True),
    words("config_error", nullable=True),
)

# Configuration documents of an agent, newest version last; `state` is what the agent said of it.
agent_config = Table(
    "agent_config",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    words("document"),
    words("author"),
    at("created_at", nullable=False),
    words("state", "offered"),
    words("error", nullable=True),
    at("reported_at"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint(
        "state IN ('offered','trial','applied','refused','fallback')",
        name="state",
    ),
)

device_state = Table(
    "device_state",
    metadata,
    site(),
    Column("agent", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    words("state"),
    at("since", nullable=False),
    at("last_read_at"),
    document("health"),
    CheckConstraint("state IN ('live','stale','dead')", name="state"),
)

portal_pass = Table(
    "pass",
    metadata,
    site(),
    uid("pass_id", primary_key=True),
    words("portal"),
    uid("visit_id"),
    words("state", "open"),
    words("booking", "unbooked"),
    words("mode", nullable=True),
    words("verdict", nullable=True),
    Column("confidence", Float),
    at("opened_at", nullable=False),
    at("closed_at"),
    # The first stream place the pass stands on: where a new owner asks to resend from.
    words("first_agent"),
    Column("first_boot", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    # What decided the verdict: a read, a beam edge or the closing timer, and when it occurred.
    words("decider", nullable=True),
    at("decider_at"),
    at("decided_at"),
    words("settled_by", nullable=True),
    at("settled_at"),
    document("features"),
    document("planned_moves", nullable=True),
    words("thresholds", nullable=True),
    Column("epoch", BigInteger, nullable=False),
    CheckConstraint("state IN ('open','in','out','not_crossed','undecided')", name="state"),
    CheckConstraint(
        "booking IN ('unbooked','proposed','booked','dismissed','reversed')", name="booking"
    ),
    Index("ix_pass_opened", "site_id", "opened_at"),
    Index("ix_pass_open", "site_id", postgresql_where=text("state = 'open'")),
    Index("ix_pass_visit", "site_id", "visit_id"),
)

pass_tag = Table(
    "pass_tag",
    metadata,
    site(),
    uid("pass_id", primary_key=True),
    Column("epc", Text, primary_key=True),
    words("epc_key", nullable=True),
    words("outcome"),
    words("reason", nullable=True),
    document("features"),
    document("evidence"),
    CheckConstraint(
        "outcome IN ('matched','missing','unexpected','wrong_door','unknown','not_seen',"
        "'rejected')",
        name="outcome",
    ),
    Index("ix_pass_tag_epc_key", "site_id", "epc_key"),
)

position = Table(
    "position",
    metadata,
    site(),
    Column("subject", Text, primary_key=True),
    Column("location_id", BigInteger),
    Column("confidence", Float, nullable=False),
    at("since", nullable=False),
    at("last_seen_at", nullable=False),
    words("read_point", nullable=True),
    words("agent", nullable=True),
    Column("boot", BigInteger),
    Column("seq", BigInteger),
    Index("ix_position_location", "site_id", "location_id"),
)

position_change = Table(
    "position_change",
    metadata,
    site(),
    Column("change_id", BigInteger, Identity(), primary_key=True),
    # The day partition key: since, microseconds UTC.
    Column("since", BigInteger, primary_key=True),
    words("subject"),
    Column("from_location_id", BigInteger),
    Column("to_location_id", BigInteger),
    Column("confidence", Float, nullable=False),
    at("until"),
    words("read_point", nullable=True),
    words("agent", nullable=True),
    Column("boot", BigInteger),
    Column("seq", BigInteger),
    Index("ix_position_change_subject", "site_id", "subject", "since"),
    # What stood at an instant: of old days only the rows that stand on are read.
    Index(
        "ix_position_change_until",
        "site_id",
        text("COALESCE(until, 9223372036854775807)"),
        postgresql_where=text("to_location_id IS NOT NULL"),
    ),
    postgresql_partition_by="RANGE (since)",
)

hold = Table(
    "hold",
    metadata,
    site(),
    Column("epc", Text, primary_key=True),
    words("code"),
    words("agent"),
    words("device"),
    small("antenna"),
    at("first_seen_at", nullable=False),
    at("last_seen_at", nullable=False),
    count("count", default=1),
    words("state", "held"),
    words("decided_by", nullable=True),
    words("reason", nullable=True),
    at("decided_at"),
    CheckConstraint("state IN ('held','released','ignored')", name="state"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    site(),
    Column("dead_letter_id", BigInteger, Identity(), primary_key=True),
    words("agent", nullable=True),
    Column("boot", BigInteger),
    Column("seq", BigInteger),
    Column("index", Integer),
    words("topic"),
    words("code"),
    words("pointer", nullable=True),
    Column("bytes", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    at("received_at", nullable=False),
    count("count", default=1),
    words("state", "kept"),
    words("settled_by", nullable=True),
    words("reason", nullable=True),
    at("settled_at"),
    CheckConstraint("state IN ('kept','redriven','discarded')", name="state"),
    Index("ix_dead_letter_state", "site_id", "state", "dead_letter_id"),
    Index(
        "uq_dead_letter_unplaced",
        "site_id",
        "digest",
        "code",
        unique=True,
        postgresql_where=text("seq IS NULL AND state = 'kept'"),
    ),
)
