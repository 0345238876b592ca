"""Loads before a portal's two antennas, as observations and beam edges: a small language for tests.

Levels follow the distance to each antenna; nothing here knows what the gateway will make of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.v1 import Observation, SensorReading

SECOND = 1_000_000
Event = Observation | SensorReading
Way = Callable[[float], float]


@dataclass(frozen=True)
class Heard:
    """One thing a reader says, at a moment (us) of the test's clock."""

    at: int
    what: Event


def through(start: float, end: float, *, at: int, seconds: float) -> Way:
    """A walk along y from `start` to `end` (metres, inside positive)."""
    return lambda t: start + (end - start) * min(max((t - at) / (seconds * SECOND), 0.0), 1.0)


def there_and_back(start: float, turn: float, *, at: int, seconds: float) -> Way:
    """To `turn` and back again, half of the time each."""
    half = seconds / 2

    def way(t: float) -> float:
        gone = (t - at) / SECOND
        share = gone / half if gone <= half else 2.0 - gone / half
        return start + (turn - start) * min(max(share, 0.0), 1.0)

    return way


def reads(
    epcs: Iterable[str],
    way: Way,
    *,
    since: int,
    until: int,
    rng: random.Random,
    weak_db: float = 0.0,
    device: str = "r1",
    every: int = 250_000,
) -> list[Heard]:
    """Observations of tags on a body, one per antenna and quarter second while in reach."""
    found: list[Heard] = []
    for epc in epcs:
        offset, own = rng.uniform(-0.5, 0.5), rng.gauss(0.0, 2.0)
        for slot in range((until - since) // every):
            first = since + slot * every + rng.randrange(20_000)
            for antenna, place in ((1, -0.9), (2, 0.9)):
                levels = [
                    (t, _level(way(t) + offset, place) + own - weak_db)
                    for t in range(first, first + every - 40_000, 60_000)
                ]
                heard = [(t, level) for t, level in levels if level > -72.0]
                if heard:
                    found.append(Heard(heard[-1][0], _observation(epc, antenna, heard, device)))
    return sorted(found, key=lambda one: one.at)


def _level(y: float, antenna: float) -> float:
    distance = math.hypot(y - antenna, 1.6)
    return -45.0 - 30.0 * math.log10(distance)


def _observation(
    epc: str, antenna: int, heard: Sequence[tuple[int, float]], device: str
) -> Observation:
    levels = [level for _, level in heard]
    mean = sum(levels) / len(levels)
    spread = math.sqrt(sum((level - mean) ** 2 for level in levels) / len(levels))
    peak_at, peak = max(heard, key=lambda one: one[1])
    return Observation(
        epc=epc,
        device=device,
        antenna=antenna,
        rssi_dbm=round(peak, 2),
        occurred_at=peak_at,
        count=len(heard),
        first_at=heard[0][0],
        last_at=heard[-1][0],
        rssi_mean_dbm=round(mean, 3),
        rssi_spread_db=round(spread, 3),
    )


def strays(
    epcs: Iterable[str], *, y: float, since: int, until: int, rng: random.Random
) -> list[Heard]:
    """Tags that stand: their levels hardly change."""
    found: list[Heard] = []
    for epc in epcs:
        place = y + rng.uniform(-0.5, 0.5)
        found += reads([epc], lambda _, at=place: at, since=since, until=until, rng=rng, weak_db=6)  # type: ignore[misc]
    return sorted(found, key=lambda one: one.at)


def beams(
    way: Way, *, since: int, until: int, half_length: float = 0.6, device: str = "r1"
) -> list[Heard]:
    """The edges a body makes in the outer (port 1) and the inner beam (port 2)."""
    found: list[Heard] = []
    for port, place in ((1, -0.5), (2, 0.5)):
        blocked = False
        for t in range(since, until, 10_000):
            now = abs(way(t) - place) < half_length
            if now != blocked:
                blocked = now
                found.append(Heard(t, _edge(port, t, device=device, high=now)))
    return sorted(found, key=lambda one: one.at)


def _edge(port: int, at: int, *, device: str, high: bool) -> SensorReading:
    return SensorReading(
        device=device, kind="gpi", occurred_at=at, port=port, state="high" if high else "low"
    )


def together(*streams: Iterable[Heard]) -> list[Heard]:
    """All in order of time."""
    return sorted((one for stream in streams for one in stream), key=lambda one: one.at)


def batches(
    heard: Sequence[Heard],
    *,
    site: str,
    agent: str,
    boot: int,
    first_seq: int,
    within: int = 20_000,
) -> list[tuple[int, str, dict[str, Any]]]:
    """(moment, kind, message) as an agent would send them: one kind a message, order kept."""
    found: list[tuple[int, str, dict[str, Any]]] = []
    for one in heard:
        kind = "reads" if isinstance(one.what, Observation) else "sensors"
        last = found[-1] if found else None
        joins = last is not None and last[1] == kind and one.at - last[0] <= within
        if last is not None and joins and len(last[2][kind]) < 400:
            last[2][kind].append(one.what)
            continue
        header = {
            "schema": f"{kind}.v1",
            "site": site,
            "agent": agent,
            "boot": boot,
            "seq": first_seq + len(found),
            "sent_at": one.at,
        }
        found.append((one.at, kind, {**header, kind: [one.what]}))
    return found
