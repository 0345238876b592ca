"""Packed orders leave through a door: loaded green, caught at the wrong door, held if not whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from core.application.shipments import palletize
from core.application.visits import close_visit, open_visit
from core.domain.tags import Document
from tests.dock import Dock
from tests.floor import Floor, a_floor, unit_key

PORTALS = """
INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)
SELECT 'demo', 'dock-' || n, d.location_id, i.location_id FROM unnest(ARRAY[1, 2]) AS n
JOIN location d ON d.code = 'DOCK-' || n JOIN location i ON i.code = 'STAGE-IN'
"""
MODES = """
INSERT INTO portal_mode (site_id, portal, direction, mode, since)
SELECT 'demo', p, d, $1, 1 FROM unnest(ARRAY['dock-1', 'dock-2']) AS p,
  unnest(ARRAY['in', 'out']) AS d
ON CONFLICT (site_id, portal, direction, owner_id) DO UPDATE SET mode = excluded.mode
"""


@dataclass
class Yard:
    """A floor with two doors."""

    floor: Floor
    dock: Dock
    cartons: list[str] = field(default_factory=list)
    orders: list[UUID] = field(default_factory=list)

    async def ready(self, mode: str = "book") -> Yard:
        async with self.floor.unit() as uow:
            await uow.raw.execute(PORTALS)
            await uow.raw.execute(MODES, mode)
        return self

    async def packed(self, count: int) -> UUID:
        """Orders of two untagged units each, packed, staged, on one shipment."""
        await self.floor.holds(2 * count)
        for _ in range(count):
            order = await self.floor.order(2)
            await self.floor.release()
            tote = await self.floor.pick_all(len(self.orders) + 1)
            carton = await self.floor.pack(order, tote)
            await self.floor.stage(carton)
            self.cartons.append(carton.carrier.epc_key)
            self.orders.append(order)
        return await self.floor.shipment(*self.orders[-count:])

    async def pallet(self, shipment: UUID, cartons: list[str]) -> str:
        async with self.floor.unit() as uow:
            made = await palletize(
                uow,
                shipment,
                pallet_key=None,
                handling_units=cartons,
                owners=None,
                now=self.floor.now,
                ids=self.floor.ids,
            )
        return made.epc_key

    async def opens(self, portal: str, *shipments: UUID) -> UUID:
        return await self.dock.run(
            lambda uow: open_visit(
                uow,
                portal=portal,
                truck=None,
                documents=[Document("shipment", one) for one in shipments],
                now=self.dock.now,
                ids=self.dock.ids,
                actor="lead",
            )
        )

    async def closes(self, visit_id: UUID) -> dict[str, Any]:
        return await self.dock.run(
            lambda uow: close_visit(
                uow, visit_id=visit_id, now=self.dock.now, ids=self.dock.ids, actor="lead"
            )
        )

    async def order_states(self) -> list[str]:
        return [(await self.floor.see(order))["status"] for order in self.orders]

    async def state(self, shipment: UUID) -> str:
        found = await self.dock.value("SELECT state FROM shipment WHERE shipment_id = $1", shipment)
        return str(found)

    async def alarms(self) -> list[tuple[Any, ...]]:
        return await self.floor.rows(
            "SELECT kind, subject FROM exception WHERE resolved_at IS NULL ORDER BY 1, 2"
        )


@pytest.fixture
async def yard(database_url: str) -> AsyncIterator[Yard]:
    async with a_floor(database_url) as floor:
        dock = Dock(floor.open_unit, database_url, now=floor.now, made=10**9)
        yield Yard(floor, dock)


async def test_two_pallets_load_green_twice_and_ship_when_the_visit_closes(yard: Yard) -> None:
    await yard.ready()
    shipment = await yard.packed(4)
    pallets = [
        await yard.pallet(shipment, yard.cartons[:2]),
        await yard.pallet(shipment, yard.cartons[2:]),
    ]
    visit = await yard.opens("dock-1", shipment)

    first = await yard.dock.goes("out", [pallets[0], *yard.cartons[:2]])
    assert (yard.dock.said(first).verdict, yard.dock.said(first).light) == ("matched", "green")
    assert await yard.state(shipment) == "verifying"
    second = await yard.dock.goes("out", [pallets[1], *yard.cartons[2:]])
    assert (yard.dock.said(second).verdict, yard.dock.said(second).light) == ("matched", "green")
    assert await yard.state(shipment) == "verified"
    assert await yard.order_states() == ["staged"] * 4

    summary = await yard.closes(visit)

    assert (summary["short"], summary["over"]) == (0, 0)
    assert await yard.state(shipment) == "shipped"
    assert await yard.order_states() == ["shipped"] * 4
    assert await yard.floor.stock() == {}
    assert await yard.floor.drift() == []
    assert await yard.alarms() == []


async def test_the_first_fitting_pass_opens_the_visit(yard: Yard) -> None:
    await yard.ready()
    shipment = await yard.packed(1)

    await yard.dock.goes("out", yard.cartons, portal="dock-2")

    visits = await yard.dock.rows("SELECT portal, state, opened_by FROM door_visit")
    assert visits == [{"portal": "dock-2", "state": "open", "opened_by": "pass"}]
    assert await yard.state(shipment) == "verified"


async def test_a_carton_through_the_neighbours_door_is_red_and_its_order_is_not_shipped(
    yard: Yard,
) -> None:
    await yard.ready()
    mine = await yard.packed(1)
    others = await yard.packed(1)
    here, there = await yard.opens("dock-1", mine), await yard.opens("dock-2", others)

    strayed = await yard.dock.goes("out", [yard.cartons[0]], portal="dock-2")
    said = yard.dock.said(strayed)
    assert (said.verdict, said.light) == ("wrong_door", "red")
    assert said.tags[0].reason == "dock-1"
    await yard.dock.goes("out", [yard.cartons[1]], portal="dock-2")
    assert await yard.state(others) == "held"
    await yard.closes(here)
    await yard.closes(there)

    assert await yard.order_states() == ["staged", "staged"]
    assert ("pass.wrong_door", yard.cartons[0]) in await yard.alarms()
    assert await yard.floor.drift() == []


async def test_a_stranger_taken_off_the_truck_again_frees_the_shipment(yard: Yard) -> None:
    await yard.ready()
    mine = await yard.packed(1)
    others = await yard.packed(1)
    here, there = await yard.opens("dock-1", mine), await yard.opens("dock-2", others)
    await yard.dock.goes("out", [yard.cartons[1]], portal="dock-2")
    await yard.dock.goes("out", [yard.cartons[0]], portal="dock-2")
    assert await yard.state(others) == "held"

    back = await yard.dock.goes("in", [yard.cartons[0]], portal="dock-2")
    assert yard.dock.said(back).light == "green"
    assert await yard.state(others) == "verified"
    assert (await yard.floor.stock())["STAGE-OUT-1"] == (2, 0)
    await yard.closes(there)
    await yard.dock.goes("out", [yard.cartons[0]], portal="dock-1")
    await yard.closes(here)

    assert await yard.order_states() == ["shipped", "shipped"]
    assert await yard.alarms() == []
    assert await yard.floor.drift() == []


async def test_a_carton_missing_at_the_close_holds_the_shipment_and_nothing_ships(
    yard: Yard,
) -> None:
    await yard.ready()
    shipment = await yard.packed(2)
    visit = await yard.opens("dock-1", shipment)
    await yard.dock.goes("out", [yard.cartons[0]])

    summary = await yard.closes(visit)

    assert summary["short"] == 1
    assert [u["key"] for u in summary["units"]] == [yard.cartons[1]]
    assert await yard.state(shipment) == "held"
    assert await yard.order_states() == ["staged", "staged"]
    assert ("shipment.held", f"shipment {shipment}") in await yard.alarms()
    assert await yard.floor.drift() == []


async def test_an_unread_carton_on_a_pallet_is_missing_until_it_is_read(yard: Yard) -> None:
    await yard.ready()
    shipment = await yard.packed(2)
    pallet = await yard.pallet(shipment, yard.cartons)
    await yard.opens("dock-1", shipment)

    said = yard.dock.said(await yard.dock.goes("out", [pallet, yard.cartons[0]]))
    assert (said.verdict, said.light) == ("missing", "red")
    assert await yard.state(shipment) == "verifying"
    await yard.dock.goes("in", [pallet, yard.cartons[0]])
    again = yard.dock.said(await yard.dock.goes("out", [pallet, *yard.cartons]))

    assert (again.verdict, again.light) == ("matched", "green")
    assert await yard.state(shipment) == "verified"
    assert await yard.alarms() == []


async def test_goods_off_a_shelf_through_the_door_are_unexpected_and_stay_in_the_book(
    yard: Yard,
) -> None:
    await yard.ready()
    await yard.floor.holds_tagged([1, 2])

    said = yard.dock.said(await yard.dock.goes("out", [unit_key(1)]))

    assert (said.verdict, said.light) == ("unexpected", "red")
    assert await yard.floor.stock() == {"A-01-01-1": (1, 0), "DOCK-1": (1, 0)}
    assert await yard.alarms() == [("pass.unexpected", unit_key(1))]


async def test_loading_in_observe_mode_leaves_the_book_alone(yard: Yard) -> None:
    await yard.ready("observe")
    shipment = await yard.packed(1)
    before = await yard.dock.book()

    visit = await yard.opens("dock-1", shipment)
    said = yard.dock.said(await yard.dock.goes("out", yard.cartons))
    assert (said.verdict, said.light, said.mode) == ("matched", "green", "observe")
    summary = await yard.closes(visit)

    assert summary["unposted"] == 1
    assert await yard.dock.book() == before
    assert await yard.state(shipment) == "staged"
