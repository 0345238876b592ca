"""What floor map and search need of storage: rows by their key, read only, owners kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Row = dict[str, Any]
Rows = dict[str, Row]
Owners = Sequence[str] | None


class MapStore(Protocol):
    """The floor of one site. `owners` None means all of them."""

    async def stamp(self) -> tuple[str, int]:
        """Changes whenever a transaction ends; and the newest ledger line."""

    async def site(self) -> Row:
        """Name and time zone."""

    async def places(self) -> dict[str, list[Any]]:
        """Physical places by code: kind, zone, aisle, bay, level, x, y, width, depth, capacity."""

    async def stock(self) -> dict[str, int]:
        """Units on hand by place; empty places are left out."""

    async def units(self, owners: Owners, *, limit: int) -> Rows:
        """Handling units in the building by id, the latest changed ones."""

    async def docks(self) -> Rows:
        """Portals with door, open visit, running pass and the last verdict."""

    async def passes(self, *, limit: int) -> Rows:
        """The latest passes with a verdict, by id."""

    async def devices(self) -> Rows:
        """Devices by agent/device, with where they hang."""

    async def agents(self) -> Rows:
        """Agents that may speak, with their last status and how much of it waits."""

    async def orders(self, owners: Owners, *, since: int, soon: int) -> dict[str, int]:
        """Open orders by state; shipped since `since`; due before `soon` and not shipped."""

    async def flow(self, owners: Owners, *, since: int, step_us: int) -> list[list[int]]:
        """By step of time since `since`: its beginning, orders received, orders shipped."""

    async def contents(self, code: str, owners: Owners, *, limit: int) -> Row:
        """One place with what lies there and what is to be done there; else not-found."""


class SearchStore(Protocol):
    """Looks names up. Each answer is at most `limit` rows: what, key, label, places."""

    async def by_key(self, epc_key: str, owners: Owners) -> list[Row]:
        """The unit or handling unit of a normal key, with the place where it is."""

    async def by_place(self, text: str, *, limit: int) -> list[Row]:
        """Places whose code begins so."""

    async def by_item(self, text: str, owners: Owners, *, limit: int) -> list[Row]:
        """Items whose SKU begins so (or is meant by that GTIN), with the places that hold them."""

    async def by_order(self, text: str, owners: Owners, *, limit: int) -> list[Row]:
        """Orders of that number or external id, with the places of their goods."""
