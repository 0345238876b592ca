"""CSV import and export of items: all or nothing, and what was exported imports unchanged."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.application.layout_import import claim_import
from core.application.ports.layout import StoredItem
from core.application.ports.uow import UnitOfWork
from core.domain.csv_text import (
    CsvRow,
    RowError,
    code_of_sku,
    parse_csv,
    refuse_rows,
    row_error,
    text_code,
    whole_number,
)
from core.domain.items import (
    FACTS,
    MAX_NUMBER,
    PACKAGING,
    Value,
    Wrong,
    misfits,
    read_cells,
    read_gtin,
)
from core.domain.layout import ItemRow

COLUMNS = ("sku", "name", "gtin", "uom", "min", "max")
EXTRA = (*FACTS, *PACKAGING)
UNITS = ("EA", "CS", "PL")
PAGE = 1000
_DETAIL = "The cell does not fit its column."
_IN_USE = "The item has stock or tags: its tracking stays as it is until they are gone."


@dataclass(slots=True)
class _File:
    """One import as it is read: the owner's items as they are, and what the file says."""

    owner: str
    known: Mapping[str, StoredItem]
    taken: dict[str, str]
    errors: list[RowError]
    seen: set[str] = field(default_factory=set)
    items: list[ItemRow] = field(default_factory=list)
    facts: dict[str, dict[str, Value]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


async def import_items(uow: UnitOfWork, data: bytes, *, owner: str, now: int) -> int:
    """Insert or update the owner's items; how many rows. Empty cells of extra columns say nothing.

    An item that has no GTIN or levels may leave those cells empty.
    """
    await claim_import(uow, f"items/{owner}")
    rows, errors = parse_csv(data, required=COLUMNS, optional=EXTRA)
    known = await uow.layout.items(owner)
    taken = {item.gtin: sku for sku, item in known.items() if item.gtin is not None}
    taken |= await uow.items.packaging_gtins(owner)
    file = _File(owner, known, taken, errors)
    for row in rows:
        _read(file, row)
    tracking = {sku: str(f["tracking"]) for sku, f in file.facts.items() if "tracking" in f}
    for sku, now_is in (await uow.items.stocked(owner, sorted(tracking))).items():
        if now_is != tracking[sku]:
            errors.append(row_error(file.rows[sku], "tracking", "tracking-in-use", _IN_USE))
    refuse_rows(errors, (*COLUMNS, *EXTRA))
    await uow.layout.save_items(file.items, now=now)
    named = {sku: facts for sku, facts in file.facts.items() if facts}
    if named:
        await uow.items.save_facts(owner, named)
    return len(file.items)


def _read(file: _File, row: CsvRow) -> None:
    cells, found = row.cells, len(file.errors)
    sku = cells["sku"]

    def wrong(column: str, code: str | None) -> None:
        if code is not None:
            file.errors.append(row_error(row.number, column, code, _DETAIL))

    wrong("sku", code_of_sku(sku))
    if len(file.errors) == found and sku in file.seen:
        wrong("sku", "duplicate-key")
    file.seen.add(sku)
    wrong("name", text_code(cells["name"], high=1000))
    known = file.known.get(sku)
    gtin, code = (None, None)
    if cells["gtin"] or known is None or known.gtin is not None:
        gtin, code = _taken(file, sku, cells["gtin"])
    wrong("gtin", code)
    wrong("uom", _uom(cells["uom"]))
    without = known is not None and not known.levels and not cells["min"] and not cells["max"]
    low, high = (None, None) if without else _levels(cells, wrong)
    facts, bad = read_cells(cells)
    for name, why in {**misfits(facts), **bad}.items():
        wrong(name, why)
    for name in ("case_gtin", "pallet_gtin"):
        if name in facts:
            wrong(name, _taken(file, sku, str(facts[name]))[1])
    if len(file.errors) == found:
        file.rows[sku], file.facts[sku] = row.number, facts
        file.items.append(
            ItemRow(
                owner=file.owner,
                sku=sku,
                name=cells["name"],
                gtin=gtin,
                uom=cells["uom"],
                minimum=low,
                maximum=high,
            )
        )


def _taken(file: _File, sku: str, cell: str) -> tuple[str | None, str | None]:
    """A GTIN and the code of what is wrong with it; one GTIN is one item's."""
    if not cell.strip():
        return None, "required"
    gtin = read_gtin(cell)
    if isinstance(gtin, Wrong):
        return None, gtin.code
    if file.taken.setdefault(str(gtin), sku) != sku:
        return None, "gtin-duplicate"
    return str(gtin), None


def _levels(cells: Mapping[str, str], wrong: Any) -> tuple[int | None, int | None]:
    found = [whole_number(cells[name], low=0, high=MAX_NUMBER) for name in ("min", "max")]
    for name, level in zip(("min", "max"), found, strict=True):
        wrong(name, level if isinstance(level, str) else None)
    low, high = (level if isinstance(level, int) else None for level in found)
    if low is not None and high is not None and low > high:
        wrong("min", "min-max")
    return low, high


def _uom(cell: str) -> str | None:
    if not cell.strip():
        return "required"
    return None if cell in UNITS else "uom"


async def export_items(uow: UnitOfWork, owners: Sequence[str] | None) -> AsyncIterator[bytes]:
    """The items as a file that the import takes, in pages of a thousand rows."""
    columns, after = (*COLUMNS, *EXTRA), None
    yield _lines([columns])
    while True:
        rows = await uow.items.listed(owners=owners, sku=None, text=None, limit=PAGE, after=after)
        if not rows:
            return
        yield _lines([[_cell(row[name]) for name in columns] for row in rows])
        after = rows[-1]["id"]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
