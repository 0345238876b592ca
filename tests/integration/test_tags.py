"""Commissioning on PostgreSQL: one EPC for one thing, new tags, dead tags, and their history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest

from contracts.gs1.encode import encode_sgtin_96
from contracts.gs1.keys import grai_from, grai_key, sscc_from, sscc_key
from core.application.inbound import NewAsn, NewContent, announce_asn
from core.application.ports.tracking import HeldTag
from core.application.ports.uow import UnitOfWork, in_transaction
from core.application.tags import (
    CarrierTagging,
    Tag,
    UnitTagging,
    bind_carrier,
    bind_unit,
    kill,
    retag,
)
from core.application.totes import register_tote
from core.application.verify import verify
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused
from runtime.clock import new_id
from tests.builders import OWNER, SITE, Warehouse, a_warehouse, stock_up

T = TypeVar("T")
ITEM = "01/09521101001006/21/"
SHELF = "A-01-01-1"
PALLET = sscc_key(sscc_from("9521101", 5))
TOTE = grai_key(grai_from("9521101", 2, "9"))


class House:
    """A warehouse and one transaction per step."""

    def __init__(self, factory: PgUnitOfWorkFactory, house: Warehouse) -> None:
        self.factory = factory
        self.house = house

    async def do(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """One step that succeeds."""
        return await in_transaction(self.factory, SITE, work)

    async def refused(self, work: Callable[[UnitOfWork], Awaitable[Any]]) -> Refused:
        """One step that is refused."""
        with pytest.raises(Refused) as refusal:
            await self.do(work)
        return refusal.value

    async def bind(self, serial: str, *, at: str | None = None, sku: str = "A-100") -> None:
        """A unit gets a tag."""
        await self.do(lambda uow: binding(uow, serial, at=at, sku=sku))

    async def told(self, key: str, owners: list[str] | None = None) -> dict[str, Any]:
        """The tag as the interface shows it."""
        return await self.do(lambda uow: uow.tags.history(key, owners))

    async def sound(self) -> None:
        """The book agrees with itself."""
        async with self.factory(SITE) as uow:
            assert await verify(uow, clock=lambda: 99) == []


async def binding(
    uow: UnitOfWork, serial: str, *, at: str | None = None, sku: str = "A-100"
) -> None:
    """Bind `serial` of the item's GTIN to a unit."""
    wanted = UnitTagging(owner=OWNER, sku=sku, location=at)
    tag = Tag(ITEM + serial)
    await bind_unit(uow, tag, wanted, reason="why", owners=None, now=5, actor="ann")


def killing(key: str, owners: list[str] | None = None) -> Callable[[UnitOfWork], Awaitable[None]]:
    return lambda uow: kill(uow, key, reason="torn", owners=owners, now=7, actor="bob")


def retagging(old: str, new: str) -> Callable[[UnitOfWork], Awaitable[None]]:
    return lambda uow: retag(uow, old, Tag(new), reason="torn", owners=None, now=6, actor="bob")


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    engine = build_engine(database_url, pool_size=8)
    factory = PgUnitOfWorkFactory(engine)
    try:
        async with factory(SITE) as uow:
            made = await a_warehouse(uow, "A-100", "B-200")
            await stock_up(uow, made, 2, sku="A-100")
            await uow.raw.execute("UPDATE item SET gtin = '09521101001006' WHERE sku = 'A-100'")
        yield House(factory, made)
    finally:
        await engine.dispose()


async def shelf_of(house: House) -> str:
    """Where the stock lies."""
    async with house.factory(SITE) as uow:
        return str(
            await uow.raw.fetchval("SELECT l.code FROM quant JOIN location l USING (location_id)")
        )


async def test_a_tag_goes_on_untagged_stock_and_no_further(house: House) -> None:
    shelf = await shelf_of(house)
    await house.bind("1", at=shelf)
    await house.bind("2", at=shelf)

    full = await house.refused(lambda uow: binding(uow, "3", at=shelf))
    other = await house.refused(lambda uow: binding(uow, "3", at=shelf, sku="B-200"))

    assert (full.code, other.code) == ("no-untagged-stock", "no-untagged-stock")
    told = await house.told(ITEM + "1")
    assert told["carried_by"]["location"] == shelf
    assert [(e["what"], e["actor"], e["at"]) for e in told["history"]] == [("bound", "ann", 5)]
    await house.sound()


