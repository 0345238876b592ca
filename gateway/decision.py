"""From a judged group and what follows of it to the rows of one transaction."""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec
from msgspec import UNSET, UnsetType

from contracts.v1 import AgentStatus, DeviceStatus, Observation
from core.application.decisions import GroupDecision, SeenTag
from core.application.ports.tracking import AgentStatusRow, ConfigReport, DeviceReport, StreamKey
from gateway.group import Group, Message
from gateway.known import KnownKeys
from gateway.messages import Arrival
from gateway.sightings import Doubts
from gateway.tracker import Outcome

Place = tuple[StreamKey, str, str, int | None]


def decision_of(
    group: Group,
    outcome: Outcome,
    *,
    cell: str,
    epoch: int,
    known: KnownKeys,
    doubts: Doubts,
    at: int,
) -> GroupDecision:
    """Everything the group does to the book."""
    tags = group.tags()
    lately = known.among({tag.key for tag in tags} | outcome.positions.keys(), at=at)
    settled = {key for key, standing in lately.items() if standing != "retired"}
    doubtful = any(tag.hold is not None or tag.key not in settled for tag in tags)
    return GroupDecision(
        cell=cell,
        epoch=epoch,
        cursors=[group.advances[stream] for stream in sorted(group.advances)],
        letters=group.letters,
        tags=seen_tags(group.messages, settled=settled) if doubtful else [],
        known=lately,
        statuses=[status_row(status, arrival) for status, arrival in group.statuses],
        heard=_heard(group.messages),
        jams=group.belts,
        positions=list(outcome.positions.values()),
        openings=outcome.openings,
        calls=outcome.calls,
        totes=[key for key, _ in outcome.totes],
        suspicions=list(doubts.suspicions.values()),
        chips=doubts.chips,
    )


def seen_tags(messages: Iterable[Message], *, settled: Container[str] = ()) -> list[SeenTag]:
    """The tags that may be held, one row per stream, EPC, device and antenna.

    The keys of `settled` stand for goods of the site: without a hold of their own they need no row.
    """
    rows: dict[Place, SeenTag] = {}
    for message in messages:
        for read, seen, _ in message.readings:
            if seen is None or (seen.hold is None and seen.key in settled):
                continue
            if not isinstance(read, Observation):
                continue
            first = read.occurred_at if read.first_at is UNSET else read.first_at
            last = read.occurred_at if read.last_at is UNSET else read.last_at
            place = (message.stream, read.epc, read.device, read.antenna)
            row = rows.get(place)
            if row is not None:
                first, last = min(first, row.first_at), max(last, row.last_at)
            count = 1 if row is None else row.readings + 1
            rows[place] = SeenTag(
                message.stream,
                read.epc.upper(),
                seen.key,
                seen.hold,
                read.device,
                read.antenna,
                first,
                last,
                count,
            )
    return list(rows.values())


def _heard(messages: Iterable[Message]) -> dict[tuple[str, str], int]:
    """When each device last delivered, by the gateway's clock."""
    return {
        (message.stream.agent, device): message.received_at
        for message in messages
        for device in message.devices
    }


def _given(value: int | UnsetType) -> int | None:
    return None if value is UNSET else value


def status_row(status: AgentStatus, arrival: Arrival) -> AgentStatusRow:
    """A status as the book keeps it; a will counts from its arrival."""
    offline = status.state == "offline"
    return AgentStatusRow(
        agent=status.agent,
        state=status.state,
        boot=status.boot,
        seq=status.seq,
        sent_at=arrival.received_at if offline else status.sent_at,
        received_at=arrival.received_at,
        spooled=_given(status.spooled),
        free_bytes=_given(status.free_bytes),
        oldest_at=_given(status.oldest_at),
        clock_offset_ms=None if status.clock_offset_ms is UNSET else status.clock_offset_ms,
        version=None if status.version is UNSET else status.version,
        devices=()
        if status.devices is UNSET
        else tuple(device_report(one) for one in status.devices),
        config=_config_report(status),
    )


def device_report(device: DeviceStatus) -> DeviceReport:
    """A device as the book keeps it: what is not said is not in its health."""
    health = msgspec.to_builtins(device)
    return DeviceReport(health.pop("device"), health.pop("state"), health)


def _config_report(status: AgentStatus) -> ConfigReport | None:
    """None for an agent that knows no remote configuration, and for a will."""
    if status.config_version is UNSET:
        return None
    return ConfigReport(
        version=status.config_version,
        offered=0 if status.config_offered is UNSET else status.config_offered,
        state=None if status.config_state is UNSET else status.config_state,
        error=None if status.config_error is UNSET else status.config_error,
    )
