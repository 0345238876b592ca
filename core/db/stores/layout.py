"""Imports in SQL: upserts by natural key, so that the same document again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from core.application.ports.layout import Shelf, StoredItem, StoredUnit
from core.db.stores.expected import plain_or_none
from core.domain.layout import ItemRow, KnownLayout, Layout
from core.domain.stock import Place

SITE = """
INSERT INTO site (site_id, name, timezone, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (site_id) DO UPDATE SET name = excluded.name, timezone = excluded.timezone
"""
RULE = """
UPDATE site SET settings = settings || jsonb_build_object($2::text, $3::jsonb) WHERE site_id = $1
"""
OWNER = """
INSERT INTO owner (owner_id, name, gs1_prefix, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (owner_id) DO UPDATE SET name = excluded.name,
  gs1_prefix = COALESCE(excluded.gs1_prefix, owner.gs1_prefix)
"""
LOCATION = """
INSERT INTO location (site_id, code, kind, zone, aisle, bay, level, x_m, y_m, width_m, depth_m,
  capacity_units, walk_order)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (site_id, code) DO UPDATE SET kind = excluded.kind, zone = excluded.zone,
  aisle = excluded.aisle, bay = excluded.bay, level = excluded.level, x_m = excluded.x_m,
  y_m = excluded.y_m, width_m = excluded.width_m, depth_m = excluded.depth_m,
  capacity_units = excluded.capacity_units, walk_order = excluded.walk_order
"""
_LOCATION = "(SELECT location_id FROM location WHERE site_id = $1 AND code = {0})"
PORTAL = f"""
INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)
VALUES ($1, $2, {_LOCATION.format("$3")}, {_LOCATION.format("$4")})
ON CONFLICT (site_id, portal) DO UPDATE SET door_location_id = excluded.door_location_id,
  inside_location_id = excluded.inside_location_id
"""
MODE = """
INSERT INTO portal_mode (site_id, portal, direction, mode, since, actor)
VALUES ($1, $2, $3, $4, $5, 'import') ON CONFLICT DO NOTHING
"""
AGENT = """
INSERT INTO agent (site_id, agent, cell, registered_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (site_id, agent) DO UPDATE SET cell = excluded.cell
"""
DEVICE = """
INSERT INTO device (site_id, agent, device, driver, outputs, belts)
VALUES ($1, $2, $3, $4, $5::jsonb, $6)
ON CONFLICT (site_id, agent, device) DO UPDATE SET driver = excluded.driver,
  outputs = excluded.outputs, belts = excluded.belts
"""
READ_POINT = f"""
INSERT INTO read_point (site_id, read_point, agent, device, antenna, gpi_port, role, portal, side,
  location_id, x_m, y_m)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, {_LOCATION.format("$10")}, $11, $12)
ON CONFLICT (site_id, read_point) DO UPDATE SET agent = excluded.agent, device = excluded.device,
  antenna = excluded.antenna, gpi_port = excluded.gpi_port, role = excluded.role,
  portal = excluded.portal, side = excluded.side, location_id = excluded.location_id,
  x_m = excluded.x_m, y_m = excluded.y_m
"""
ITEM = """
INSERT INTO item AS i (owner_id, sku, name, gtin, uom, tracking, min_stock, max_stock, weight_g,
  volume_ml, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (owner_id, sku) DO UPDATE SET name = excluded.name,
  gtin = COALESCE(excluded.gtin, i.gtin), uom = excluded.uom,
  min_stock = COALESCE(excluded.min_stock, i.min_stock),
  max_stock = COALESCE(excluded.max_stock, i.max_stock),
  weight_g = COALESCE(excluded.weight_g, i.weight_g),
  volume_ml = COALESCE(excluded.volume_ml, i.volume_ml)
"""
PICK_FACE = f"""
INSERT INTO pick_face (site_id, location_id, item_id, min_quantity, max_quantity)
VALUES ($1, {_LOCATION.format("$2")},
  (SELECT item_id FROM item WHERE owner_id = $3 AND sku = $4), $5, $6)
ON CONFLICT (site_id, location_id, item_id) DO UPDATE SET min_quantity = excluded.min_quantity,
  max_quantity = excluded.max_quantity
"""
SHELVES = """
SELECT q.item_id, q.lot_id, q.location_id, q.on_hand, q.reserved, (SELECT count(*) FROM unit u
  WHERE u.site_id = q.site_id AND u.owner_id = q.owner_id AND u.item_id = q.item_id
    AND u.lot_id IS NOT DISTINCT FROM q.lot_id AND u.location_id = q.location_id
    AND u.handling_unit_id IS NULL AND u.status = 'available') AS tagged
FROM quant q
JOIN unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS k(item_id, lot_id, location_id)
  ON q.item_id = k.item_id AND q.lot_id IS NOT DISTINCT FROM k.lot_id
  AND q.location_id = k.location_id
WHERE q.site_id = $1 AND q.owner_id = $2 AND q.handling_unit_id IS NULL AND q.status = 'available'
ORDER BY q.item_id, q.lot_id NULLS FIRST, q.location_id FOR UPDATE OF q
"""
UNITS = """
SELECT u.epc_key, u.owner_id, u.item_id, u.state, u.status, u.location_id, u.handling_unit_id,
  l.kind
FROM unit u LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
WHERE u.site_id = $1 AND u.epc_key = ANY($2::text[])
"""
COMMISSION = """
INSERT INTO unit (site_id, epc_key, owner_id, item_id, lot_id, state, changed_at)
SELECT $1, k.epc_key, $2, k.item_id, k.lot_id, 'announced', $3
FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS k(epc_key, item_id, lot_id)
ON CONFLICT DO NOTHING
"""


class PgLayoutStore:
    """`LayoutStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def claim_import(self, kind: str) -> bool:
        """See the port."""
        return bool(
            await self._raw.fetchval(
                "SELECT pg_try_advisory_xact_lock(hashtextextended('import/' || $1 || $2, 0))",
                kind,
                self._site,
            )
        )

    async def known(self) -> KnownLayout:
        """See the port."""
        fetch, site = self._raw.fetch, self._site
        locations = await fetch("SELECT code, kind FROM location WHERE site_id = $1", site)
        agents = await fetch("SELECT agent FROM agent WHERE site_id = $1", site)
        devices = await fetch("SELECT agent, device FROM device WHERE site_id = $1", site)
        portals = await fetch("SELECT portal FROM portal WHERE site_id = $1", site)
        owners = await fetch("SELECT owner_id FROM owner")
        items = await fetch("SELECT owner_id, sku FROM item")
        return KnownLayout(
            {row["code"]: row["kind"] for row in locations},
            frozenset(row["owner_id"] for row in owners),
            frozenset(row["agent"] for row in agents),
            frozenset((row["agent"], row["device"]) for row in devices),
            frozenset(row["portal"] for row in portals),
            frozenset((row["owner_id"], row["sku"]) for row in items),
        )

    async def save(self, layout: Layout, *, now: int) -> None:
        """See the port."""
        site = self._site
        await self._raw.execute(SITE, site, layout.name, layout.timezone, now)
        rules = ("travel", layout.travel), ("counts", layout.counts)
        for name, rule in (*rules, ("adjustments", layout.adjustments)):
            if rule is not None:
                await self._raw.execute(RULE, site, name, json.dumps(dict(rule)))
        await self._raw.executemany(
            OWNER, [(o.owner, o.name, o.gs1_prefix, now) for o in layout.owners]
        )
        await self._raw.executemany(
            LOCATION,
            [
                (site, p.code, p.kind, p.zone, p.aisle, p.bay, p.level, p.x_m, p.y_m, p.width_m,
                 p.depth_m, p.capacity_units, p.walk_order)
                for p in layout.locations
            ],
        )  # fmt: skip
        await self._raw.executemany(
            PORTAL, [(site, p.portal, p.door, p.inside) for p in layout.portals]
        )
        await self._raw.executemany(
            MODE,
            [
                (site, p.portal, way, mode, now)
                for p in layout.portals
                for way, mode in p.modes.items()
            ],
        )
        await self._raw.executemany(AGENT, [(site, a.agent, a.cell, now) for a in layout.agents])
        await self._raw.executemany(
            DEVICE,
            [
                (site, d.agent, d.device, d.driver, json.dumps(dict(d.outputs)), list(d.belts))
                for d in layout.devices
            ],
        )
        await self._raw.executemany(
            READ_POINT,
            [
                (site, r.read_point, r.agent, r.device, r.antenna, r.gpi_port, r.role, r.portal,
                 r.side, r.location, r.x_m, r.y_m)
                for r in layout.read_points
            ],
        )  # fmt: skip
        await self.save_items(layout.items, now=now)
        await self._raw.executemany(
            PICK_FACE,
            [(site, f.location, f.owner, f.sku, f.low, f.high) for f in layout.pick_faces],
        )

    async def items(self, owner: str) -> Mapping[str, StoredItem]:
        """See the port."""
        rows = await self._raw.fetch(
            "SELECT item_id, sku, gtin, (min_stock IS NOT NULL OR max_stock IS NOT NULL) AS levels"
            " FROM item WHERE owner_id = $1",
            owner,
        )
        return {row["sku"]: StoredItem(**dict(row)) for row in rows}

    async def save_items(self, rows: Sequence[ItemRow], *, now: int) -> None:
        """See the port."""
        await self._raw.executemany(
            ITEM,
            [
                (r.owner, r.sku, r.name, r.gtin, r.uom, r.tracking, r.minimum, r.maximum,
                 r.weight_g, r.volume_ml, now)
                for r in rows
            ],
        )  # fmt: skip

    async def places(self, codes: Sequence[str]) -> Mapping[str, Place]:
        """See the port."""
        rows = await self._raw.fetch(
            "SELECT code, location_id, kind FROM location"
            " WHERE site_id = $1 AND code = ANY($2::text[])",
            self._site,
            list(codes),
        )
        return {row["code"]: Place(row["location_id"], row["kind"]) for row in rows}

    async def shelves(
        self, owner: str, keys: Sequence[tuple[int, int | None, int]]
    ) -> Mapping[tuple[int, int | None, int], Shelf]:
        """See the port."""
        rows = await self._raw.fetch(
            SHELVES,
            self._site,
            owner,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [key[2] for key in keys],
        )
        return {
            (row["item_id"], row["lot_id"], row["location_id"]): Shelf(
                row["on_hand"], row["reserved"], row["tagged"]
            )
            for row in rows
        }

    async def units(self, keys: Sequence[str]) -> Mapping[str, StoredUnit]:
        """See the port."""
        out = {}
        for row in await self._raw.fetch(UNITS, self._site, list(keys)):
            place = None
            if row["location_id"] is not None:
                holder = plain_or_none(row["handling_unit_id"])
                place = Place(row["location_id"], row["kind"], holder, row["status"])
            out[row["epc_key"]] = StoredUnit(
                row["epc_key"], row["owner_id"], row["item_id"], row["state"], place
            )
        return out

    async def commission(
        self, owner: str, units: Sequence[tuple[str, int, int | None]], *, now: int
    ) -> None:
        """See the port."""
        await self._raw.execute(
            COMMISSION,
            self._site,
            owner,
            now,
            [unit[0] for unit in units],
            [unit[1] for unit in units],
            [unit[2] for unit in units],
        )