async def test_an_epc_belongs_to_one_thing_and_the_refusal_names_it(house: House) -> None:
    carrier = CarrierTagging(kind="pallet", location="DOCK-1", owner=OWNER)

    def pallet(uow: UnitOfWork) -> Awaitable[None]:
        return bind_carrier(
            uow, Tag(PALLET), carrier, reason="new", owners=None, now=5, ids=new_id, actor="ann"
        )

    await house.bind("1")
    await house.do(pallet)
    unit = await house.refused(lambda uow: binding(uow, "1"))
    second = await house.refused(pallet)
    wrong = await house.refused(
        lambda uow: bind_unit(
            uow, Tag("01/09521990000779/21/1"), UnitTagging(owner=OWNER, sku="A-100"),
            reason="x", owners=None, now=5, actor="ann",
        )
    )  # fmt: skip
    scheme = await house.refused(
        lambda uow: bind_unit(
            uow, Tag(TOTE), UnitTagging(owner=OWNER, sku="A-100"),
            reason="x", owners=None, now=5, actor="ann",
        )
    )  # fmt: skip
    hidden = await house.refused(
        lambda uow: bind_unit(
            uow, Tag(ITEM + "1"), UnitTagging(owner=OWNER, sku="A-100"),
            reason="x", owners=["rival"], now=5, actor="eve",
        )
    )  # fmt: skip

    assert (unit.code, unit.facts["holder"]) == ("epc-bound", "a unit of A-100")
    assert (second.code, second.facts["holder"]) == ("epc-bound", "a pallet")
    assert (wrong.code, scheme.code) == ("gtin-mismatch", "epc-scheme")
    assert hidden.facts["holder"] == "goods of another owner"
    assert (await house.refused(lambda uow: uow.tags.history(ITEM + "1", ["rival"]))).code == (
        "not-found"
    )


async def test_two_people_who_bind_one_epc_at_once_leave_one_unit(house: House) -> None:
    done = await asyncio.gather(*(house.bind("1") for _ in range(6)), return_exceptions=True)

    codes = [one.code for one in done if isinstance(one, Refused)]
    assert (done.count(None), codes) == (1, ["epc-bound"] * 5)


async def test_a_new_tag_takes_over_place_and_history_and_the_old_one_is_spent(
    house: House,
) -> None:
    shelf = await shelf_of(house)
    await house.bind("1", at=shelf)
    await house.do(retagging(ITEM + "1", ITEM + "2"))

    new, old = await house.told(ITEM + "2"), await house.told(ITEM + "1")
    assert (new["state"], new["carried_by"]["location"]) == ("bound", shelf)
    assert (old["state"], old["replaced_by"]) == ("retired", ITEM + "2")
    events = [(e["key"], e["what"], e["other"]) for e in new["history"]]
    assert events == [
        (ITEM + "1", "bound", None),
        (ITEM + "1", "retagged", ITEM + "2"),
        (ITEM + "2", "bound", ITEM + "1"),
    ]
    for again in (
        lambda uow: binding(uow, "1"),
        retagging(ITEM + "1", ITEM + "3"),
        retagging(ITEM + "2", ITEM + "1"),
        killing(ITEM + "1"),
    ):
        assert (await house.refused(again)).code == "epc-retired"
    assert (await house.refused(retagging(ITEM + "2", ITEM + "2"))).code == "epc-bound"
    standing = await house.do(lambda uow: uow.tracking.standing([ITEM + "1", ITEM + "2"]))
    assert standing == {ITEM + "1": "retired", ITEM + "2": "unit"}
    await house.sound()


async def test_a_dead_tag_leaves_its_goods_untagged_in_the_book(house: House) -> None:
    shelf = await shelf_of(house)
    await house.bind("1", at=shelf)
    stranger = await house.refused(killing(ITEM + "1", ["rival"]))
    await house.do(killing(ITEM + "1"))

    assert stranger.code == "not-found"
    told = await house.told(ITEM + "1")
    assert (told["state"], told["history"][-1]["what"]) == ("retired", "killed")
    assert (told["history"][-1]["actor"], told["history"][-1]["reason"]) == ("bob", "torn")
    await house.bind("2", at=shelf)
    await house.bind("3", at=shelf)
    await house.sound()


