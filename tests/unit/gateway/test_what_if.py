"""What other settings would have changed: passes, tags, stock."""

from __future__ import annotations

from uuid import uuid4

from core.application.decisions import PassCall, TagCall
from core.domain.judgement import Direction
from gateway.what_if import Changed, compare

AT = 1_795_000_000_000_000
UNITS = ("01/80614141123458/21/1", "01/80614141123458/21/2")
PALLET = "00/106141412345678908"


def a_pass(direction: Direction, *keys: str, at: int = AT, portal: str = "dock-1") -> PassCall:
    return PassCall(
        pass_id=uuid4(),
        portal=portal,
        direction=direction,
        early=False,
        tags={key: TagCall(epc="", crossed=True) for key in keys},
        confidence=0.9,
        decider="timer",
        decider_at=at,
        occurred_at=at,
        closed_at=at,
        features={},
    )


def test_equal_replays_differ_in_nothing() -> None:
    found = compare([a_pass("in", *UNITS)], [a_pass("in", *UNITS, at=AT + 1_000_000)])

    assert (found.same, found.changed, found.stock) == (1, (), {})
    assert (found.moves_before, found.moves_after) == (2, 2)


def test_a_pass_that_turns_undecided_gives_its_tags_back() -> None:
    found = compare([a_pass("in", *UNITS, PALLET)], [a_pass("undecided", *UNITS, PALLET)])

    left = tuple(sorted((*UNITS, PALLET)))
    assert found.changed == (Changed("dock-1", AT, "in", "undecided", (), left),)
    assert found.stock == {PALLET: -1, "01/80614141123458": -2}
    assert (found.moves_before, found.moves_after) == (3, 0)


def test_the_nearest_passes_of_one_portal_are_the_same_pass() -> None:
    before = [a_pass("in", UNITS[0]), a_pass("out", UNITS[1], at=AT + 2_000_000)]
    after = [
        a_pass("out", UNITS[1], at=AT + 2_100_000),
        a_pass("in", UNITS[0], portal="dock-2"),
    ]

    found = compare(before, after)

    assert found.same == 1
    assert [(one.portal, one.before, one.after) for one in found.changed] == [
        ("dock-1", "in", None),
        ("dock-2", None, "in"),
    ]
    assert found.stock == {}
