"""Builders for integration tests: a small warehouse in a fresh database, in a few words."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from core.db.uow import PgUnitOfWork
from core.domain.stock import Move, Place

SITE = "demo"
OWNER = "acme"
NOW = 1_795_000_000_000_000

PLACES = {
    "SUPPLIER": "supplier",
    "CUSTOMER": "customer",
    "LOSS": "loss",
    "ADJUSTMENT": "adjustment",
    "FOUND": "found",
    "MISSING": "missing",
    "DOCK-1": "dock",
    "DOCK-2": "dock",
    "STAGE-IN": "staging",
    "STAGE-OUT-1": "staging",
    "STAGE-OUT-2": "staging",
    "PACK-1": "packing",
    "CONV-1": "conveyor",
    "DISCREPANCY": "discrepancy",
    "A-01-01-1": "pick_face",
    "A-01-01-2": "storage",
    "A-01-02-1": "pick_face",
    "A-01-02-2": "storage",
}


def numbered() -> Ids:
    """Ids 1, 2, 3 … as UUIDs, so that a failure names the same thing each time."""
    return Ids()


class Ids:
    """A counter that makes UUIDs."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> UUID:
        """The next id."""
        self._last += 1
        return UUID(int=self._last)


@dataclass
class Warehouse:
    """What `a_warehouse` made: places by code, item ids by SKU."""

    places: dict[str, Place] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)

    def at(self, code: str, *, holding: UUID | None = None, status: str = "available") -> Place:
        """A place, with the handling unit and status meant."""
        place = self.places[code]
        return Place(place.location_id, place.kind, holding, status)


async def a_warehouse(uow: PgUnitOfWork, *skus: str, tracking: str = "none") -> Warehouse:
    """Site, owner, the places above and the given items (`SKU-1` when none is named)."""
    made, raw = Warehouse(), uow.raw
    await raw.execute("INSERT INTO site (site_id, name, created_at) VALUES ($1, $1, $2)", SITE, NOW)
    await raw.execute(
        "INSERT INTO owner (owner_id, name, gs1_prefix, created_at) VALUES ($1, $1, $2, $3)",
        OWNER,
        "0614141",
        NOW,
    )
    for order, (code, kind) in enumerate(PLACES.items()):
        location_id = await raw.fetchval(
            "INSERT INTO location (site_id, code, kind, zone, walk_order, x_m, y_m, capacity_units)"
            " VALUES ($1, $2, $3, 'A', $4, $4::integer, 1, 1000) RETURNING location_id",
            SITE,
            code,
            kind,
            order,
        )
        made.places[code] = Place(location_id, kind)
    for sku in skus or ("SKU-1",):
        made.items[sku] = await raw.fetchval(
            "INSERT INTO item (owner_id, sku, name, tracking, created_at)"
            " VALUES ($1, $2, $2, $3, $4) RETURNING item_id",
            OWNER,
            sku,
            tracking,
            NOW,
        )
    return made


def a_move(
    house: Warehouse,
    quantity: int,
    *,
    origin: str | Place = "SUPPLIER",
    target: str | Place = "A-01-01-1",
    sku: str = "SKU-1",
    key: str = "m-1",
    epc_key: str | None = None,
) -> Move:
    """A move of `quantity` of an item; by default a receipt into the first pick face."""
    return Move(
        owner_id=OWNER,
        item_id=house.items[sku],
        quantity=quantity,
        origin=house.at(origin) if isinstance(origin, str) else origin,
        target=house.at(target) if isinstance(target, str) else target,
        biz_step="storing",
        cause="import",
        cause_id="test",
        source="test",
        source_key=key,
        occurred_at=NOW,
        epc_key=epc_key,
    )


async def stock_up(
    uow: PgUnitOfWork,
    house: Warehouse,
    quantity: int,
    *,
    target: str = "A-01-01-1",
    sku: str = "SKU-1",
) -> None:
    """Bring `quantity` of an item from the supplier to a place."""
    key = f"stock-up:{sku}:{target}:{quantity}"
    await uow.stock.post(
        [a_move(house, quantity, target=target, sku=sku, key=key)], recorded_at=NOW
    )
