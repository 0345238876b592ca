"""What the map shows: looks of devices, doors, carriers, alarms, search, and whose goods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.application.map import difference, light_now, read_map
from core.application.search import search
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused
from tests.builders import NOW, OWNER, SITE, Warehouse, a_warehouse, stock_up
from tests.floor import tote_key, unit_key

SECOND = 1_000_000


@pytest.fixture
async def open_unit(database_url: str) -> AsyncIterator[PgUnitOfWorkFactory]:
    engine = build_engine(database_url, pool_size=2)
    try:
        yield PgUnitOfWorkFactory(engine)
    finally:
        await engine.dispose()


async def a_device(uow: PgUnitOfWork, name: str, state: str | None, read_at: int | None) -> None:
    """A reader at the first dock in a state."""
    await uow.raw.execute(
        "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', $2)", SITE, name
    )
    if state is not None:
        await uow.raw.execute(
            "INSERT INTO device_state (site_id, agent, device, state, since, last_read_at)"
            " VALUES ($1, 'dock-1', $2, $3, $4, $5)",
            SITE, name, state, NOW, read_at,
        )  # fmt: skip


async def a_carrier(
    uow: PgUnitOfWork, house: Warehouse, key: str, place: str, *, owner: str | None = OWNER
) -> None:
    """A closed pallet at a place."""
    await uow.raw.execute(
        "INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, owner_id, state,"
        " location_id, created_at, changed_at)"
        " VALUES ($1, gen_random_uuid(), $2, 'pallet', $3, 'closed', $4, $5, $5)",
        SITE, key, owner, house.places[place].location_id, NOW,
    )  # fmt: skip


async def test_stale_dead_unheard_and_zero_reads_are_different_looks(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        await a_warehouse(uow)
        await a_device(uow, "busy", "live", NOW - 5 * SECOND)
        await a_device(uow, "zero", "live", NOW - 90 * SECOND)
        await a_device(uow, "never", "live", None)
        await a_device(uow, "slow", "stale", NOW)
        await a_device(uow, "gone", "dead", NOW)
        await a_device(uow, "new", None, None)
        devices = (await read_map(uow, owners=None, now=NOW))["devices"]

    assert {row["device"]: row["look"] for row in devices.values()} == {
        "busy": "live", "zero": "quiet", "never": "quiet", "slow": "stale", "gone": "dead",
        "new": "unheard",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "age_s", "agent", "light"),
    [
        ("matched", 1, "online", "green"),
        ("matched", 6, "online", "off"),
        ("wrong_door", 60, "online", "red"),
        ("undecided", 60, "online", "amber"),
        ("matched", 1, "offline", "amber"),
        ("matched", 1, None, "amber"),
        (None, 0, "online", "off"),
    ],
)
def test_the_light_is_green_for_five_seconds_and_amber_while_nobody_watches(
    verdict: str | None, age_s: int, agent: str | None, light: str
) -> None:
    assert light_now(verdict, NOW - age_s * SECOND, agent, NOW) == light


async def test_the_picture_holds_stock_by_place_and_carriers_with_their_place(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 12, target="A-01-01-2")
        await a_carrier(uow, house, "00/106141412345678908", "STAGE-IN")
        picture = await read_map(uow, owners=None, now=NOW)

    assert picture["stock"] == {"A-01-01-2": 12}
    assert "SUPPLIER" not in picture["places"]
    assert picture["places"]["A-01-01-2"][0] == "storage"
    (carrier,) = picture["units"].values()
    assert (carrier["key"], carrier["place"]) == ("00/106141412345678908", "STAGE-IN")


async def test_alarms_of_the_system_stand_apart_from_exceptions_of_the_floor(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        await a_warehouse(uow)
        for kind in ("agent.silent", "worker.silent", "broker.unreachable", "pass.wrong_door"):
            await uow.raw.execute(
                "INSERT INTO exception (site_id, exception_id, kind, subject, message, opened_at)"
                " VALUES ($1, gen_random_uuid(), $2, 'it', 'says', $3)",
                SITE, kind, NOW,
            )  # fmt: skip
        picture = await read_map(uow, owners=None, now=NOW)

    assert sorted(row["kind"] for row in picture["alarms"].values()) == [
        "agent.silent",
        "broker.unreachable",
        "worker.silent",
    ]
    assert [row["kind"] for row in picture["exceptions"].values()] == ["pass.wrong_door"]


async def test_carriers_and_exceptions_of_another_owner_are_not_shown(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await a_carrier(uow, house, "00/1", "STAGE-IN", owner=OWNER)
        await a_carrier(uow, house, "00/2", "STAGE-IN", owner="rival")
        await a_carrier(uow, house, "8003/3", "STAGE-IN", owner=None)
        for owner in (OWNER, "rival"):
            await uow.raw.execute(
                "INSERT INTO exception (site_id, exception_id, kind, subject, message, opened_at,"
                " owner_id) VALUES ($1, gen_random_uuid(), 'stock.low', $2, 'says', $3, $2)",
                SITE, owner, NOW,
            )  # fmt: skip
        picture = await read_map(uow, owners=[OWNER], now=NOW)
        hits = await search(uow, "SKU-1", owners=["rival"])

    assert {row["key"] for row in picture["units"].values()} == {"00/1", "8003/3"}
    assert [row["owner"] for row in picture["exceptions"].values()] == [OWNER]
    assert hits == []


async def test_one_box_finds_places_items_tags_and_carriers(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    tag, pallet = unit_key(1), tote_key(1)
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow, "SKU-1", "SKU-2", tracking="serial")
        await stock_up(uow, house, 1, target="A-01-02-2")
        await uow.raw.execute(
            "INSERT INTO unit (site_id, epc_key, owner_id, item_id, state, location_id,"
            " changed_at) VALUES ($1, $2, $3, $4, 'present', $5, $6)",
            SITE, tag, OWNER, house.items["SKU-1"], house.places["A-01-02-2"].location_id, NOW,
        )  # fmt: skip
        await a_carrier(uow, house, pallet, "STAGE-OUT-1")

        names = ("a-01-02-2", "sku-1", tag, pallet, "A-01-01", "nothing", "", "%", "' OR 1")
        found: dict[str, Any] = {}
        for text in names:
            hits = await search(uow, text, owners=None)
            found[text] = [(hit["what"], hit["key"], hit["places"]) for hit in hits]

    assert found["a-01-02-2"] == [("place", "A-01-02-2", ["A-01-02-2"])]
    assert found["sku-1"] == [("item", "SKU-1", ["A-01-02-2"])]
    assert found[tag] == [("unit", tag, ["A-01-02-2"])]
    assert found[pallet] == [("handling_unit", pallet, ["STAGE-OUT-1"])]
    assert [hit[1] for hit in found["A-01-01"]] == ["A-01-01-1", "A-01-01-2"]
    assert [found[text] for text in ("nothing", "", "%", "' OR 1")] == [[], [], [], []]


async def test_a_place_tells_what_lies_there_and_unknown_ones_are_refused(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 4)
        place = await uow.map.contents("A-01-01-1", None, limit=10)
        with pytest.raises(Refused, match="not-found"):
            await uow.map.contents("SUPPLIER", None, limit=10)

    assert (place["on_hand"], place["capacity"]) == (4, 1000)
    assert [(row["sku"], row["on_hand"]) for row in place["stock"]] == [("SKU-1", 4)]


def test_a_difference_leaves_out_what_stayed_and_sections_that_were_not_read() -> None:
    before: dict[str, dict[str, Any]] = {"stock": {"A": 1, "B": 2}, "places": {"A": [1]}}

    changed, gone = difference(before, {"stock": {"A": 1, "C": 3}})

    assert changed == {"stock": {"C": 3}}
    assert gone == {"stock": ["B"]}
