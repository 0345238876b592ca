"""Two doors of one cell and their tracker, fed with what readers say; time is the test's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

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
from gateway.tracker import Outcome, Tracker
from tests.radio import Heard

START = 1_795_000_000_000_000
STEP_US = 20_000


def a_registry(
    *, beams: bool = True, settings: Mapping[str, float | int] | None = None
) -> Registry:
    """Doors `dock-1` and `dock-2`, each with one reader of the agent of its name."""
    devices, points, portals = [], [], []
    for name in ("dock-1", "dock-2"):
        devices.append(DeviceRow(name, "r1", "llrp", (), {"green": 1, "amber": 2, "red": 3}))
        portals.append(PortalRow(name, "site", 1, 2, settings or {}))
        sides: tuple[tuple[Literal["outside", "inside"], int], ...] = (
            ("outside", 1),
            ("inside", 2),
        )
        for side, number in sides:
            points.append(
                ReadPointRow(f"{name}.{side}", name, "r1", number, None, "portal", name, side, None)
            )
            if beams:
                points.append(
                    ReadPointRow(
                        f"{name}.b{number}", name, "r1", None, number, "beam", name, side, None
                    )
                )
    agents = {name: ("site", "active") for name in ("dock-1", "dock-2")}
    rows = RegistryRows(agents, tuple(devices), tuple(points), tuple(portals), {}, frozenset())
    return build_registry(rows, site="demo", cell="demo")


@dataclass
class Lane:
    """A tracker and what came out of it."""

    tracker: Tracker = field(default_factory=lambda: Tracker(a_registry(), ids=_ids()))
    outcomes: list[Outcome] = field(default_factory=list)
    now: int = START
    seq: int = 0

    def hear(self, heard: Iterable[Heard], *, door: str = "dock-1") -> None:
        """Feed one door; the clock follows."""
        self.hear_all([(one, door) for one in heard])

    def hear_all(self, heard: Iterable[tuple[Heard, str]]) -> None:
        """Feed several doors in order of time."""
        for one, door in sorted(heard, key=lambda pair: pair[0].at):
            self.until(one.at)
            what = one.what
            seen = look_up(what.epc) if isinstance(what, Observation) else None
            self.seq += 1
            self.tracker.take(
                Message(
                    StreamKey(door, 1),
                    self.seq,
                    "reads" if seen else "sensors",
                    [Good(what, seen)],
                    one.at,
                    one.at,
                )
            )

    def until(self, at: int) -> None:
        """Let time pass, deciding at every step."""
        while self.now + STEP_US <= at:
            self.now += STEP_US
            for door in ("dock-1", "dock-2"):
                self.tracker.hear_agent(door, at=self.now)
            self.outcomes.append(self.tracker.decide(at=self.now))

    def rest(self, seconds: float = 5.0) -> None:
        """Silence."""
        self.until(self.now + int(seconds * 1_000_000))

    def calls(self, *, early: bool = False, door: str | None = None) -> list[PassCall]:
        """The calls so far."""
        return [
            call
            for outcome in self.outcomes
            for call in outcome.calls
            if call.early == early and door in (None, call.portal)
        ]

    def opened(self) -> list[str]:
        """Portals at which passes opened, in order."""
        return [opening.portal for outcome in self.outcomes for opening in outcome.openings]


def _ids() -> Callable[[], UUID]:
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers))


def epcs(count: int, *, first: int = 1) -> list[str]:
    """SGTIN-96 tags of one item."""
    return [f"3034257BF7194E4000{serial:06X}" for serial in range(first, first + count)]


def keys(tags: Iterable[str]) -> set[str]:
    """Their normal keys."""
    return {look_up(tag).key for tag in tags}


def crossed(call: PassCall) -> set[str]:
    """The keys that crossed in a call."""
    return {key for key, tag in call.tags.items() if tag.crossed}


def reasons(call: PassCall) -> dict[str, int]:
    """How often each reject reason was given."""
    counts: dict[str, int] = {}
    for tag in call.tags.values():
        if not tag.crossed and tag.reason is not None:
            counts[tag.reason] = counts.get(tag.reason, 0) + 1
    return counts
