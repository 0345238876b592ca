"""Zones of a cell: where each tag is among their antennas, who has left, and totes at a divert.

The hottest path of the gateway: what an antenna is gets looked up once a message, not per reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import UNSET

from contracts.v1 import DeviceStatus, Observation
from core.application.ports.tracking import PositionRow, ReadPointRow, StreamKey
from gateway.absence import Absence, Gone, Reader, Source, Told
from gateway.localize import Localizer, Position
from gateway.tracks import LEVEL_UNKNOWN_DBM

ROLES_OF_PLACE = frozenset({"zone", "conveyor", "station"})
DIVERT_AGAIN_US = 20_000_000
# A conveyor's first antenna hears a tote before the divert, later ones on its lanes.
DIVERT_ANTENNA = 1
MAX_DIVERTED = 10_000


@dataclass(slots=True, eq=False)
class Ear:
    """One antenna during one message. `place` is a location id; None where it is no zone."""

    point: ReadPointRow
    place: int | None
    reader: Reader
    told: Told
    before_divert: bool


class Zones:
    """Positions and presence of the tags in one cell's zones."""

    def __init__(self) -> None:
        self.localizer = Localizer()
        self.absence = Absence()
        self._diverted: dict[str, int] = {}

    def restore(self, positions: Iterable[PositionRow]) -> None:
        """Positions from the book."""
        for row in positions:
            if row.location_id is not None:
                self.localizer.restore(
                    row.subject, row.location_id, since=row.since, seen_at=row.last_seen_at
                )

    def alive(self, agent: str, devices: Iterable[DeviceStatus], at: int) -> None:
        """The agent's live readers have been listening until then, by its clock."""
        self.absence.alive(agent, devices, at)

    def ear(self, point: ReadPointRow, stream: StreamKey, seq: int) -> Ear:
        """An antenna for the readings of one message."""
        reader = self.absence.reader(Source(stream.agent, point.device))
        conveyor = point.role == "conveyor" and point.antenna == DIVERT_ANTENNA
        place = point.location_id if point.role in ROLES_OF_PLACE else None
        return Ear(point, place, reader, Told(point.read_point, stream, seq), conveyor)

    def hear(self, ear: Ear, read: Observation, key: str, place: int) -> Position | None:
        """Take a reading of a zone's antenna; a position when there is something to write."""
        last, rssi, told = read.last_at, read.rssi_dbm, ear.told
        at = read.occurred_at if last is UNSET else last
        self.absence.hear(key, at, ear.reader, told)
        return self.localizer.hear(
            key, place, told[0], LEVEL_UNKNOWN_DBM if rssi is None else rssi, read.count, at
        )

    def put(self, key: str, place: int, read_point: str, *, at: int) -> Position:
        """A pass or a scan says where it is."""
        return self.localizer.put(key, place, read_point, at=at)

    def gone(self) -> list[tuple[Position, Gone]]:
        """Positions of tags that have left, with the sighting each was heard last by."""
        found = []
        for gone in self.absence.step():
            lost = self.localizer.lose(gone.key, gone.told.read_point)
            if lost is not None:
                found.append((lost, gone))
        return found

    def meets_divert(self, key: str, at: int) -> bool:
        """Whether a tote before a divert is to be told; once in a while for each."""
        if at - self._diverted.get(key, -DIVERT_AGAIN_US) < DIVERT_AGAIN_US:
            return False
        self._diverted[key] = at
        if len(self._diverted) > MAX_DIVERTED:
            self._diverted.pop(next(iter(self._diverted)))
        return True
