"""Door visits in SQL: one open visit a portal, its documents, and the facts of its remainder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.uow import Contention
from core.application.ports.visits import ShipmentProgress, VisitRecord
from core.db.stores.expected import plain, plain_or_none
from core.domain.errors import not_found
from core.domain.plan import read_plan
from core.domain.tags import Document
from core.domain.visits import LineFact, StrangerFact, UnitFact, VisitFacts

_COLUMNS = "visit_id, portal, state, opened_by, opened_at, summary"
LOCK = f"SELECT {_COLUMNS} FROM door_visit WHERE site_id = $1 AND visit_id = $2 FOR UPDATE"
LOCK_OPEN = f"""
SELECT {_COLUMNS} FROM door_visit
WHERE site_id = $1 AND portal = $2 AND state IN ('open', 'closing') FOR UPDATE
"""
OPEN = """
INSERT INTO door_visit (site_id, visit_id, portal, state, truck, opened_at, opened_by)
VALUES ($1, $2, $3, 'open', $4, $5, $6) ON CONFLICT DO NOTHING RETURNING visit_id
"""
DOCUMENTS = """
SELECT kind, document_id FROM door_visit_document WHERE site_id = $1 AND visit_id = $2
"""
ADD_DOCUMENTS = """
INSERT INTO door_visit_document (site_id, visit_id, kind, document_id)
SELECT $1, $2, k.kind, k.id FROM unnest($3::text[], $4::uuid[]) AS k(kind, id)
ON CONFLICT DO NOTHING
"""
TAKEN = """
SELECT d.kind, d.document_id, v.portal FROM door_visit_document d
JOIN door_visit v ON v.site_id = d.site_id AND v.visit_id = d.visit_id
JOIN unnest($2::text[], $3::uuid[]) AS k(kind, id) ON d.kind = k.kind AND d.document_id = k.id
WHERE d.site_id = $1 AND v.state IN ('open', 'closing')
"""
KNOWN = """
SELECT 'asn' AS kind, asn_id AS id, state FROM asn WHERE site_id = $1 AND asn_id = ANY($2::uuid[])
UNION ALL
SELECT 'shipment', shipment_id, state FROM shipment
WHERE site_id = $1 AND shipment_id = ANY($2::uuid[])
"""
UNSETTLED = """
SELECT count(*) FILTER (WHERE state = 'open') AS open,
  count(*) FILTER (WHERE state = 'undecided') AS undecided,
  count(*) FILTER (WHERE booking = 'proposed') AS proposed
FROM pass WHERE site_id = $1
  AND ((visit_id = $2) OR (portal = $3 AND state = 'open' AND opened_at >= $4))
"""
ASN_LINES = """
SELECT l.asn_id, l.line_no, i.sku, l.expected, l.received FROM door_visit_document d
JOIN asn_line l ON l.site_id = d.site_id AND l.asn_id = d.document_id
JOIN item i ON i.item_id = l.item_id
WHERE d.site_id = $1 AND d.visit_id = $2 AND d.kind = 'asn' ORDER BY l.asn_id, l.line_no
"""
ASN_UNITS = """
SELECT au.asn_id, au.epc_key, au.line_no, i.sku, h.epc_key AS handling_unit, au.state, au.pass_id
FROM door_visit_document d
JOIN asn_unit au ON au.site_id = d.site_id AND au.asn_id = d.document_id
JOIN asn_line l ON l.site_id = au.site_id AND l.asn_id = au.asn_id AND l.line_no = au.line_no
JOIN item i ON i.item_id = l.item_id
LEFT JOIN handling_unit h ON h.site_id = au.site_id AND h.handling_unit_id = au.handling_unit_id
WHERE d.site_id = $1 AND d.visit_id = $2 AND d.kind = 'asn' ORDER BY au.asn_id, au.epc_key
"""
SHIPMENT_UNITS = """
SELECT su.shipment_id, h.epc_key, p.epc_key AS holder, su.loaded_at, su.pass_id
FROM door_visit_document d
JOIN shipment_unit su ON su.site_id = d.site_id AND su.shipment_id = d.document_id
JOIN handling_unit h ON h.site_id = su.site_id AND h.handling_unit_id = su.handling_unit_id
LEFT JOIN handling_unit p ON p.site_id = h.site_id AND p.handling_unit_id = h.parent_id
WHERE d.site_id = $1 AND d.visit_id = $2 AND d.kind = 'shipment'
ORDER BY su.shipment_id, h.epc_key
"""
LAST_WORDS = """
SELECT DISTINCT ON (t.epc_key) t.epc_key, t.outcome, t.reason, p.state, p.pass_id, i.sku
FROM pass p
JOIN pass_tag t ON t.site_id = p.site_id AND t.pass_id = p.pass_id
LEFT JOIN unit u ON u.site_id = t.site_id AND u.epc_key = t.epc_key
LEFT JOIN item i ON i.item_id = u.item_id
WHERE p.site_id = $1 AND p.visit_id = $2 AND p.state IN ('in', 'out')
  AND p.booking NOT IN ('dismissed', 'reversed') AND t.epc_key IS NOT NULL
  AND t.outcome NOT IN ('rejected', 'missing')
