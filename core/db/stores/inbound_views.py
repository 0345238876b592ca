"""Read side of inbound, doors, work and devices in SQL; takes no lock."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.inbound_views import After, Owners, PassFilter, Row
from core.db.stores import inbound_views_sql as sql
from core.db.stores.portal_report import read_report
from core.domain.errors import not_found
from core.domain.portal_report import PortalReport


def _health(text: str) -> Row:
    """What a status said beside a device's state; what it left out is nothing."""
    said = json.loads(text)
    empty = {"rssi_mean_dbm": None, "last_read_at": None}
    return {
        "alarms": said.get("alarms", []),
        "antennas": [{**empty, **antenna} for antenna in said.get("antennas", [])],
        "missing": said.get("missing", []),
        "clock_skew_ms": said.get("clock_skew_ms"),
        "clock_jumps": said.get("clock_jumps", 0),
        "overflows": said.get("overflows", 0),
    }


class PgInboundViews:
    """`InboundViews` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def asns(
        self, *, owners: Owners, state: str | None, limit: int, after: After
    ) -> list[Row]:
        """See the port."""
        since, last = after if after is not None else (None, None)
        rows = await self._fetch(sql.ASNS, _list(owners), state, since, last, limit)
        return await self._with_lines(rows)

    async def asn(self, asn_id: UUID, owners: Owners) -> Row:
        """See the port."""
        rows = await self._fetch(sql.ASN, _list(owners), asn_id)
        if not rows:
            raise not_found("ASN")
        row = (await self._with_lines(rows))[0]
        row["handling_units"] = await self._fetch(sql.ASN_HOLDERS, asn_id)
        row["units"] = await self._fetch(sql.ASN_UNITS, asn_id)
        return row

    async def _with_lines(self, rows: list[Row]) -> list[Row]:
        lines: dict[Any, list[Row]] = defaultdict(list)
        for line in await self._fetch(sql.ASN_LINES, [row["id"] for row in rows]):
            lines[line.pop("asn_id")].append(line)
        return [{**row, "lines": lines[row["id"]]} for row in rows]

    async def visits(
        self, *, portal: str | None, state: str | None, limit: int, after: After
    ) -> list[Row]:
        """See the port."""
        since, last = after if after is not None else (None, None)
        return await self._fetch(sql.VISITS, portal, state, since, last, limit)

    async def visit(self, visit_id: UUID) -> Row:
        """See the port."""
        return await self._one("visit", sql.VISIT, visit_id)

    async def passes(self, wanted: PassFilter, *, limit: int, after: After) -> list[Row]:
        """See the port."""
        since, last = after if after is not None else (None, None)
        return await self._fetch(
            sql.PASSES,
            wanted.portal,
            wanted.state,
            wanted.booking,
            wanted.visit_id,
            wanted.verdict,
            since,
            last,
            limit,
        )

    async def portal_pass(self, pass_id: UUID) -> Row:
        """See the port."""
        row = await self._one("pass", sql.PASS, pass_id)
        row |= (await self._fetch(sql.PASS_MORE, pass_id))[0]
        row["tags"] = await self._fetch(sql.PASS_TAGS, pass_id)
        return row

    async def booked(self, *, since: int | None, until: int | None) -> list[Row]:
        """See the port."""
        return await self._fetch(sql.BOOKED, since, until)

    async def portals(self) -> list[Row]:
        """See the port."""
        return await self._fetch(sql.PORTALS)

    async def report(
        self, portal: str, *, owners: Owners = None, since: int | None = None
    ) -> PortalReport:
        """See the port."""
        return await read_report(self._raw, self._site, portal, owners=owners, since=since)

    async def tasks(
        self,
        *,
        owners: Owners,
        kind: str | None = None,
        state: str | None = None,
        task_id: UUID | None = None,
        limit: int = 1,
        after: After = None,
    ) -> list[Row]:
        """See the port."""
        since, last = after if after is not None else (None, None)
        return await self._fetch(sql.TASKS, _list(owners), kind, state, task_id, since, last, limit)

    async def exceptions(
        self, *, owners: Owners, open_only: bool | None, limit: int, after: After
    ) -> list[Row]:
        """See the port."""
        since, last = after if after is not None else (None, None)
        return await self._fetch(sql.EXCEPTIONS, _list(owners), open_only, since, last, limit)

    async def exception(self, exception_id: UUID, owners: Owners) -> Row:
        """See the port."""
        return await self._one("exception", sql.EXCEPTION, _list(owners), exception_id)

    async def dead_letters(self, *, state: str | None, limit: int, after: int | None) -> list[Row]:
        """See the port."""
        return await self._fetch(sql.DEAD_LETTERS, state, after, limit)

    async def dead_letter(self, dead_letter_id: int) -> Row:
        """See the port."""
        return await self._one("dead letter", sql.DEAD_LETTER, dead_letter_id)

    async def holds(self, *, limit: int, after: str | None) -> list[Row]:
        """See the port."""
        return await self._fetch(sql.HOLDS, after, limit)

    async def agents(self) -> list[Row]:
        """See the port."""
        return await self._fetch(sql.AGENTS)

    async def devices(self) -> list[Row]:
        """See the port."""
        rows = await self._fetch(sql.DEVICES)
        return [{**row, **_health(row.pop("health"))} for row in rows]

    async def _fetch(self, statement: str, *values: Any) -> list[Row]:
        return [dict(row) for row in await self._raw.fetch(statement, self._site, *values)]

    async def _one(self, thing: str, statement: str, *values: Any) -> Row:
        rows = await self._fetch(statement, *values)
        if not rows:
            raise not_found(thing)
        return rows[0]


def _list(owners: Sequence[str] | None) -> list[str] | None:
    return None if owners is None else list(owners)
