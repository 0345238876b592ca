"""The outbox as its sinks read it: a place is a transaction id, rows come in id order.

Serial ids are not commit order; only what lies below every running transaction may be passed by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sink stands: all rows of transactions below `xid` have passed.

    While a window of finished transactions [xid, until) is read in pieces, `after` is the last
    row id taken of it.
    """

    xid: int = 0
    until: int | None = None
    after: int = 0


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One fact for the outside."""

    outbox_id: int
    owner_id: str | None
    event: str
    aggregate: str
    sequence: int
    payload: dict[str, Any]
    occurred_at: int


class OutboxStore(Protocol):
    """The outbox of one site inside one transaction."""

    async def read_since(
        self, place: Place, *, limit: int = 500
    ) -> tuple[Sequence[OutboxRow], Place]:
        """At most `limit` committed rows from `place` on, in id order, and the place after them.

        Nothing is lost or repeated when the next call starts from the place returned.
        """

    async def end(self) -> Place:
        """The place behind everything that is finished now: for a reader that starts fresh."""

    async def place(self, sink: str, *, now: int) -> Place:
        """Where a sink stands; a new sink starts at the beginning."""

    async def own(self, sink: str) -> bool:
        """Take the sink until the transaction ends; False while another worker drives it.

        It takes no transaction id, so a slow sink holds nobody's place back.
        """

    async def keep(self, sink: str, place: Place, *, now: int) -> None:
        """Keep the place of a sink; its time is the sink's sign of life."""

    async def waiting(self, sink: str) -> tuple[int, int | None]:
        """Rows that the sink has not passed, counted up to 10,000, and when the oldest occurred."""

    async def sign_of_life(self, sink: str) -> int | None:
        """When the sink's place was last kept."""

    async def forget(self, *, before: int, limit: int) -> int:
        """Delete rows older than `before` that every sink has passed; how many."""