ORDER BY t.epc_key, p.closed_at DESC, p.pass_id DESC
"""
PLANS = """
SELECT pass_id, planned_moves FROM pass
WHERE site_id = $1 AND visit_id = $2 AND booking IN ('unbooked', 'proposed')
  AND state IN ('in', 'out') AND planned_moves IS NOT NULL
ORDER BY closed_at, pass_id
"""
SHIPMENTS = """
SELECT s.shipment_id, s.owner_id, s.state, s.portal FROM shipment s
WHERE s.site_id = $1 AND s.shipment_id = ANY($2::uuid[]) ORDER BY s.shipment_id
"""
LOADED = """
SELECT shipment_id, count(*) AS units, count(loaded_at) AS loaded FROM shipment_unit
WHERE site_id = $1 AND shipment_id = ANY($2::uuid[]) GROUP BY shipment_id
"""


class PgVisitStore:
    """`VisitStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def lock(self, visit_id: UUID) -> VisitRecord:
        """See the port."""
        row = await self._raw.fetchrow(LOCK, self._site, visit_id)
        if row is None:
            raise not_found("visit")
        return await self._record(row)

    async def lock_open(self, portal: str) -> VisitRecord | None:
        """See the port."""
        row = await self._raw.fetchrow(LOCK_OPEN, self._site, portal)
        return None if row is None else await self._record(row)

    async def _record(self, row: Mapping[str, Any]) -> VisitRecord:
        documents = await self._raw.fetch(DOCUMENTS, self._site, row["visit_id"])
        return VisitRecord(
            plain(row["visit_id"]),
            row["portal"],
            row["state"],
            row["opened_by"],
            row["opened_at"],
            frozenset(Document(d["kind"], plain(d["document_id"])) for d in documents),
            row["summary"],
        )

    async def open(
        self, visit_id: UUID, *, portal: str, truck: str | None, opened_by: str, now: int
    ) -> None:
        """See the port."""
        known = "SELECT 1 FROM portal WHERE site_id = $1 AND portal = $2"
        if await self._raw.fetchval(known, self._site, portal) is None:
            raise not_found("portal")
        row = (self._site, visit_id, portal, truck, now, opened_by)
        if await self._raw.fetchval(OPEN, *row) is None:
            raise Contention("another visit was opened at this portal just now")

    async def add_documents(self, visit_id: UUID, documents: Iterable[Document]) -> None:
        """See the port."""
        ordered = sorted(documents)
        if ordered:
            await self._raw.execute(ADD_DOCUMENTS, self._site, visit_id, *_columns(ordered))

    async def taken(self, documents: Iterable[Document]) -> dict[Document, str]:
        """See the port."""
        rows = await self._raw.fetch(TAKEN, self._site, *_columns(sorted(documents)))
        return {Document(r["kind"], plain(r["document_id"])): r["portal"] for r in rows}

    async def known(self, documents: Iterable[Document]) -> dict[Document, str]:
        """See the port."""
        wanted = set(documents)
        rows = await self._raw.fetch(KNOWN, self._site, [d.document_id for d in wanted])
        found = {Document(row["kind"], plain(row["id"])): row["state"] for row in rows}
        return {document: state for document, state in found.items() if document in wanted}

    async def unsettled(self, visit: VisitRecord) -> dict[str, int]:
        """See the port."""
        row = await self._raw.fetchrow(
            UNSETTLED, self._site, visit.visit_id, visit.portal, visit.opened_at
        )
        return {name: count for name, count in dict(row or {}).items() if count}

    async def facts(self, visit_id: UUID) -> VisitFacts:
        """See the port."""
        lines = [
            LineFact(
                Document("asn", plain(r["asn_id"])),
                r["line_no"],
                r["sku"],
                r["expected"],
                r["received"],
            )
            for r in await self._raw.fetch(ASN_LINES, self._site, visit_id)
        ]
        units = [
            UnitFact(
                r["epc_key"],
                "received" if r["state"] == "received" else "open",
                Document("asn", plain(r["asn_id"])),
                r["line_no"],
                r["sku"],
                r["handling_unit"],
                plain_or_none(r["pass_id"]),
            )
            for r in await self._raw.fetch(ASN_UNITS, self._site, visit_id)
        ]
        loads = [
            UnitFact(
                r["epc_key"],
                "open" if r["loaded_at"] is None else "loaded",
                Document("shipment", plain(r["shipment_id"])),
                0,
                None,
                r["holder"],
                plain_or_none(r["pass_id"]),
            )
            for r in await self._raw.fetch(SHIPMENT_UNITS, self._site, visit_id)
        ]
        words = [
            StrangerFact(
                r["epc_key"],
                r["outcome"],
                r["reason"],
                r["state"],
                plain(r["pass_id"]),
                r["sku"],
            )
            for r in await self._raw.fetch(LAST_WORDS, self._site, visit_id)
        ]
        plans = await self._raw.fetch(PLANS, self._site, visit_id)
        return VisitFacts(
            (*lines, *_shipment_lines(loads)),
            (*units, *loads),
            tuple(words),
            tuple((plain(r["pass_id"]), read_plan(r["planned_moves"])) for r in plans),
        )

    async def set_state(
        self,
        visit_id: UUID,
        state: str,
        *,
        actor: str,
        now: int,
        summary: Mapping[str, Any] | None,
    ) -> None:
        """See the port."""
        if summary is None:
            await self._raw.execute(
                "UPDATE door_visit SET state = $3 WHERE site_id = $1 AND visit_id = $2",
                self._site,
                visit_id,
                state,
            )
            return
        await self._raw.execute(
            "UPDATE door_visit SET state = $3, closed_by = $4, closed_at = $5, summary = $6::jsonb"
            " WHERE site_id = $1 AND visit_id = $2",
            self._site,
            visit_id,
            state,
            actor,
            now,
            json.dumps(summary),
        )

    async def shipments(self, documents: Iterable[Document]) -> Sequence[ShipmentProgress]:
        """See the port."""
        ids = [d.document_id for d in sorted(documents) if d.kind == "shipment"]
        if not ids:
            return []
        rows = await self._raw.fetch(SHIPMENTS, self._site, ids)
        counts = {
            plain(r["shipment_id"]): (r["units"], r["loaded"])
            for r in await self._raw.fetch(LOADED, self._site, ids)
        }
        out = []
        for row in rows:
            one = plain(row["shipment_id"])
            units, loaded = counts.get(one, (0, 0))
            out.append(
                ShipmentProgress(one, row["owner_id"], row["state"], row["portal"], units, loaded)
            )
        return out

    async def strangers(self, visit_id: UUID) -> int:
        """See the port."""
        rows = await self._raw.fetch(LAST_WORDS, self._site, visit_id)
        return sum(
            row["state"] == "out"
            and row["outcome"] in ("unexpected", "wrong_door")
            and row["reason"] != "not_here"
            for row in rows
        )


def _columns(documents: Sequence[Document]) -> tuple[list[str], list[UUID]]:
    return [d.kind for d in documents], [d.document_id for d in documents]


def _shipment_lines(units: Sequence[UnitFact]) -> list[LineFact]:
    totals: dict[Document, tuple[int, int]] = {}
    for unit in units:
        if unit.document is not None:
            known, loaded = totals.get(unit.document, (0, 0))
            totals[unit.document] = (known + 1, loaded + (unit.state == "loaded"))
    return [LineFact(d, 0, None, known, loaded) for d, (known, loaded) in sorted(totals.items())]
