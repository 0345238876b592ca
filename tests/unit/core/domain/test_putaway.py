"""Which bin goods go to: room first, then the same item, then the way."""

from __future__ import annotations

import pytest

from core.domain.errors import Refused
from core.domain.putaway import Bin, check_room, choose_bin

ITEM = frozenset({7})


def a_bin(
    number: int,
    *,
    capacity: int | None = 10,
    on_hand: int = 0,
    coming: int = 0,
    items: tuple[int, ...] = (),
) -> Bin:
    return Bin(
        number, f"B-{number}", float(number), 0.0, capacity, on_hand, coming, frozenset(items)
    )


def chosen(*bins: Bin, quantity: int = 4) -> str | None:
    found = choose_bin(bins, quantity=quantity, items=ITEM, from_x=0.0, from_y=0.0)
    return None if found is None else found.code


def test_the_nearest_empty_bin_is_chosen() -> None:
    assert chosen(a_bin(3), a_bin(1), a_bin(2)) == "B-1"


def test_a_farther_bin_with_the_same_item_goes_before_an_empty_one() -> None:
    assert chosen(a_bin(1), a_bin(5, on_hand=2, items=(7,))) == "B-5"


def test_goods_on_their_way_take_room() -> None:
    assert chosen(a_bin(1, coming=7), a_bin(2)) == "B-2"
    assert chosen(a_bin(1, on_hand=3, coming=4)) is None


def test_other_goods_are_mixed_with_only_when_nothing_is_empty() -> None:
    assert chosen(a_bin(1, on_hand=1, items=(8,)), a_bin(9)) == "B-9"
    assert chosen(a_bin(1, on_hand=1, items=(8,)), a_bin(9, on_hand=10)) == "B-1"


def test_a_bin_without_a_limit_takes_everything() -> None:
    assert chosen(a_bin(1, capacity=None, on_hand=10**6), quantity=10**6) == "B-1"


def test_a_full_bin_is_refused_by_name() -> None:
    with pytest.raises(Refused) as error:
        check_room(a_bin(1, on_hand=8), 3)
    assert (error.value.code, error.value.facts["location"]) == ("bin-full", "B-1")
