"""Storage of tag bindings and of tags under suspicion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from core.domain.binding import Holder
from core.domain.stock import Place


@dataclass(frozen=True, slots=True)
class TagItem:
    """The item that a unit is of; `gtins` of all its packagings, 14 digits."""

    item_id: int
    tracking: str
    gtins: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A tag that is bound now."""

    epc_key: str
    owner_id: str | None
    item_id: int | None = None
    lot_id: int | None = None
    handling_unit_id: UUID | None = None
    epc: str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """The unit or handling unit that carries a tag, locked. `filled`: it holds something."""

    binding: Binding
    state: str
    tracking: str = "none"
    present: bool = False
    expected: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a tag is thought to be there twice; `facts` are shown to people."""

    epc_key: str
    cause: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class TagStore(Protocol):
    """The tags of one site inside one transaction."""

    async def reserve(self, *keys: str) -> None:
        """Hold these EPCs until commit, so that two people never bind one at once."""

    async def holder(self, key: str) -> Holder | None:
        """What the EPC stands for, whoever made it known; None when it is free."""

    async def item(self, owner: str, sku: str) -> TagItem | None:
        """An active item of an owner."""

    async def lot(self, item_id: int, code: str) -> int:
        """The lot of this code, made when it is new."""

    async def loose(self, owner: str, item_id: int, lot_id: int | None, place: Place) -> int:
        """How many untagged base units lie there; their row stays locked."""

    async def add_unit(self, binding: Binding, place: Place | None, *, now: int) -> None:
        """A unit under its EPC, at a place or announced."""

    async def bind(self, binding: Binding, *, reason: str, now: int, actor: str) -> None:
        """Write the binding; held readings of the EPC are released."""

    async def bearer(self, key: str) -> Bearer | None:
        """Lock what carries this tag now; None when nothing does."""

    async def exchange(self, bearer: Bearer, key: str, *, now: int) -> None:
        """The unit or handling unit goes by another EPC, at the same place with all it has."""

    async def retire(
        self,
        binding: Binding,
        *,
        ended: str,
        replaced_by: str | None,
        reason: str,
        now: int,
        actor: str,
    ) -> None:
        """End a binding for good."""

    async def forget(self, bearer: Bearer, *, now: int) -> None:
        """The tag is dead: its unit is retired, its empty handling unit gone. Goods stay."""

    async def history(self, key: str, owners: Sequence[str] | None) -> dict[str, Any]:
        """The tag, what carries it and its chain of tags; not-found outside `owners`."""

    async def suspects(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are under suspicion now."""

    async def copies(
        self, chips: Mapping[str, Sequence[str]], *, now: int
    ) -> dict[str, tuple[str, str]]:
        """Learn the chip numbers of tags; those that answer with another one: (known, seen)."""

    async def suspect(
        self, suspicion: Suspicion, *, quarantine_id: UUID, now: int
    ) -> tuple[bool, str | None]:
        """Put a tag under suspicion: whether that is new, and whose goods it stands for."""

    async def clear(self, key: str, *, verdict: str, reason: str, now: int, actor: str) -> bool:
        """End a suspicion; False when there is none. A genuine tag's chip is learnt anew."""

    async def open_suspicions(
        self, owners: Sequence[str] | None, *, limit: int
    ) -> list[dict[str, Any]]:
        """Tags under suspicion, newest first."""

    async def unnoticed(self, kind: str, subjects: Sequence[str]) -> list[str]:
        """Those of the subjects without a standing exception of this kind."""