async def test_a_unit_that_must_have_a_serial_is_not_left_without(house: House) -> None:
    shelf = await shelf_of(house)
    await house.bind("1", at=shelf)
    await house.bind("2", at=shelf)
    async with house.factory(SITE) as uow:
        await uow.raw.execute("UPDATE item SET tracking = 'serial' WHERE sku = 'A-100'")

    assert (await house.refused(killing(ITEM + "1"))).code == "serial-required"
    await house.do(retagging(ITEM + "1", ITEM + "9"))
    await house.sound()


async def test_a_pallet_keeps_its_goods_under_a_new_sscc_and_dies_only_empty(house: House) -> None:
    carrier = CarrierTagging(kind="pallet", location="DOCK-1", owner=OWNER)
    new = sscc_key(sscc_from("9521101", 6))
    await house.do(
        lambda uow: bind_carrier(
            uow, Tag(PALLET), carrier, reason="new", owners=None, now=5, ids=new_id, actor="ann"
        )
    )
    async with house.factory(SITE) as uow:
        unit = await uow.carriers.find(PALLET)
        assert unit is not None
        await uow.raw.execute(
            "UPDATE quant SET handling_unit_id = $1, location_id = $2",
            unit.handling_unit_id,
            unit.location_id,
        )

    assert (await house.refused(killing(PALLET))).code == "not-empty"
    await house.do(retagging(PALLET, new))
    async with house.factory(SITE) as uow:
        renamed = await uow.carriers.find(new)
        assert renamed is not None
        assert renamed.handling_unit_id == unit.handling_unit_id
        assert await uow.carriers.find(PALLET) is None
        await uow.raw.execute("DELETE FROM quant")
    await house.do(killing(new))
    standing = await house.do(lambda uow: uow.tracking.standing([PALLET, new]))
    assert standing == {PALLET: "retired", new: "retired"}


async def test_a_retired_sscc_or_tag_is_not_announced_again(house: House) -> None:
    await house.bind("1", at=SHELF)
    carrier = CarrierTagging(kind="pallet", location="DOCK-1", owner=OWNER)
    await house.do(
        lambda uow: bind_carrier(
            uow, Tag(PALLET), carrier, reason="new", owners=None, now=5, ids=new_id, actor="ann"
        )
    )
    await house.do(retagging(ITEM + "1", ITEM + "2"))
    await house.do(retagging(PALLET, sscc_key(sscc_from("9521101", 6))))

    def announcing(pallet: str, unit: str) -> Callable[[UnitOfWork], Awaitable[Any]]:
        new = NewAsn(
            owner_id=OWNER, external_asn_id="again", supplier=None, expected_at=None, lines=(),
            holders=((pallet, "pallet"),),
            contents=(NewContent(epc_key=unit, sku="A-100", holder=pallet),),
        )  # fmt: skip
        return lambda uow: announce_asn(uow, new, now=9, ids=new_id)

    refusal = await house.refused(announcing(PALLET, ITEM + "1"))

    assert sorted(error.pointer for error in refusal.errors) == ["/epcs/0", "/handling_units/0"]
    assert {error.code for error in refusal.errors} == {"duplicate"}
    await house.do(announcing(sscc_key(sscc_from("9521101", 7)), ITEM + "7"))


async def test_a_dead_tote_is_not_taken_into_use_again(house: House) -> None:
    await house.do(lambda uow: register_tote(uow, TOTE, now=5, ids=new_id))
    await house.do(killing(TOTE))

    again = await house.refused(lambda uow: register_tote(uow, TOTE, now=6, ids=new_id))
    assert again.code == "epc-retired"


async def test_binding_an_epc_releases_it_from_the_inbox(house: House) -> None:
    epc = encode_sgtin_96("09521101001006", "77", prefix_length=7)
    held = HeldTag(
        epc=epc,
        code="Q_EPC_UNKNOWN",
        agent="a",
        device="r",
        antenna=1,
        first_seen_at=1,
        last_seen_at=2,
        count=1,
    )
    await house.do(lambda uow: uow.tracking.hold([held]))
    wanted = UnitTagging(owner=OWNER, sku="A-100")
    await house.do(
        lambda uow: bind_unit(
            uow, Tag(ITEM + "77", epc), wanted, reason="ours", owners=None, now=5, actor="ann"
        )
    )

    (row,) = await house.do(lambda uow: uow.inbox.held(state="released", limit=5))
    assert (row.epc, row.decided_by, row.reason) == (epc, "ann", "ours")
