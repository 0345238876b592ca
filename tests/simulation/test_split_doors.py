"""Two neighbour doors on one agent or split over two: the same readings, the same verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, product
from typing import Literal
from uuid import UUID

import msgspec
import pytest

from contracts.gs1.epc import look_up
from contracts.v1 import Observation
from core.application.decisions import PassCall
from core.application.ports.tracking import (
    DeviceRow,
    PortalRow,
    ReadPointRow,
    RegistryRows,
    StreamKey,
)
from gateway.group import Message
from gateway.readings import Good
from gateway.registry import Registry, build_registry
from gateway.tracker import Tracker
from simulators.loads import pallet
from simulators.tags import sscc18, sscc_tag
from tests.air import DOORS, Air
from tests.radio import Heard
from tests.unit.gateway.lane import START, STEP_US


def _registry(agent_of: dict[str, str]) -> Registry:
    """Both doors, each with a reader named after it, on the agents given."""
    points: list[ReadPointRow] = []
    sides: tuple[tuple[int, Literal["outside", "inside"]], ...] = ((1, "outside"), (2, "inside"))
    for door, (n, side) in product(DOORS, sides):
        agent, device = agent_of[door], f"r-{door}"
        name = f"{door}.{n}"
        points += [
            ReadPointRow(name, agent, device, n, None, "portal", door, side, None),
            ReadPointRow(f"{name}.beam", agent, device, None, n, "beam", door, side, None),
        ]
    rows = RegistryRows(
        {agent: ("site", "active") for agent in agent_of.values()},
        tuple(DeviceRow(agent_of[door], f"r-{door}", "llrp", (), {}) for door in DOORS),
        tuple(points),
        tuple(PortalRow(door, "site", 1, 2, {}) for door in DOORS),
        {},
        frozenset(),
    )
    return build_registry(rows, site="demo", cell="demo")


@dataclass(frozen=True, slots=True)
class Said:
    """What a pass said, without its id."""

    portal: str
    direction: str
    crossed: frozenset[str]
    rejected: tuple[tuple[str, str | None], ...]


def _said(call: PassCall) -> Said:
    rejected = [(key, tag.reason) for key, tag in call.tags.items() if not tag.crossed]
    crossed = frozenset(key for key, tag in call.tags.items() if tag.crossed)
    return Said(call.portal, call.direction, crossed, tuple(sorted(rejected)))


def _verdicts(heard: list[tuple[Heard, str]], agent_of: dict[str, str]) -> list[Said]:
    ids = count(1)
    tracker = Tracker(_registry(agent_of), ids=lambda: UUID(int=next(ids)))
    found: list[Said] = []
    now, seqs = START, {agent: count(1) for agent in agent_of.values()}

    def until(moment: int) -> None:
        nonlocal now
        while now + STEP_US <= moment:
            now += STEP_US
            for agent in seqs:
                tracker.hear_agent(agent, at=now)
            found.extend(_said(c) for c in tracker.decide(at=now).calls if not c.early)

    for one, door in sorted(heard, key=lambda pair: pair[0].at):
        until(one.at)
        agent = agent_of[door]
        what = msgspec.structs.replace(one.what, device=f"r-{door}")
        seen = look_up(what.epc) if isinstance(what, Observation) else None
        kind = "reads" if seen else "sensors"
        stream = StreamKey(agent, 1)
        tracker.take(Message(stream, next(seqs[agent]), kind, [Good(what, seen)], one.at, one.at))
    until(now + 40_000_000)
    return found


@pytest.mark.parametrize("seed", [5, 6])
def test_two_neighbour_doors_split_over_two_agents_say_what_one_agent_says(seed: int) -> None:
    air = Air(seed)
    air.park(air.tags(8), aside=2.2)
    clock = 12.0
    loads = {}
    for n, door in enumerate((*DOORS, *DOORS)):
        load = pallet(f"p{n}", air.tags(10), sscc=sscc_tag(sscc18("0614141", n)), seed=seed)
        loads[load.name] = set(load.keys)
        # Every second load starts at the other door before the one before it has gone.
        end = air.go(load, "in" if n % 3 else "out", clock, door=door)
        clock = clock + 2.0 if n % 2 == 0 else end + 5.0
    heard = air.heard(clock)

    apart = _verdicts(heard, {door: door for door in DOORS})
    together = _verdicts(heard, dict.fromkeys(DOORS, "dock"))

    assert apart == together
    crossings = [said for said in together if said.direction in ("in", "out")]
    assert [(s.portal, s.direction) for s in sorted(crossings, key=lambda s: s.portal)] == sorted(
        ((door, way) for door, way, _ in air.moved), key=lambda pair: pair[0]
    )
    carried = [key for said in crossings for key in said.crossed]
    assert len(carried) == len(set(carried))
    assert set(carried) == set().union(*loads.values())
