"""ASNs, receipts and handling units in SQL; each announced tag is received at most once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.inbound import AnnouncedUnit, Asn, AsnLine, AsnUnit, KnownItem
from core.db.stores import inbound_sql as sql
from core.db.stores.expected import plain
from core.domain.errors import not_found
from core.domain.judgement import Handling, Receipt
from core.domain.states import HANDLING_UNIT


class PgInboundStore:
    """`InboundStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def items(self, owner: str, skus: Iterable[str]) -> Mapping[str, KnownItem]:
        """See the port."""
        rows = await self._raw.fetch(
            "SELECT item_id, sku, gtin, active FROM item"
            " WHERE owner_id = $1 AND sku = ANY($2::text[])",
            owner,
            sorted(set(skus)),
        )
        return {r["sku"]: KnownItem(r["item_id"], r["sku"], r["gtin"], r["active"]) for r in rows}

    async def date_lots(self, dates: Mapping[int, int]) -> frozenset[int]:
        """See the port."""
        wanted = sorted(dates)
        if not wanted:
            return frozenset()
        values = [dates[lot] for lot in wanted]
        await self._raw.execute(sql.DATE_LOTS, wanted, values)
        rows = await self._raw.fetch(sql.OTHER_DATES, wanted, values)
        return frozenset(row["lot_id"] for row in rows)

    async def lots(self, codes: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        """See the port."""
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        items, names = [w[0] for w in wanted], [w[1] for w in wanted]
        await self._raw.execute(
            "INSERT INTO lot (item_id, code) SELECT * FROM unnest($1::bigint[], $2::text[])"
            " ON CONFLICT DO NOTHING",
            items,
            names,
        )
        rows = await self._raw.fetch(
            "SELECT l.lot_id, l.item_id, l.code FROM lot l"
            " JOIN unnest($1::bigint[], $2::text[]) AS k(item_id, code)"
            " ON l.item_id = k.item_id AND l.code = k.code",
            items,
            names,
        )
        return {(r["item_id"], r["code"]): r["lot_id"] for r in rows}

    async def add(self, asn: Asn, *, now: int) -> bool:
        """See the port."""
        made = await self._raw.fetchval(
            sql.ADD,
            self._site,
            asn.asn_id,
            asn.owner_id,
            asn.external_asn_id,
            asn.supplier,
            asn.expected_at,
            now,
        )
        if made is None:
            return False
        await self._raw.execute(
            sql.ADD_LINES,
            self._site,
            asn.asn_id,
            [line.line_no for line in asn.lines],
            [line.item_id for line in asn.lines],
            [line.lot_id for line in asn.lines],
            [line.expected for line in asn.lines],
        )
        return True

    async def known(self, owner: str, external_asn_id: str) -> UUID | None:
        """See the port."""
        found = await self._raw.fetchval(
            "SELECT asn_id FROM asn WHERE site_id = $1 AND owner_id = $2 AND external_asn_id = $3",
            self._site,
            owner,
            external_asn_id,
        )
        return None if found is None else plain(found)

    async def announce(
        self,
        asn: Asn,
        holders: Sequence[AnnouncedUnit],
        units: Sequence[AsnUnit],
        *,
        now: int,
    ) -> list[str]:
        """See the port."""
        keys = [unit.epc_key for unit in units]
        clash = {r["epc_key"] for r in await self._raw.fetch(sql.LIVE, self._site, keys)}
        named_keys = [*keys, *(holder.epc_key for holder in holders)]
        clash |= {r["epc_key"] for r in await self._raw.fetch(sql.SPENT, self._site, named_keys)}
        made = await self._raw.fetch(
            sql.ANNOUNCE_HOLDERS,
            self._site,
            asn.owner_id,
            now,
            [holder.handling_unit_id for holder in holders],
            [holder.epc_key for holder in holders],
            [holder.kind for holder in holders],
        )
        clash |= {holder.epc_key for holder in holders} - {row["epc_key"] for row in made}
        ordered = sorted(units, key=lambda unit: unit.epc_key)
        named = await self._raw.fetch(
            sql.ANNOUNCE_UNITS,
            self._site,
            asn.owner_id,
            now,
            [unit.epc_key for unit in ordered],
            [unit.item_id for unit in ordered],
            [unit.lot_id for unit in ordered],
        )
        clash |= set(keys) - {row["epc_key"] for row in named}
        await self._raw.execute(
            sql.ADD_UNITS,
            self._site,
            asn.asn_id,
            keys,
            [unit.line_no for unit in units],
            [unit.handling_unit_id for unit in units],
        )
        return sorted(clash)

    async def lock(self, asn_id: UUID, owners: Sequence[str] | None) -> Asn:
        """See the port."""
        scope = None if owners is None else list(owners)
        row = await self._raw.fetchrow(sql.LOCK, self._site, asn_id, scope)
        if row is None:
            raise not_found("ASN")
        lines = await self._raw.fetch(sql.LINES, self._site, asn_id)
        return Asn(
            asn_id=asn_id,
            owner_id=row["owner_id"],
            external_asn_id=row["external_asn_id"],
            supplier=row["supplier"],
            state=row["state"],
            expected_at=row["expected_at"],
            lines=tuple(AsnLine(**dict(line)) for line in lines),
        )

    async def set_state(self, asn_id: UUID, state: str, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            "UPDATE asn SET state = $3,"
            " arrived_at = CASE WHEN $3 = 'arrived' THEN $4 ELSE arrived_at END,"
            " closed_at = CASE WHEN $3 IN ('closed', 'cancelled') THEN $4 ELSE closed_at END"
            " WHERE site_id = $1 AND asn_id = $2",
            self._site,
            asn_id,
            state,
            now,
        )

    async def withdraw(self, asn_id: UUID, *, now: int) -> None:
        """See the port."""
        for statement in sql.WITHDRAW:
            await self._raw.execute(statement, self._site, asn_id)

    async def receiving_location(self) -> int:
        """See the port."""
        found = await self._raw.fetchval(
            "SELECT inside_location_id FROM portal WHERE site_id = $1 ORDER BY portal LIMIT 1",
            self._site,
        )
        if found is None:
            raise not_found("portal")
        return int(found)

    async def short_units(self, asn_id: UUID) -> int:
        """See the port."""
        done = await self._raw.execute(
            "UPDATE asn_unit SET state = 'short'"
            " WHERE site_id = $1 AND asn_id = $2 AND state = 'expected'",
            self._site,
            asn_id,
        )
        return int(done.rpartition(" ")[2])

    async def apply_receipts(
        self, receipts: Sequence[Receipt], *, pass_id: UUID, now: int
    ) -> frozenset[str]:
        """See the port."""
        wanted = sorted({receipt.asn_id for receipt in receipts})
        if not wanted:
            return frozenset()
        live = {
            plain(r["asn_id"]) for r in await self._raw.fetch(sql.LOCK_MANY, self._site, wanted)
        }
        changes: Counter[tuple[UUID, int]] = Counter()
        changed: set[str] = set()
        for statement, sign in ((sql.GIVE_BACK, -1), (sql.RECEIVE, 1)):
            part = [r for r in receipts if r.change == sign and r.asn_id in live]
            if not part:
                continue
            columns = [r.asn_id for r in part], [r.epc_key for r in part]
            extra = (pass_id,) if sign > 0 else ()
            for row in await self._raw.fetch(statement, self._site, *columns, *extra):
                changes[(plain(row["asn_id"]), row["line_no"])] += sign
                changed.add(row["epc_key"])
        await self._count(changes)
        await self._raw.execute(sql.RECEIVING, self._site, sorted(live), now)
        return frozenset(changed)

    async def count_received(self, asn_id: UUID, quantities: Mapping[int, int]) -> None:
        """See the port."""
        await self._count(Counter({(asn_id, line): n for line, n in quantities.items()}))

    async def _count(self, changes: Counter[tuple[UUID, int]]) -> None:
        if changes:
            await self._raw.execute(
                sql.COUNT,
                self._site,
                [key[0] for key in changes],
                [key[1] for key in changes],
                list(changes.values()),
            )

    async def place_handling_units(self, changes: Sequence[Handling], *, now: int) -> None:
        """See the port."""
        ids = sorted({change.handling_unit_id for change in changes})
        rows = await self._raw.fetch(
            "SELECT handling_unit_id, state FROM handling_unit WHERE site_id = $1"
            " AND handling_unit_id = ANY($2::uuid[]) ORDER BY handling_unit_id FOR UPDATE",
            self._site,
            ids,
        )
        states = {plain(row["handling_unit_id"]): row["state"] for row in rows}
        legal = [
            c
            for c in changes
            if (state := states.get(c.handling_unit_id)) is not None
            and (state == c.state or HANDLING_UNIT.allows(state, c.state))
        ]
        if legal:
            await self._raw.execute(
                sql.PLACE,
                self._site,
                now,
                [c.handling_unit_id for c in legal],
                [c.state for c in legal],
                [None if c.place is None else c.place.location_id for c in legal],
                [c.parent_id for c in legal],
            )
