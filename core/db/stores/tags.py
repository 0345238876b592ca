"""Tag bindings and suspicions in SQL; an EPC is held by an advisory lock while it is bound."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.tags import Bearer, Binding, Suspicion, TagItem
from core.db.stores import tags_sql as sql
from core.db.stores.expected import plain_or_none
from core.domain.binding import Holder
from core.domain.errors import not_found
from core.domain.stock import Place


class PgTagStore:
    """`TagStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def reserve(self, *keys: str) -> None:
        """See the port."""
        await self._raw.execute(sql.RESERVE, self._site, sorted(keys))

    async def holder(self, key: str) -> Holder | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.HOLDER, self._site, key)
        return None if row is None else Holder(row["what"], row["name"], row["owner_id"])

    async def item(self, owner: str, sku: str) -> TagItem | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.ITEM, owner, sku)
        if row is None:
            return None
        gtins = frozenset(gtin.zfill(14) for gtin in row["gtins"])
        return TagItem(row["item_id"], row["tracking"], gtins)

    async def lot(self, item_id: int, code: str) -> int:
        """See the port."""
        return int(await self._raw.fetchval(sql.LOT, item_id, code))

    async def loose(self, owner: str, item_id: int, lot_id: int | None, place: Place) -> int:
        """See the port."""
        where = (place.location_id, place.handling_unit_id, place.status)
        head = (self._site, owner, item_id, lot_id)
        on_hand = await self._raw.fetchval(sql.LOCK_QUANT, *head, *where)
        if on_hand is None:
            return 0
        return int(on_hand) - int(await self._raw.fetchval(sql.TAGGED, *head, *where))

    async def add_unit(self, binding: Binding, place: Place | None, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            sql.ADD_UNIT,
            self._site,
            binding.epc_key,
            binding.owner_id,
            binding.item_id,
            binding.lot_id,
            "announced" if place is None else "present",
            "available" if place is None else place.status,
            None if place is None else place.location_id,
            None if place is None else place.handling_unit_id,
            now,
        )

    async def bind(self, binding: Binding, *, reason: str, now: int, actor: str) -> None:
        """See the port."""
        await self._raw.execute(
            sql.BIND,
            self._site,
            binding.epc_key,
            binding.epc,
            binding.owner_id,
            binding.item_id,
            binding.lot_id,
            binding.handling_unit_id,
            binding.replaces,
            reason,
            actor,
            now,
        )
        if binding.epc is not None:
            await self._raw.execute(sql.RELEASE, self._site, binding.epc, actor, reason, now)

    async def bearer(self, key: str) -> Bearer | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.BEARER, self._site, key)
        row = row or await self._raw.fetchrow(sql.CARRIER_BEARER, self._site, key)
        if row is None:
            return None
        binding = Binding(
            epc_key=key,
            owner_id=row["owner_id"],
            item_id=row["item_id"],
            lot_id=row["lot_id"],
            handling_unit_id=plain_or_none(row["handling_unit_id"]),
        )
        return Bearer(
            binding,
            row["state"],
            tracking=row["tracking"],
            present=row["present"],
            expected=row["expected"],
            filled=row["filled"],
        )

    async def exchange(self, bearer: Bearer, key: str, *, now: int) -> None:
        """See the port."""
        old = bearer.binding.epc_key
        if bearer.binding.item_id is None:
            await self._raw.execute(sql.RENAME_CARRIER, self._site, old, key, now)
            return
        await self._raw.execute(sql.NEW_UNIT, self._site, old, key, now)
        await self._raw.execute(sql.RETIRE_UNIT, self._site, old, now)

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
        """See the port."""
        await self._raw.execute(
            sql.RETIRE,
            self._site,
            binding.epc_key,
            binding.owner_id,
            binding.item_id,
            binding.lot_id,
            binding.handling_unit_id,
            ended,
            replaced_by,
            reason,
            actor,
            now,
        )

    async def forget(self, bearer: Bearer, *, now: int) -> None:
        """See the port."""
        drop = sql.DROP_CARRIER if bearer.binding.item_id is None else sql.RETIRE_UNIT
        await self._raw.execute(drop, self._site, bearer.binding.epc_key, now)

    async def history(self, key: str, owners: Sequence[str] | None) -> dict[str, Any]:
        """See the port."""
        carried = await self._raw.fetchrow(sql.CARRIED_BY, self._site, key)
        chain = [dict(row) for row in await self._raw.fetch(sql.CHAIN, self._site, key)]
        own = next((row for row in chain if row["epc_key"] == key), None)
        if carried is None and own is None:
            raise not_found("tag")
        found = [row for row in (carried, own) if row is not None]
        owner = next((row["owner_id"] for row in found if row["owner_id"] is not None), None)
        if owners is not None and owner is not None and owner not in owners:
            raise not_found("tag")
        retired = (own is not None and own["state"] == "retired") or (
            carried is not None and carried["state"] == "retired"
        )
        suspicions = await self._raw.fetch(sql.SUSPICIONS, self._site, key)
        return {
            "key": key,
            "epc": None if own is None else own["epc"],
            "state": "retired" if retired else "bound",
            "owner": owner,
            "carried_by": None if carried is None else _carried(carried),
            "replaced_by": None if own is None else own["replaced_by"],
            "history": [event for row in chain for event in _events(row)],
            "suspicions": [_suspicion(row) for row in suspicions],
            "suspected": any(row["resolved_at"] is None for row in suspicions),
        }

    async def suspects(self, keys: Sequence[str]) -> frozenset[str]:
        """See the port."""
        if not keys:
            return frozenset()
        rows = await self._raw.fetch(sql.SUSPECTS, self._site, list(keys))
        return frozenset(row["epc_key"] for row in rows)

    async def copies(
        self, chips: Mapping[str, Sequence[str]], *, now: int
    ) -> dict[str, tuple[str, str]]:
        """See the port."""
        if not chips:
            return {}
        keys = sorted(chips)
        firsts = [chips[key][0] for key in keys]
        await self._raw.execute(sql.LEARN_CHIPS, self._site, keys, firsts, now)
        found = {}
        for row in await self._raw.fetch(sql.CHIPS, self._site, keys):
            other = next((tid for tid in chips[row["epc_key"]] if tid != row["tid"]), None)
            if other is not None:
                found[row["epc_key"]] = (row["tid"], other)
        return found

    async def suspect(
        self, suspicion: Suspicion, *, quarantine_id: UUID, now: int
    ) -> tuple[bool, str | None]:
        """See the port."""
        key, facts = suspicion.epc_key, json.dumps(dict(suspicion.facts))
        fresh = await self._raw.fetchval(
            sql.SUSPECT, self._site, quarantine_id, key, suspicion.cause, facts, now
        )
        return fresh is not None, await self._raw.fetchval(sql.OWNER, self._site, key)

    async def clear(self, key: str, *, verdict: str, reason: str, now: int, actor: str) -> bool:
        """See the port."""
        done = await self._raw.execute(sql.CLEAR, self._site, key, verdict, reason, actor, now)
        if done == "UPDATE 0":
            return False
        await self._raw.execute(sql.FORGET_CHIP, self._site, key)
        return True

    async def open_suspicions(
        self, owners: Sequence[str] | None, *, limit: int
    ) -> list[dict[str, Any]]:
        """See the port."""
        scope = None if owners is None else list(owners)
        rows = await self._raw.fetch(sql.OPEN_SUSPICIONS, self._site, scope, limit)
        return [_suspicion(row) for row in rows]

    async def unnoticed(self, kind: str, subjects: Sequence[str]) -> list[str]:
        """See the port."""
        rows = await self._raw.fetch(sql.UNNOTICED, self._site, kind, list(subjects))
        return [row["k"] for row in rows]


def _carried(row: Mapping[str, Any]) -> dict[str, Any]:
    """What carries the tag; its owner stands beside it."""
    return {name: value for name, value in row.items() if name != "owner_id"}


def _events(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Beginning and end of one binding, as far as a person made them."""
    events = []
    if row["bound_at"] is not None:
        events.append(_event(row, "bound", row["replaces"]))
    if row["retired_at"] is not None:
        events.append(_event(row, "retired", row["replaced_by"]))
    return events


def _event(row: Mapping[str, Any], how: str, other: str | None) -> dict[str, Any]:
    return {
        "at": row[f"{how}_at"],
        "key": row["epc_key"],
        "what": row["ended"] if how == "retired" else "bound",
        "other": other,
        "actor": row[f"{how}_by"],
        "reason": row[f"{how}_reason"],
    }


def _suspicion(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = row["facts"]
    return {**dict(row), "facts": json.loads(facts) if isinstance(facts, str) else facts}
