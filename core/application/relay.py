"""The relay: outbox rows to one sink, at least once, in order per aggregate.

Reading, delivering and keeping the place are one transaction, so a crash repeats and never skips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from contracts import codec, topics
from contracts.bus import BusUnavailableError, Publisher
from contracts.v1 import PositionChanged
from core.application.ports.outbox import OutboxRow
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Unavailable

POSITION_EVENT = "position.changed"
# An idle sink still shows life, so that a dead relay can be told from a quiet site.
SIGN_OF_LIFE_US = 1_000_000
DAY_US = 86_400_000_000
KEPT_US = 30 * DAY_US


class Sink(Protocol):
    """Takes rows of the outbox, in order; the same row may come again."""

    @property
    def name(self) -> str:
        """The name its place is kept under."""

    async def take(self, uow: UnitOfWork, rows: Sequence[OutboxRow], *, now: int) -> None:
        """Deliver; raises `Unavailable` when the rows must come again."""


async def relay(uow: UnitOfWork, sink: Sink, *, now: int, limit: int) -> int:
    """Hand the next rows to a sink; how many. 0 when none wait or another worker drives it."""
    if not await uow.outbox.own(sink.name):
        return 0
    place = await uow.outbox.place(sink.name, now=now)
    rows, after = await uow.outbox.read_since(place, limit=limit)
    if not rows:
        shown = await uow.outbox.sign_of_life(sink.name)
        if shown is not None and 0 <= now - shown < SIGN_OF_LIFE_US:
            return 0
    await sink.take(uow, rows, now=now)
    await uow.outbox.keep(sink.name, after, now=now)
    return len(rows)


async def forget_outbox(uow: UnitOfWork, *, now: int, limit: int) -> int:
    """Delete rows that every sink passed a month ago, and ended deliveries; how many."""
    before = now - KEPT_US
    rows = await uow.outbox.forget(before=before, limit=limit)
    # A delivery outlives its row by a day, so that the ledger check never misses one.
    return rows + await uow.webhooks.forget(before=before - DAY_US, limit=limit)


class PositionSink:
    """Publishes the newest position of each handling unit, retained."""

    name = "positions"

    def __init__(self, bus: Publisher) -> None:
        self._bus = bus

    async def take(self, uow: UnitOfWork, rows: Sequence[OutboxRow], *, now: int) -> None:
        """See the protocol. An older position of the same batch is never published."""
        newest = {row.aggregate: row for row in rows if row.event == POSITION_EVENT}
        for row in newest.values():
            unit = str(row.payload["handling_unit"])
            try:
                await self._bus.publish(
                    topics.position(uow.site, unit),
                    codec.encode(_position(uow.site, row)),
                    retain=True,
                )
            except BusUnavailableError as error:
                raise Unavailable("the broker did not take a position") from error


def _position(site: str, row: OutboxRow) -> PositionChanged:
    told = row.payload
    return PositionChanged(
        site=site,
        handling_unit=str(told["handling_unit"]),
        key=str(told["key"]),
        location=str(told["location"]),
        confidence=float(told["confidence"]),
        since=int(told["since"]),
        read_point=told.get("read_point"),
    )
