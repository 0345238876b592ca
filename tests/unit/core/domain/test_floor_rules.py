"""Picks by tag, cartons that hold what was picked, shipments that are whole, names of units."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from core.domain.errors import Refused
from core.domain.naming import normal_unit_key
from core.domain.packing import packed_by_line, shipped_by_line
from core.domain.picking import PickTask, Seen, Take, check_open, plan_takes
from core.domain.shipping import Shipment, ShipmentUnit, at_the_door, verified_word
from core.domain.stock import Place
from tests.unit.core.domain.test_orders import an_order

BIN = Place(5, "pick_face")
OTHER = Place(6, "storage")


def a_task(**changes: object) -> PickTask:
    """A task for three in someone's hands."""
    task = PickTask(
        task_id=UUID(int=1),
        fulfilment_id=UUID(int=2),
        line_no=1,
        reservation_id=UUID(int=3),
        quant_id=4,
        owner_id="acme",
        item_id=7,
        lot_id=None,
        location_id=5,
        location_kind="pick_face",
        handling_unit_id=None,
        quantity=3,
        picked=0,
        state="assigned",
    )
    return replace(task, **changes)  # type: ignore[arg-type]


def a_unit(place: Place | None = BIN, *, item_id: int = 7, owner: str = "acme") -> Seen:
    """What the book says of a tag."""
    return Seen(owner, item_id, None, place)


@pytest.mark.parametrize("state", ["open", "picked", "short", "cancelled"])
def test_only_a_task_in_hand_is_confirmed(state: str) -> None:
    with pytest.raises(Refused, match="state-conflict"):
        check_open(a_task(state=state), 1)


@pytest.mark.parametrize("quantity", [0, 4])
def test_a_task_takes_no_other_quantity_than_it_wants(quantity: int) -> None:
    with pytest.raises(Refused, match="validation"):
        check_open(a_task(), quantity)


def test_tags_leave_from_where_the_book_has_them_and_the_rest_from_the_bin() -> None:
    seen = {"a": a_unit(), "b": a_unit(OTHER)}

    takes = plan_takes(a_task(), 3, ("a", "b"), seen, untagged=1)

    assert takes == [Take(1, BIN, None, "a"), Take(1, OTHER, None, "b"), Take(1, BIN, None)]


@pytest.mark.parametrize(
    "unit",
    [
        None,
        a_unit(None),
        a_unit(item_id=8),
        a_unit(owner="other"),
        a_unit(replace(BIN, status="hold")),
    ],
)
def test_a_tag_that_is_not_the_goods_is_refused(unit: Seen | None) -> None:
    seen = {} if unit is None else {"a": unit}

    with pytest.raises(Refused) as refused:
        plan_takes(a_task(), 1, ("a",), seen, untagged=0)

    assert refused.value.errors[0].pointer == "/epcs/0"


def test_tagged_goods_are_not_picked_without_their_tags() -> None:
    with pytest.raises(Refused) as refused:
        plan_takes(a_task(), 2, (), {}, untagged=1)

    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == ("/epcs", "required")


def test_a_carton_holds_nothing_that_was_not_picked() -> None:
    order = an_order("picked", picked=5)

    assert packed_by_line(order, [(7, 2), (7, 3)]) == {1: 5}
    for wrong in ([(7, 6)], [(8, 1)]):
        with pytest.raises(Refused, match="state-conflict"):
            packed_by_line(order, wrong)


def test_what_left_the_door_counts_for_packed_lines_only() -> None:
    assert shipped_by_line(an_order("staged", picked=5, packed=4), [(7, 9)]) == {1: 4}


def a_shipment(state: str, *loaded: bool) -> Shipment:
    """A shipment with a unit for each flag."""
    units = tuple(
        ShipmentUnit(handling_unit_id=UUID(int=n), loaded_at=1 if on else None)
        for n, on in enumerate(loaded)
    )
    return Shipment(shipment_id=UUID(int=9), owner_id="acme", state=state, units=units)


@pytest.mark.parametrize(
    ("state", "loaded", "word"),
    [
        ("verifying", (True, True), "verified"),
        ("verifying", (True, False), "verifying"),
        ("verified", (True, False), "verifying"),
        ("held", (True, True), "held"),
        ("verifying", (), "verifying"),
    ],
)
def test_a_shipment_is_verified_when_nothing_is_missing(
    state: str, loaded: tuple[bool, ...], word: str
) -> None:
    assert verified_word(a_shipment(state, *loaded)).state == word


def test_the_first_unit_at_the_door_starts_the_check() -> None:
    states = ["planned", "staged", "verifying", "verified", "held"]

    found = [at_the_door(a_shipment(state, False)).state for state in states]

    assert found == ["verifying"] * 5


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("8003/00614141000012100", "8003/00614141000012100"),
        ("(8003)00614141000012100", "8003/00614141000012100"),
        ("urn:epc:id:grai:0614141.00001.100", "8003/00614141000012100"),
        ("006141410000000012", "00/006141410000000012"),
        ("00/006141410000000012", "00/006141410000000012"),
        ("urn:epc:id:sscc:0614141.0000000001", "00/006141410000000012"),
        ("3074257BF7194E4000001A85", "01/80614141123458/21/6789"),
        ("(01)80614141123458(21)6789", "01/80614141123458/21/6789"),
        ("urn:epc:id:sgtin:0614141.812345.6789", "01/80614141123458/21/6789"),
    ],
)
def test_every_form_of_a_name_is_the_same_key(text: str, key: str) -> None:
    assert normal_unit_key(text, pointer="/key") == key


@pytest.mark.parametrize(
    "text", ["", "tote 7", "00/006141410000000013", "01/1/21/2", "urn:x", "()"]
)
def test_a_name_that_is_no_key_is_refused_without_echo(text: str) -> None:
    with pytest.raises(Refused) as refused:
        normal_unit_key(text, pointer="/key")

    assert refused.value.errors[0].pointer == "/key"
    assert not text or text not in refused.value.detail
