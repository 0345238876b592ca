"""Simulated radio through smoothing into the tracker: a truck with strays beside the door.

The physics knows nothing of the rules; what crossed is compared with what was moved.
"""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.tracker import Tracker
from simulators.loads import carried, pallet
from simulators.passes import Direction
from simulators.tags import sscc18, sscc_tag
from tests.air import DOORS, Air
from tests.unit.gateway.lane import Lane, a_registry, crossed


def judged(air: Air, until: float) -> Lane:
    lane = Lane(Tracker(a_registry(), ids=Lane().tracker._ids))
    lane.hear_all(air.heard(until))
    lane.rest(6.0)
    return lane


@pytest.mark.parametrize("seed", [1, 3])
def test_a_truck_is_unloaded_and_no_stray_moves(seed: int) -> None:
    air = Air(seed)
    air.park(air.tags(10), aside=2.2)
    air.park(air.tags(10), aside=-2.2)
    boxes = [air.tags(24) for _ in range(3)]
    loads = [
        pallet(f"p{n}", tags, sscc=sscc_tag(sscc18("0614141", 10 * seed + n)), seed=seed)
        for n, tags in enumerate(boxes)
    ]
    plan: list[tuple[int, Direction, bool]] = [
        (0, "in", False),
        (1, "in", True),
        (1, "in", False),
        (1, "out", False),
        (1, "in", False),
        (2, "in", False),
    ]
    clock = 12.0
    for n, direction, back in plan:
        clock = air.go(loads[n], direction, clock, back=back) + 4.5

    lane = judged(air, clock)

    calls = lane.calls(door="dock-1")
    assert [call.direction for call in calls] == [way for _, way, _ in air.moved]
    for call, (n, _, back) in zip(calls, plan, strict=True):
        assert crossed(call) == (set() if back else set(loads[n].keys))
    others = [call.direction for call in lane.calls(door="dock-2")]
    assert set(others) <= {"not_crossed"}


@pytest.mark.parametrize("seed", [5, 6])
def test_a_carried_carton_is_called_early_at_its_own_door(seed: int) -> None:
    air = Air(seed)
    air.park(air.tags(8), aside=2.2)
    cartons = [carried(f"c{n}", air.tags(1), seed=seed) for n in range(4)]
    clock = 12.0
    for n, carton in enumerate(cartons):
        clock = air.go(carton, "out", clock, door=DOORS[n % 2]) + 5.0

    lane = judged(air, clock)

    finals = [call for call in lane.calls() if call.direction != "not_crossed"]
    assert [(c.portal, c.direction) for c in finals] == [(d, w) for d, w, _ in air.moved]
    assert [crossed(call) for call in finals] == [set(carton.keys) for carton in cartons]
    early = Counter(call.pass_id for call in lane.calls(early=True))
    assert all(early[call.pass_id] >= 1 for call in finals)
