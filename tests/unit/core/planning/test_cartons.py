"""Cartons: no rule is broken on generated orders, and no carton is larger than needed."""

from __future__ import annotations

from random import Random

import pytest

from core.domain.errors import Refused
from core.domain.planning.cartons import Carton, Item, Packed, Placed, broken_rules, pack

CARTONS = [
    Carton("S", (200, 150, 100), 5_000),
    Carton("M", (300, 200, 150), 10_000),
    Carton("L", (400, 300, 250), 20_000),
]


def _item(random: Random) -> Item:
    size = random.randint(30, 180), random.randint(30, 140), random.randint(20, 95)
    return Item(
        size,
        random.randint(50, 3_000),
        random.random() < 0.2,
        random.random() < 0.2,
        random.choice(("", "", "", "3", "8")),
    )


def test_generated_orders_break_no_rule_and_pack_every_item_once() -> None:
    random = Random(6)
    for _ in range(120):
        items = [_item(random) for _ in range(random.randint(1, 8))]
        packings = pack(items, CARTONS, seed=1)
        assert [rule for packed in packings for rule in broken_rules(packed, items)] == []
        assert sorted(b.item for p in packings for b in p.placed) == list(range(len(items)))
        assert packings == pack(items, CARTONS, seed=1)


@pytest.mark.parametrize("carton", CARTONS)
def test_eight_equal_boxes_fill_the_carton_that_they_were_cut_from(carton: Carton) -> None:
    x, y, z = carton.size
    packings = pack([Item((x // 2, y // 2, z // 2), 100)] * 8, CARTONS, seed=1)
    assert [packed.carton for packed in packings] == [carton]


def test_four_unlike_boxes_fill_the_carton_that_they_were_cut_from() -> None:
    cut = [(120, 150, 100), (80, 90, 100), (80, 60, 70), (80, 60, 30)]

    packings = pack([Item(size, 100) for size in cut], CARTONS, seed=1)

    assert [packed.carton for packed in packings] == [CARTONS[0]]


def test_a_planted_fault_is_named() -> None:
    items = [Item((100, 100, 50), 9_000, upright=True, fragile=True), Item((100, 100, 50), 1)]
    floor, air = Placed(0, (0, 0, 0), (100, 100, 50)), Placed(1, (60, 0, 50), (100, 100, 50))

    def rules(*placed: Placed) -> list[str]:
        return broken_rules(Packed(CARTONS[0], placed), items)

    assert rules(Placed(1, (0, 0, 0), (100, 100, 50))) == []
    assert rules(floor) == ["too heavy"]
    assert "1 is not supported" in rules(floor, air)
    assert "1 stands on a fragile one" in rules(floor, air)
    assert "1 overlaps" in rules(floor, Placed(1, (50, 0, 0), (100, 100, 50)))
    assert "0 is turned" in rules(Placed(0, (0, 0, 0), (50, 100, 100)))
    assert "1 stands out" in rules(Placed(1, (150, 0, 0), (100, 100, 50)))


def test_an_item_larger_than_every_carton_is_refused() -> None:
    with pytest.raises(Refused, match="plan_carton"):
        pack([Item((500, 10, 10))], CARTONS, seed=1)
