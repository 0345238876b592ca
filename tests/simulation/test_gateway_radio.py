"""Simulated radio through smoothing into the tracker: cartons carried through two doors.

The physics knows nothing of the rules; what crossed is compared with what was moved.
"""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.tracker import Tracker
from simulators.loads import carried
from tests.air import DOORS, Air
from tests.unit.gateway.lane import Lane, a_registry, crossed


def judged(air: Air, until: float) -> Lane:
    lane = Lane(Tracker(a_registry(), ids=Lane().tracker._ids))
    lane.hear_all(air.heard(until))
    lane.rest(6.0)
    return lane


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
