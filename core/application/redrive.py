"""Dead letters settled by a person: driven again under today's rules, or given up with a reason.

A reading driven again is late: it may bring a position up to date, it never changes a pass.
"""

from __future__ import annotations

import json

from contracts.codec import decode_up
from contracts.content import Content, ContractViolation
from contracts.topics import parse_up
from contracts.v1 import ReadBatch
from core.application.ports.floor import StoredLetter
from core.application.ports.tracking import PositionWrite, ReadPointRow, RegistryRows
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused
from core.domain.states import DEAD_LETTER

PLACES = frozenset({"zone", "conveyor", "station"})


async def discard(
    uow: UnitOfWork, *, dead_letter_id: int, reason: str, now: int, actor: str
) -> None:
    """Give a dead letter up; its bytes stay."""
    letter = await uow.floor.lock_letter(dead_letter_id)
    DEAD_LETTER.check(letter.state, "discarded")
    await uow.floor.settle_letter(dead_letter_id, "discarded", reason=reason, actor=actor, now=now)


async def redrive(
    uow: UnitOfWork, *, dead_letter_id: int, reason: str, now: int, actor: str
) -> int:
    """Take a dead letter's readings after a fix; how many. One that still fails stays kept."""
    letter = await uow.floor.lock_letter(dead_letter_id)
    DEAD_LETTER.check(letter.state, "redriven")
    content = _decoded(letter)
    registry = await uow.tracking.registry()
    count = 0
    if isinstance(content.message, ReadBatch):
        count = await _apply(uow, letter, content.message, content, registry, now=now)
    await uow.floor.settle_letter(dead_letter_id, "redriven", reason=reason, actor=actor, now=now)
    return count


def _decoded(letter: StoredLetter) -> Content:
    """The letter's message, times judged as on its arrival. Raises `Refused("still-refused")`."""
    topic = parse_up(letter.topic)
    if topic is None:
        raise _still("E_TOPIC")
    payload = letter.payload if letter.index is None else _wrapped(letter, topic.kind)
    try:
        _, content = decode_up(payload, topic=topic, now=letter.received_at)
    except ContractViolation as error:
        raise _still(error.code) from None
    if content.problems:
        raise _still(content.problems[0].code)
    return content


def _wrapped(letter: StoredLetter, kind: str) -> bytes:
    """One reading in a message of its own, under the header of the message it came in."""
    head = {
        "schema": f"{kind}.v1",
        "site": letter.site,
        "agent": letter.agent,
        "boot": letter.boot,
        "seq": letter.seq,
        "sent_at": letter.received_at,
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    return text[:-1] + b',"' + kind.encode() + b'":[' + letter.payload + b"]}"


def _still(code: str) -> Refused:
    return Refused(
        "state-conflict",
        f"The dead letter is still refused ({code}) and stays. Fix its cause, or discard it.",
        reason=code,
    )


async def _apply(
    uow: UnitOfWork,
    letter: StoredLetter,
    batch: ReadBatch,
    content: Content,
    registry: RegistryRows,
    *,
    now: int,
) -> int:
    """Positions of known tags at places, unless something newer is known of them."""
    devices = {(device.agent, device.device) for device in registry.devices}
    points = {(p.agent, p.device, p.antenna): p for p in registry.read_points}
    standing = await uow.tracking.standing(sorted({seen.key for seen in content.seen}))
    newest: dict[str, PositionWrite] = {}
    for reading, seen in zip(batch.reads, content.seen, strict=True):
        if (batch.agent, reading.device) not in devices:
            raise _still("E_DEVICE_UNKNOWN")
        point = points.get((batch.agent, reading.device, reading.antenna))
        if not _counts(point) or standing.get(seen.key) not in ("unit", "handling_unit"):
            continue
        known = newest.get(seen.key)
        if known is None or known.last_seen_at < reading.occurred_at:
            newest[seen.key] = PositionWrite(
                subject=seen.key,
                location_id=point.location_id if point is not None else None,
                confidence=0.5,
                since=reading.occurred_at,
                last_seen_at=reading.occurred_at,
                read_point=point.read_point if point is not None else None,
                agent=batch.agent,
                boot=batch.boot,
                seq=batch.seq,
                changed=True,
            )
    later = await uow.floor.seen_since({key: p.last_seen_at for key, p in newest.items()})
    await uow.tracking.place([p for key, p in newest.items() if key not in later], now=now)
    return len(batch.reads)


def _counts(point: ReadPointRow | None) -> bool:
    return point is not None and point.role in PLACES and point.location_id is not None
