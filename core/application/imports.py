"""CSV import of first stock: all or nothing, and the same file again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.application.layout_import import claim_import
from core.application.ledger import post_moves
from core.application.ports.layout import Shelf, StoredUnit
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.csv_text import (
    CsvRow,
    RowError,
    code_of_sku,
    parse_csv,
    refuse_rows,
    row_error,
    whole_number,
)
from core.domain.errors import Refused
from core.domain.naming import normal_unit_key
from core.domain.stock import Move, Place

STOCK_COLUMNS = ("location", "sku", "quantity")
STOCK_EXTRA = ("lot", "epc")
MAX_QUANTITY = 1_000_000_000
_DETAIL = "The cell does not fit its column."


@dataclass(frozen=True, slots=True)
class StockRow:
    """One counted place: a quantity without serials, or one tagged unit."""

    number: int
    place: Place
    item_id: int
    lot: str | None
    quantity: int
    epc_key: str | None


async def import_stock(
    uow: UnitOfWork, data: bytes, *, owner: str, now: int, ids: Ids, actor: str
) -> dict[str, int]:
    """Set what stands at each named place to what the file says, by moves from and to `adjustment`.

    Raises `Refused("below-reserved")` when a count lies under what is reserved there.
    """
    await claim_import(uow, f"stock/{owner}")
    rows, errors = parse_csv(data, required=STOCK_COLUMNS, optional=STOCK_EXTRA)
    codes = {row.cells["location"] for row in rows}
    places = await uow.layout.places(sorted(c for c in codes if code_of_sku(c) is None))
    items = await uow.layout.items(owner)
    skus = {sku: item.item_id for sku, item in items.items()}
    stock: list[StockRow] = []
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        line = _stock_row(row, places, skus, seen, errors)
        if line is not None:
            stock.append(line)
    refuse_rows(errors, (*STOCK_COLUMNS, *STOCK_EXTRA))
    lots = await uow.inbound.lots((r.item_id, r.lot) for r in stock if r.lot is not None)
    adjustment = await uow.stock.virtual("adjustment")
    moves = [
        *await _tagged(uow, owner, stock, lots, adjustment, ids(), now, actor),
        *await _untagged(uow, owner, stock, lots, adjustment, ids(), now, actor),
    ]
    await post_moves(uow, moves, now=now, ids=ids)
    return {"rows": len(stock), "moves": len(moves)}


def _stock_row(
    row: CsvRow,
    places: Mapping[str, Place],
    items: Mapping[str, int],
    seen: set[tuple[str, ...]],
    errors: list[RowError],
) -> StockRow | None:
    cells, found = row.cells, len(errors)

    def wrong(column: str, code: str | None) -> None:
        if code is not None:
            errors.append(row_error(row.number, column, code, _DETAIL))

    place, item_id = places.get(cells["location"]), items.get(cells["sku"])
    code = code_of_sku(cells["location"])
    unknown = place is None or place.is_virtual
    wrong("location", code if code is not None else "location-unknown" if unknown else None)
    code = code_of_sku(cells["sku"])
    wrong("sku", code if code is not None else "sku-unknown" if item_id is None else None)
    quantity = whole_number(cells["quantity"], low=0, high=MAX_QUANTITY)
    wrong("quantity", quantity if isinstance(quantity, str) else None)
    lot = cells.get("lot") or None
    wrong("lot", None if lot is None else code_of_sku(lot))
    key = None
    if cells.get("epc"):
        try:
            key = normal_unit_key(cells["epc"], pointer="")
        except Refused:
            wrong("epc", "format")
        if quantity != 1 and isinstance(quantity, int):
            wrong("quantity", "range")
    mark = (key,) if key is not None else (cells["location"], cells["sku"], lot or "")
    if mark in seen:
        wrong("epc" if key is not None else "location", "duplicate-key")
    seen.add(mark)
    if len(errors) > found or place is None or item_id is None or isinstance(quantity, str):
        return None
    return StockRow(row.number, place, item_id, lot, quantity, key)


async def _tagged(
    uow: UnitOfWork,
    owner: str,
    stock: list[StockRow],
    lots: Mapping[tuple[int, str], int],
    adjustment: Place,
    event: UUID,
    now: int,
    actor: str,
) -> list[Move]:
    rows = {row.epc_key: row for row in stock if row.epc_key is not None}
    if not rows:
        return []
    await uow.layout.commission(
        owner,
        [(key, row.item_id, _lot(row, lots)) for key, row in sorted(rows.items())],
        now=now,
    )
    known = await uow.layout.units(sorted(rows))
    errors = [
        row_error(row.number, "epc", "duplicate-key", "The tag belongs to other goods.")
        for key, row in rows.items()
        if _is_other(known[key], owner, row)
    ]
    refuse_rows(errors, (*STOCK_COLUMNS, *STOCK_EXTRA))
    moves = []
    for key, row in rows.items():
        here = known[key].place
        if here == row.place:
            continue
        origin = adjustment if here is None else here
        moves.append(_move(owner, row, _lot(row, lots), 1, origin, row.place, event, now, actor))
    return moves


def _is_other(unit: StoredUnit, owner: str, row: StockRow) -> bool:
    return unit.owner_id != owner or unit.item_id != row.item_id or unit.state == "retired"


async def _untagged(
    uow: UnitOfWork,
    owner: str,
    stock: list[StockRow],
    lots: Mapping[tuple[int, str], int],
    adjustment: Place,
    event: UUID,
    now: int,
    actor: str,
) -> list[Move]:
    rows = {
        (row.item_id, _lot(row, lots), row.place.location_id): row
        for row in stock
        if row.epc_key is None
    }
    shelves = await uow.layout.shelves(owner, list(rows))
    errors, moves = [], []
    for key, row in rows.items():
        shelf = shelves.get(key, Shelf(0, 0, 0))
        if row.quantity + shelf.tagged < shelf.reserved:
            detail = f"{shelf.reserved} are reserved there. Release or move the orders first."
            errors.append(row_error(row.number, "quantity", "below-reserved", detail))
        change = row.quantity - (shelf.on_hand - shelf.tagged)
        if change:
            origin, target = (adjustment, row.place) if change > 0 else (row.place, adjustment)
            moves.append(_move(owner, row, key[1], abs(change), origin, target, event, now, actor))
    refuse_rows(errors, (*STOCK_COLUMNS, *STOCK_EXTRA))
    return moves


def _lot(row: StockRow, lots: Mapping[tuple[int, str], int]) -> int | None:
    return None if row.lot is None else lots[(row.item_id, row.lot)]


def _move(
    owner: str,
    row: StockRow,
    lot_id: int | None,
    quantity: int,
    origin: Place,
    target: Place,
    event: UUID,
    now: int,
    actor: str,
) -> Move:
    return Move(
        owner_id=owner,
        item_id=row.item_id,
        lot_id=lot_id,
        quantity=quantity,
        origin=origin,
        target=target,
        biz_step="cycle_counting",
        cause="import",
        cause_id=str(event),
        source="import",
        source_key=f"{event}/{row.number}",
        occurred_at=now,
        epc_key=row.epc_key,
        actor=actor,
    )
