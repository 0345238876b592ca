"""The status message: what the agent and its devices say of themselves, outside the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET

from contracts import topics
from contracts.codec import MAX_BYTES
from contracts.v1 import AgentStatus, DeviceStatus
from edge.spool import Spool

MAX_STATUS: Final = MAX_BYTES - 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent is on the wire."""

    site: str
    agent: str
    version: str


def will_message(identity: Identity, *, boot: int, sent_at: int) -> tuple[str, bytes]:
    """(topic, payload) of the last will: the broker says offline for us."""
    status = AgentStatus(
        schema="status.v1",
        site=identity.site,
        agent=identity.agent,
        boot=boot,
        seq=0,
        sent_at=sent_at,
        state="offline",
    )
    return topics.up(identity.site, identity.agent, "status"), msgspec.json.encode(status)


def status_message(
    identity: Identity,
    *,
    spool: Spool,
    devices: Sequence[DeviceStatus],
    stalled: bool,
    clock_offset_ms: float | None,
    config: Mapping[str, str | int],
    sent_at: int,
) -> bytes:
    """The status as of now. Antennas are left out when the message would be too large."""
    well = all(one.state == "live" for one in devices) and not spool.full and not stalled
    oldest = spool.oldest_at if spool.unsent else None
    status = AgentStatus(
        schema="status.v1",
        site=identity.site,
        agent=identity.agent,
        boot=spool.boot,
        seq=spool.last_seq,
        sent_at=sent_at,
        state="online" if well else "degraded",
        version=identity.version,
        spooled=spool.unsent,
        free_bytes=max(spool.free_bytes, 0),
        oldest_at=UNSET if oldest is None else oldest,
        clock_offset_ms=UNSET if clock_offset_ms is None else clock_offset_ms,
        devices=list(devices),
    )
    status = msgspec.structs.replace(status, **config)
    payload = msgspec.json.encode(status)
    if len(payload) <= MAX_STATUS:
        return payload
    bare = [msgspec.structs.replace(one, antennas=UNSET, missing=UNSET) for one in devices]
    return msgspec.json.encode(msgspec.structs.replace(status, devices=bare))
