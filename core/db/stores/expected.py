"""Reads the expected list of a portal: a snapshot of units, handling units, documents and modes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.db.stores import expected_sql as sql
from core.domain.errors import not_found
from core.domain.expected import Expected, Gate, Mode, OpenVisit
from core.domain.plan import Plan, read_plan
from core.domain.stock import Move, Place
from core.domain.tags import Claim, Document, HandlingUnitTag, Past, UnitTag, Untagged
from core.domain.would_be import as_it_would_be

_DOOR_KINDS = ("supplier", "found", "missing", "discrepancy")
Row = Mapping[str, Any]


async def read_expected(
    raw: asyncpg.Connection[Any],
    site: str,
    portal: str,
    epc_keys: Sequence[str],
    *,
    before: tuple[UUID, int] | None = None,
) -> Expected:
    """The snapshot for these tags; `before` = (pass, its end) leaves out later ones."""
    gate = await _gate(raw, site, portal)
    visit = await _visit(raw, site, portal)
    rows = await raw.fetch(sql.MODES, site, portal)
    modes: dict[tuple[str, str], Mode] = {(r["direction"], r["owner_id"]): r["mode"] for r in rows}
    keys = sorted(set(epc_keys))
    held = await raw.fetch(sql.HANDLING_UNITS, site, keys)
    ids = [plain(row["handling_unit_id"]) for row in held]
    inner = await raw.fetch(sql.UNITS, site, keys, ids)
    names = [row["epc_key"] for row in inner]
    announced = await raw.fetch(sql.ANNOUNCED, site, names, ids)
    units = _units(inner, announced, await _came(raw, site, names, visit))
    holders = await _holders(raw, site, held, inner, announced, visit)
    asked = sorted({*keys, *names, *holders})
    spoilt = [(r["what"], r["epc_key"]) for r in await raw.fetch(sql.SPOILT, site, asked)]
    retired = {key for what, key in spoilt if what == "retired"}
    retired |= {key for key, unit in units.items() if unit.state == "retired"}
    found = Expected(
        gate,
        visit,
        {key: unit for key, unit in units.items() if key not in retired},
        {key: unit for key, unit in holders.items() if key not in retired},
        frozenset(retired),
        modes,
        frozenset(key for what, key in spoilt if what == "suspected"),
    )
    if visit is None or not _may_differ(modes):
        return found
    return as_it_would_be(found, await _plans(raw, site, visit.visit_id, before))


def _may_differ(modes: Mapping[tuple[str, str], Mode]) -> bool:
    general = [modes.get((direction, "*"), "observe") for direction in ("in", "out")]
    return any(mode != "book" for mode in [*modes.values(), *general])


async def _gate(raw: asyncpg.Connection[Any], site: str, portal: str) -> Gate:
    row = await raw.fetchrow(sql.PORTAL, site, portal)
    if row is None:
        raise not_found("portal")
    special = {
        r["kind"]: Place(r["location_id"], r["kind"]) for r in await raw.fetch(sql.SPECIAL, site)
    }
    for kind in _DOOR_KINDS:
        if kind not in special:
            raise not_found(f"{kind} place")
    return Gate(
        portal=row["portal"],
        door=Place(row["door_id"], row["door_kind"]),
        inside=Place(row["inside_id"], row["inside_kind"]),
        supplier=special["supplier"],
        found=special["found"],
        missing=special["missing"],
        discrepancy=special["discrepancy"],
    )


async def _visit(raw: asyncpg.Connection[Any], site: str, portal: str) -> OpenVisit | None:
    row = await raw.fetchrow(sql.VISIT, site, portal)
    if row is None:
        return None
    documents = zip(row["kinds"] or (), row["ids"] or (), strict=True)
    return OpenVisit(
        plain(row["visit_id"]),
        row["opened_by"],
        frozenset(Document(kind, plain(one)) for kind, one in documents),
        row["opened_at"],
    )


async def _came(
    raw: asyncpg.Connection[Any], site: str, names: list[str], visit: OpenVisit | None
) -> dict[str, Past]:
    if visit is None or not names:
        return {}
    rows = await raw.fetch(sql.UNIT_CAME, site, names, visit.visit_id)
    return {row["epc_key"]: past_of(row) for row in rows}


def _units(
    rows: Sequence[Row], announced: Sequence[Row], came: Mapping[str, Past]
) -> dict[str, UnitTag]:
    claims: dict[str, list[Claim]] = defaultdict(list)
    inside: dict[str, UUID] = {}
    for row in announced:
        claims[row["epc_key"]].append(_asn_claim(row, done=row["unit_state"] == "received"))
        if row["handling_unit_id"] is not None:
            inside.setdefault(row["epc_key"], plain(row["handling_unit_id"]))
    return {
        row["epc_key"]: UnitTag(
            row["epc_key"],
            row["owner_id"],
            row["item_id"],
            row["lot_id"],
            row["state"],
            _place(row, row["status"], row["handling_unit_id"]),
            tuple(claims[row["epc_key"]]),
            inside.get(row["epc_key"]),
            came.get(row["epc_key"]),
        )
        for row in rows
    }


async def _holders(
    raw: asyncpg.Connection[Any],
    site: str,
    rows: Sequence[Row],
    units: Sequence[Row],
    announced: Sequence[Row],
    visit: OpenVisit | None,
) -> dict[str, HandlingUnitTag]:
    if not rows:
        return {}
    ids = [plain(row["handling_unit_id"]) for row in rows]
    claims, contents = _announcements(announced)
    for row in await raw.fetch(sql.SHIPPED, site, ids):
        document = Document("shipment", plain(row["shipment_id"]))
        claims[plain(row["handling_unit_id"])][document] = Claim(
            document,
            row["state"],
            row["portal"],
            plain_or_none(row["visit_id"]),
            None,
            row["loaded_at"] is not None,
        )
    holding: dict[UUID, list[str]] = defaultdict(list)
    for row in units:
        if row["handling_unit_id"] is not None and row["location_id"] is not None:
            holding[plain(row["handling_unit_id"])].append(row["epc_key"])
    stock: dict[UUID, list[Untagged]] = defaultdict(list)
    for row in await raw.fetch(sql.STOCK, site, ids):
        if row["untagged"] > 0:
            stock[plain(row["handling_unit_id"])].append(
                Untagged(
                    row["owner_id"], row["item_id"], row["lot_id"], row["status"], row["untagged"]
                )
            )
    came: dict[UUID | None, list[Past]] = defaultdict(list)
    if visit is not None and stock:
        for row in await raw.fetch(sql.STOCK_CAME, site, list(stock), visit.visit_id):
            came[plain_or_none(row["target_handling_unit_id"])].append(past_of(row))
    out = {}
    for row in rows:
        one = plain(row["handling_unit_id"])
        out[row["epc_key"]] = HandlingUnitTag(
            row["epc_key"],
            one,
            row["kind"],
            row["owner_id"],
            row["state"],
            _place(row, "available", None),
            plain_or_none(row["parent_id"]),
            tuple(claims[one].values()),
            tuple(sorted(holding[one])),
            tuple(contents[one]),
            tuple(stock[one]),
            tuple(came[one]),
        )
    return out


def _announcements(
    rows: Sequence[Row],
) -> tuple[dict[UUID, dict[Document, Claim]], dict[UUID, list[str]]]:
    """Per handling unit: the ASNs that announce content in it, and that content."""
    claims: dict[UUID, dict[Document, Claim]] = defaultdict(dict)
    contents: dict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        if row["handling_unit_id"] is None:
            continue
        one = plain(row["handling_unit_id"])
        contents[one].append(row["epc_key"])
        done = row["unit_state"] == "received"
        known = claims[one].get(Document("asn", plain(row["asn_id"])))
        claims[one][Document("asn", plain(row["asn_id"]))] = _asn_claim(
            row, done=done or (known is not None and known.done)
        )
    return claims, contents


def _asn_claim(row: Row, *, done: bool) -> Claim:
    return Claim(
        Document("asn", plain(row["asn_id"])),
        row["state"],
        row["portal"],
        plain_or_none(row["visit_id"]),
        row["line_no"],
        done,
    )


async def _plans(
    raw: asyncpg.Connection[Any], site: str, visit_id: UUID, before: tuple[UUID, int] | None
) -> list[Plan]:
    one, end = before if before is not None else (None, None)
    rows = await raw.fetch(sql.PLANS, site, visit_id, one, end)
    return [read_plan(row["planned_moves"]) for row in rows]


def past_of(row: Row) -> Past:
    """A move row joined with the kinds of its places."""
    return Past(
        row["move_id"],
        Move(
            owner_id=row["owner_id"],
            item_id=row["item_id"],
            lot_id=row["lot_id"],
            quantity=row["quantity"],
            origin=Place(
                row["source_location_id"],
                row["source_kind"],
                plain_or_none(row["source_handling_unit_id"]),
                row["source_status"],
            ),
            target=Place(
                row["target_location_id"],
                row["target_kind"],
                plain_or_none(row["target_handling_unit_id"]),
                row["target_status"],
            ),
            biz_step=row["biz_step"],
            cause=row["cause"],
            cause_id=row["cause_id"],
            source=row["source"],
            source_key=row["source_key"],
            occurred_at=row["occurred_at"],
            epc_key=row["epc_key"],
            pass_id=plain_or_none(row["pass_id"]),
            reverses_move_id=row["reverses_move_id"],
            actor=row["actor"],
        ),
    )


def _place(row: Row, status: str, handling_unit_id: UUID | None) -> Place | None:
    if row["location_id"] is None:
        return None
    return Place(row["location_id"], row["location_kind"], plain_or_none(handling_unit_id), status)


def plain(value: UUID) -> UUID:
    """The driver's UUID subclass as a plain one, so that equality and hashing are ours."""
    return UUID(int=value.int)


def plain_or_none(value: UUID | None) -> UUID | None:
    """`plain`, None staying None."""
    return None if value is None else UUID(int=value.int)
