"""What receiving needs of storage: ASNs, their receipts, handling units, items by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.judgement import Handling, Receipt


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as receiving needs it."""

    item_id: int
    sku: str
    gtin: str | None
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AsnLine:
    """A line of an ASN, in base units."""

    line_no: int
    item_id: int
    lot_id: int | None
    sku: str
    expected: int
    received: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AsnUnit:
    """One announced tag."""

    epc_key: str
    line_no: int
    item_id: int
    lot_id: int | None
    handling_unit_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asn:
    """An announced delivery."""

    asn_id: UUID
    owner_id: str
    external_asn_id: str
    supplier: str | None
    state: str
    expected_at: int | None
    lines: tuple[AsnLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedUnit:
    """A handling unit that an ASN announces."""

    handling_unit_id: UUID
    epc_key: str
    kind: str


class InboundStore(Protocol):
    """ASNs and receipts of one site inside one transaction."""

    async def items(self, owner: str, skus: Iterable[str]) -> Mapping[str, KnownItem]:
        """Items of an owner by SKU, compared exactly."""

    async def date_lots(self, dates: Mapping[int, int]) -> frozenset[int]:
        """Give lots without a date of expiry theirs; those that have another one."""

    async def lots(self, codes: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        """Lot ids of (item, code), made where they are new."""

    async def add(self, asn: Asn, *, now: int) -> bool:
        """Insert an ASN with its lines; false when its external id exists for the owner."""

    async def known(self, owner: str, external_asn_id: str) -> UUID | None:
        """The ASN under this external id."""

    async def announce(
        self,
        asn: Asn,
        holders: Sequence[AnnouncedUnit],
        units: Sequence[AsnUnit],
        *,
        now: int,
    ) -> list[str]:
        """Announce handling units and tags; returns keys that are here or announced already."""

    async def lock(self, asn_id: UUID, owners: Sequence[str] | None) -> Asn:
        """Lock and load an ASN that `owners` may see; else not-found."""

    async def set_state(self, asn_id: UUID, state: str, *, now: int) -> None:
        """Write the state, with the time of arrival or of closing."""

    async def withdraw(self, asn_id: UUID, *, now: int) -> None:
        """Take back what a cancelled ASN announced: its handling units and tags that never came."""

    async def receiving_location(self) -> int:
        """Where goods counted by hand lie: the inside of the first portal."""

    async def short_units(self, asn_id: UUID) -> int:
        """Mark what was not received as short; how many."""

    async def apply_receipts(
        self, receipts: Sequence[Receipt], *, pass_id: UUID, now: int
    ) -> frozenset[str]:
        """Receive or give back announced units, once each; the keys that changed."""

    async def count_received(self, asn_id: UUID, quantities: Mapping[int, int]) -> None:
        """Add to what lines have received by hand."""

    async def place_handling_units(self, changes: Sequence[Handling], *, now: int) -> None:
        """Write state, place and holder; a change that the table does not allow is left out."""
