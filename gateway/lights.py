"""Stack lights of portals as leases: said again and again while they hold, amber when nothing does.

Green belongs to one pass and at most five seconds; the next beam or pass takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from core.domain.judgement import Light

REPEAT_US = 500_000
LEASE_MS = 1_500
LONGEST_US = {"green": 5_000_000, "red": 30_000_000, "amber": 0}


class Shine(NamedTuple):
    """A light to be commanded now."""

    portal: str
    colour: Light
    ttl_ms: int


@dataclass(slots=True)
class _Lamp:
    colour: Light
    pass_id: UUID
    until: int
    next_at: int


class Lights:
    """What shines at each portal; `at` is a monotonic clock."""

    def __init__(self) -> None:
        self._lamps: dict[str, _Lamp] = {}
        self._last: dict[str, tuple[UUID, Light]] = {}
        self._now: list[Shine] = []

    def show(self, portal: str, colour: Light, pass_id: UUID, *, at: int) -> None:
        """A verdict sets the lamp; said again it is neither prolonged nor lit once more."""
        if self._last.get(portal) == (pass_id, colour):
            return
        self._last[portal] = (pass_id, colour)
        self._now.append(Shine(portal, colour, LEASE_MS))
        if colour == "amber":
            self._lamps.pop(portal, None)
        else:
            until = at + LONGEST_US[colour]
            self._lamps[portal] = _Lamp(colour, pass_id, until, at + REPEAT_US)

    def stir(self, portal: str, pass_id: UUID | None) -> None:
        """Something else is at the portal: a green or red of another pass ends."""
        lamp = self._lamps.get(portal)
        if lamp is not None and lamp.pass_id != pass_id:
            self._amber(portal)

    def _amber(self, portal: str) -> None:
        del self._lamps[portal]
        self._now.append(Shine(portal, "amber", LEASE_MS))

    def due(self, at: int) -> list[Shine]:
        """What must be commanded now."""
        for portal, lamp in list(self._lamps.items()):
            if at >= lamp.until:
                self._amber(portal)
            elif at >= lamp.next_at:
                lamp.next_at = at + REPEAT_US
                left_ms = max(1, (lamp.until - at) // 1_000)
                self._now.append(Shine(portal, lamp.colour, min(LEASE_MS, left_ms)))
        out, self._now = self._now, []
        return out

    def next_at(self) -> int | None:
        """When `due` must be asked again."""
        return min((min(lamp.until, lamp.next_at) for lamp in self._lamps.values()), default=None)
