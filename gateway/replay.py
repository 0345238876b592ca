"""A day again: archived messages through the same tracker, with other thresholds if wanted.

Nothing is written: what comes out are the calls that the gateway would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from contracts import topics
from contracts.codec import decode_content, decode_header
from contracts.content import ContractViolation
from contracts.topics import UpTopic
from core.application.decisions import PassCall
from core.application.ports.tracking import RegistryRows, StreamKey
from gateway.archive import Line
from gateway.group import Message
from gateway.readings import Belts, sort_out
from gateway.registry import Registry, build_registry
from gateway.tracker import Tracker

STEP_US = 50_000
AFTER_US = 60_000_000
WARM_US = 120_000_000


def with_settings(rows: RegistryRows, changes: Mapping[str, float]) -> RegistryRows:
    """The layout with other thresholds at every portal."""
    portals = tuple(
        replace(portal, settings={**portal.settings, **changes}) for portal in rows.portals
    )
    return replace(rows, portals=portals)


def with_portal_settings(
    rows: RegistryRows, changes: Mapping[str, float], by_portal: Mapping[str, Mapping[str, float]]
) -> RegistryRows:
    """The layout with other thresholds, for all portals and then for some of them."""
    portals = tuple(
        replace(one, settings={**one.settings, **changes, **by_portal.get(one.portal, {})})
        for one in rows.portals
    )
    return replace(rows, portals=portals)


def within(lines: Iterable[Line], *, since: int | None, until: int | None) -> Iterator[Line]:
    """The lines received from some minutes before `since`, so that memory is warm, to `until`."""
    for line in lines:
        early = since is not None and line.received_at < since - WARM_US
        late = until is not None and line.received_at >= until + AFTER_US
        if not early and not late:
            yield line


def replay(
    lines: Iterable[Line],
    rows: RegistryRows,
    *,
    site: str,
    cell: str,
    ids: Callable[[], UUID],
) -> Iterator[PassCall]:
    """The final calls that these messages lead to, in order of their closing."""
    registry = build_registry(rows, site=site, cell=cell)
    tracker = Tracker(registry, ids=ids, early=False)
    now: int | None = None
    for line in lines:
        message = _message(line, registry, site)
        if message is None:
            continue
        now = message.at if now is None else now
        while now + STEP_US <= message.at:
            now += STEP_US if message.at - now < AFTER_US else message.at - now - STEP_US
            yield from _final(tracker, now, registry)
        tracker.take(message)
    for step in range(1, AFTER_US // STEP_US if now is not None else 1):
        yield from _final(tracker, (now or 0) + step * STEP_US, registry)


def _final(tracker: Tracker, at: int, registry: Registry) -> list[PassCall]:
    for agent in registry.agents:
        tracker.hear_agent(agent, at=at)
    return tracker.decide(at=at).calls


def _message(line: Line, registry: Registry, site: str) -> Message | None:
    """An archived line as the gateway took it; None for what was a dead letter."""
    kind = _kind(bytes(line.message))
    if kind is None:
        return None
    try:
        header = decode_header(bytes(line.message), UpTopic(site, line.agent, kind))
        content = decode_content(header, now=line.received_at)
    except ContractViolation:
        return None
    good, _ = sort_out(content, agent=line.agent, registry=registry, belts=Belts(registry.jammed))
    stream = StreamKey(line.agent, line.boot)
    return Message(stream, line.seq, kind, good, line.received_at, line.received_at)


def _kind(message: bytes) -> topics.UpKind | None:
    """The topic a message came on, by its schema."""
    head = message[:64]
    if b"reads." in head:
        return "reads"
    if b"sensors." in head:
        return "sensors"
    return "scans" if b"scans." in head else None
