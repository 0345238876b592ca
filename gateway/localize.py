"""Where a tag is among zones: mean RSSI with hold-off and hysteresis, after the published profile.

A tag moves when the new place is louder by an offset that shrinks with the age of the old one; one
read is no arrival.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW = 20
READS_AT_NEW = 2
SLOPE_DB_PER_MS = -0.008
MARGIN_DB = 6.0
HOLD_OFF_MS, HOLD_OFF_US = 500.0, 500_000
LONGEST_HOLD_US = 60_000_000
REFRESH_US = 10_000_000
RECENT_US = 30_000_000
MAX_TAGS = 100_000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a tag is now thought to be; `changed` when that is news."""

    key: str
    place: int
    read_point: str
    confidence: float
    since: int
    seen_at: int
    changed: bool


@dataclass(slots=True)
class _Place:
    levels: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    reads: int = 0
    last: int = 0
    total: float = 0.0

    def mean(self) -> float:
        """Mean level in dBm of the last reads."""
        return self.total / len(self.levels)


@dataclass(slots=True)
class _Tag:
    places: dict[int, _Place] = field(default_factory=dict)
    current: int | None = None
    since: int = 0
    told: int = 0
    last: int = 0


class Localizer:
    """Positions of the tags of one cell; bounded, the tag unheard longest is forgotten first."""

    def __init__(self) -> None:
        self._tags: dict[str, _Tag] = {}
        self.flaps = 0

    def restore(self, key: str, place: int, *, since: int, seen_at: int) -> None:
        """A position from the book, for a gateway that starts."""
        self._tags[key] = _Tag(current=place, since=since, told=seen_at, last=seen_at)

    def hear(
        self, key: str, place_id: int, read_point: str, rssi_dbm: float, reads: int, at: int
    ) -> Position | None:
        """Take a sighting at a place (a location id); a position when it changed or is due to be
        refreshed.
        """
        tag = self._tags.get(key)
        if tag is None:
            tag = self._tags[key] = _Tag()
            if len(self._tags) > MAX_TAGS:
                del self._tags[next(iter(self._tags))]
        if at < tag.last - RECENT_US:
            return None
        place = tag.places.get(place_id)
        if place is None:
            place = tag.places[place_id] = _Place()
        levels = place.levels
        if at - place.last > RECENT_US:
            levels.clear()
            place.reads, place.total = 0, 0.0
        elif len(levels) == WINDOW:
            place.total -= levels[0]
        levels.append(rssi_dbm)
        place.total += rssi_dbm
        place.reads += reads
        if at > place.last:
            place.last = at
        if at > tag.last:
            tag.last = at
        current = tag.current
        if place_id == current:
            if at - tag.told < REFRESH_US:
                return None
        elif place.reads < READS_AT_NEW or not _beats(tag, place, at):
            return None
        else:
            if current is not None:
                self.flaps += 1
            tag.current, tag.since = place_id, at
        tag.told = at
        sure = _confidence(tag, place, at)
        changed = place_id != current
        return Position(key, place_id, read_point, sure, tag.since, at, changed)

    def lose(self, key: str, read_point: str) -> Position | None:
        """It is no longer heard: last known place, no confidence. None where none is known.

        The next sighting at that place is told at once.
        """
        tag = self._tags.get(key)
        if tag is None or tag.current is None:
            return None
        tag.told = 0
        return Position(key, tag.current, read_point, 0.0, tag.since, tag.last, changed=False)

    def put(self, key: str, place: int, read_point: str, *, at: int) -> Position:
        """A pass or a scan says where it is: certain, and the zones start anew."""
        tag = self._tags[key] = _Tag(current=place, since=at, told=at, last=at)
        return Position(key, place, read_point, 1.0, tag.since, at, True)


def _beats(tag: _Tag, new: _Place, at: int) -> bool:
    """Whether the new place wins over the present one."""
    old = tag.places.get(tag.current) if tag.current is not None else None
    if old is None or not old.levels:
        return tag.current is None or at - tag.last >= 0
    age_us = at - old.last
    if age_us >= LONGEST_HOLD_US:
        return True
    offset = MARGIN_DB if age_us <= HOLD_OFF_US else offset_db(age_us / 1_000)
    return new.total / len(new.levels) > old.total / len(old.levels) + offset


def offset_db(age_ms: float) -> float:
    """How much louder the new place must be when the old one was last heard `age_ms` ago."""
    rest = MARGIN_DB - SLOPE_DB_PER_MS * HOLD_OFF_MS
    return min(MARGIN_DB, SLOPE_DB_PER_MS * age_ms + rest)


def _confidence(tag: _Tag, here: _Place, at: int) -> float:
    """How sure the tag is at this place: its share of the recent reads, and its margin."""
    recent = [p for p in tag.places.values() if at - p.last <= RECENT_US and p.levels]
    share = len(here.levels) / max(1, sum(len(place.levels) for place in recent))
    others = [place.mean() for place in recent if place is not here]
    margin = here.mean() - max(others) if others else MARGIN_DB
    sure = min(1.0, max(0.0, 0.5 + margin / (2 * MARGIN_DB)))
    return round(share * sure, 3)
