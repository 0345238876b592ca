"""What the ledger's use cases need to watch levels and to tell the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Level:
    """Stock of one item at the site: what is sellable, what is committed, when to reorder."""

    owner_id: str
    item_id: int
    sku: str
    sellable: int
    committed: int
    safety_stock: int
    min_stock: int | None
    alerted: bool

    @property
    def free(self) -> int:
        """What may still be promised."""
        return max(0, self.sellable - self.committed - self.safety_stock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something a person must look at; one live row per (kind, subject)."""

    kind: str
    subject: str
    message: str
    severity: str = "warning"
    owner_id: str | None = None
    fulfilment_id: UUID | None = None
    facts: dict[str, Any] | None = None


class WatchStore(Protocol):
    """Levels of items and exceptions of one site inside one transaction."""

    async def levels(self, keys: Iterable[tuple[str, int]]) -> Sequence[Level]:
        """Levels of these (owner, item) pairs, in key order."""

    async def set_alerted(self, item_id: int, alerted: str) -> None:
        """Remember whether the reorder alert stands: `on` or `off`."""

    async def raise_alarm(self, alarm: Alarm, *, exception_id: UUID, now: int) -> bool:
        """Open an exception; false when one of this kind and subject stands already."""

    async def clear_alarm(self, kind: str, subject: str, *, now: int) -> bool:
        """Resolve the live exception of this kind and subject, if any."""
