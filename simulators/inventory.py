"""Which tags a reader reads when: antenna turns and inventory rounds over the tags in its field.

Reads follow from seed, scene and simulated time alone, however the caller slices time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from simulators.rf import Antenna, Link
from simulators.scene import Body, PlacedTag, Scene
from simulators.site import Device

# A tag this far below waking is asked again only after FAR_S: nothing on the floor gains that much
# in 0.2 s (under a metre of way).
FAR_DB = -10.0
FAR_S = 0.2


class Hit(NamedTuple):
    """One read as the radio made it: time in seconds, RSSI after noise and the reader's step."""

    at: float
    epc: bytes
    antenna: int
    rssi_dbm: float


@dataclass(frozen=True, slots=True)
class InventorySettings:
    """A reader's pace. `persistence_s` 0 is dual target, else how long a read tag stays quiet.

    With `turn_s` 0 an antenna's turn is one round, however long it takes to hear all that answer.
    """

    rate: float = 353.0
    round_s: float = 0.008
    turn_s: float = 0.2
    persistence_s: float = 0.0
    loss: float = 0.03


class Inventory:
    """The reads of one reader; ask for time in rising order."""

    def __init__(
        self,
        antennas: Sequence[Antenna],
        *,
        scene: Scene,
        seed: str,
        settings: InventorySettings,
        power_dbm: Callable[[int], float | None],
    ) -> None:
        self._antennas = tuple(antennas)
        self._scene = scene
        self._rng = random.Random(seed)
        self._settings = settings
        self._power_dbm = power_dbm
        self._quiet: dict[bytes, float] = {}
        self._deaf: dict[tuple[bytes, int], float] = {}
        self._reads: Iterator[Hit | float] | None = None
        self._pending: Hit | float = 0.0
        self._now = 0.0

    def skip_to(self, t: float) -> None:
        """Forget the round in progress: nothing was on the air until `t`."""
        self._now, self._pending, self._reads = t, t, None
        self._quiet.clear()
        self._deaf.clear()

    def reads_until(self, t: float) -> list[Hit]:
        """All reads up to and including `t` that were not given out before."""
        if self._reads is None:
            self._reads = self._run()
        found = []
        while _when(self._pending) <= t:
            if isinstance(self._pending, Hit):
                found.append(self._pending)
            self._pending = next(self._reads)
        return found

    def _run(self) -> Iterator[Hit | float]:
        """Hits in order of time; a bare number says that this moment is reached without a read."""
        turn = 0
        while True:
            antenna = self._antennas[turn % len(self._antennas)]
            turn += 1
            tx_dbm = self._power_dbm(antenna.port)
            if tx_dbm is None:
                self._now += max(self._settings.turn_s, self._settings.round_s)
                yield self._now
                continue
            channel = self._rng.choice(self._scene.radio.channels_hz)
            if not self._settings.turn_s:
                yield from self._round(antenna, tx_dbm, channel, math.inf)
                continue
            end = self._now + self._settings.turn_s
            while self._now < end:
                yield from self._round(antenna, tx_dbm, channel, end)

    def _round(
        self, antenna: Antenna, tx_dbm: float, channel: float, end: float
    ) -> Iterator[Hit | float]:
        self._now += self._settings.round_s
        yield self._now
        answering = self._answering(antenna, tx_dbm, channel)
        self._rng.shuffle(answering)
        scene, draw = self._scene, self._rng.random
        pace, deafest = 1.0 / self._settings.rate, scene.radio.sensitivity_dbm
        for body, placed, link in answering:
            # Empty and collided slots make the pace uneven around the mode's rate.
            self._now += (0.5 + draw()) * pace
            if self._now >= end:
                return
            if draw() < self._settings.loss:
                continue
            if link is None:
                foot = body.path.at(self._now)
                link = scene.link_at(antenna, body, placed, foot, tx_dbm, channel)
            if link.rssi_dbm < deafest:
                continue
            self._quiet[placed.tag.epc] = self._now + self._settings.persistence_s
            yield Hit(self._now, placed.tag.epc, antenna.port, self._measured(link.rssi_dbm))

    def _answering(
        self, antenna: Antenna, tx_dbm: float, channel: float
    ) -> list[tuple[Body, PlacedTag, Link | None]]:
        """Tags that wake up at this antenna now; the link of a standing one."""
        scene, now, port = self._scene, self._now, antenna.port
        quiet, deaf = self._quiet.get, self._deaf
        found: list[tuple[Body, PlacedTag, Link | None]] = []
        obstacles = scene.obstacles(now)
        for body, placed, link, spare_db in scene.standing(antenna, tx_dbm, channel):
            if quiet(placed.tag.epc, 0.0) > now or body.path.times[0] > now:
                continue
            loss = scene.blocked_db(antenna, body, placed, obstacles)
            if loss < spare_db:
                found.append((body, placed, scene.behind(link, loss)))
        for body, foot in scene.movers(antenna, now):
            for placed in body.tags:
                ear = (placed.tag.epc, port)
                if quiet(ear[0], 0.0) > now or deaf.get(ear, 0.0) > now:
                    continue
                at = scene.link_at(antenna, body, placed, foot, tx_dbm, channel)
                spare_db = at.tag_dbm - scene.wake_dbm(placed)
                if spare_db > 0.0:
                    found.append((body, placed, None))
                elif spare_db < FAR_DB:
                    deaf[ear] = now + FAR_S
        return found

    def _measured(self, rssi_dbm: float) -> float:
        radio = self._scene.radio
        noisy = rssi_dbm + self._rng.gauss(0.0, radio.noise_db)
        return round(noisy / radio.step_db) * radio.step_db


def _when(event: Hit | float) -> float:
    return event.at if isinstance(event, Hit) else event


def inventory_of(device: Device, *, scene: Scene, seed: str) -> Inventory:
    """The inventory of a reader of the site, at the power it was set up with."""
    return Inventory(
        device.antennas,
        scene=scene,
        seed=seed,
        settings=replace(InventorySettings(), persistence_s=device.persistence_s),
        power_dbm=lambda _port: device.power_dbm,
    )
