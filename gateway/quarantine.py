"""Quarantine: what cannot be taken becomes a dead letter with its reason; the rest goes on.

Unreadable messages that stand in a sender's way take their place after three go-backs.
"""

from __future__ import annotations

import hashlib

from contracts.bus import Delivery
from core.application.ports.tracking import DeadLetter, StreamKey

KEPT_BYTES = 65_536
GO_BACKS = 3


def digest_of(payload: bytes) -> bytes:
    """Identifies bytes that could not be placed."""
    return hashlib.sha256(payload).digest()


def kept(payload: bytes) -> bytes:
    """The bytes as they are kept; of an oversize message its head, its length and its SHA-256."""
    if len(payload) <= KEPT_BYTES:
        return payload
    mark = f"\nlength={len(payload)} sha256={hashlib.sha256(payload).hexdigest()}".encode()
    return payload[:KEPT_BYTES] + mark


def unplaced(
    delivery: Delivery, code: str, pointer: str | None, *, received_at: int, agent: str | None
) -> DeadLetter:
    """A dead letter outside any stream."""
    return DeadLetter(
        topic=delivery.topic[:1024],
        code=code,
        pointer=pointer or None,
        payload=kept(delivery.payload),
        digest=digest_of(delivery.payload),
        received_at=received_at,
        agent=agent,
    )


def placed(
    delivery: Delivery,
    code: str,
    pointer: str | None,
    *,
    received_at: int,
    stream: StreamKey,
    seq: int,
    index: int | None = None,
    payload: bytes | None = None,
) -> DeadLetter:
    """A dead letter that stands for a message, or with `index` for one of its readings."""
    bytes_ = delivery.payload if payload is None else payload
    return DeadLetter(
        topic=delivery.topic,
        code=code,
        pointer=pointer or None,
        payload=kept(bytes_),
        digest=digest_of(bytes_),
        received_at=received_at,
        agent=stream.agent,
        boot=stream.boot,
        seq=seq,
        index=index,
    )


class Stuck:
    """Counts, per agent, how often the first message after a go-back was unreadable."""

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._count: dict[str, int] = {}

    def answered(self, agent: str) -> None:
        """The cursor was said again: what comes next should be the message after it."""
        self._answered.add(agent)

    def readable(self, agent: str) -> None:
        """A message could be placed or at least read: it is not the one in the way."""
        self._answered.discard(agent)

    def moved(self, agent: str) -> None:
        """The cursor moved: nothing is in the way."""
        self._answered.discard(agent)
        self._count.pop(agent, None)

    def unreadable(self, agent: str) -> bool:
        """Whether this unreadable message must take the place after the cursor now."""
        if agent not in self._answered:
            return False
        self._answered.discard(agent)
        self._count[agent] = self._count.get(agent, 0) + 1
        return self._count[agent] >= GO_BACKS
