"""A pallet as one reader hears it: through the door, then standing inside, read over and over.

Reads and beams leave the emulated reader at the moments of the way; their number is given, so a
storm and a single reading tell the same truth.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.emulators.llrp_frames import TagRead
from simulators.geometry import Edge
from simulators.reader import SimReader
from simulators.site import BEAM_Y_M, GPI_INNER, GPI_OUTER
from simulators.tags import Tag

ANTENNAS_Y_M = {1: -0.9, 2: 0.9}
HALF_M, HEIGHT_M = 0.6, 1.8
FROM_Y_M, REST_Y_M = -4.0, 3.0
TICK_S, TURN_S = 0.05, 0.2


@dataclass(frozen=True, slots=True)
class Reading:
    """How often the tags are read in all, over how long, and how long their way in takes."""

    reads: int
    seconds: float
    way_s: float = 4.0


async def storm(reader: SimReader, tags: Sequence[Tag], wanted: Reading) -> int:
    """Read the tags in turn, in even steps; how many reads left the socket."""
    clock, rng = reader._clock, random.Random(wanted.reads)
    start = clock() + 0.1
    reader.schedule(_beams(start, wanted.way_s))
    order = [(n, tag) for n, tag in enumerate(tags)]
    rng.shuffle(order)
    sent = 0
    while sent < wanted.reads:
        await asyncio.sleep(TICK_S)
        until = min((clock() - start) / wanted.seconds, 1.0) * wanted.reads
        due = range(sent, max(int(until), sent))
        hits = [
            _hit(*order[i % len(order)], start + i * wanted.seconds / wanted.reads, start, wanted)
            for i in due
        ]
        for at in range(0, len(hits), 100):
            await reader._send(hits[at : at + 100])
        sent += len(due)
    return sent


def _hit(place: int, tag: Tag, at: float, start: float, wanted: Reading) -> TagRead:
    """One read: antennas take turns, the nearer one hears better, each tag has its own place."""
    turns = int((at - start) / TURN_S)
    antenna = 1 + turns % 2
    own = (place % 11 - 5) / 10
    way = _y(at - start, wanted.way_s) + own * HALF_M - ANTENNAS_Y_M[antenna]
    distance = math.hypot(way, HEIGHT_M)
    dbm = -46.0 - 40.0 * math.log10(distance / HEIGHT_M) + (place % 7) * 0.1
    return TagRead(tag.epc, antenna, round(dbm * 100), int(at * 1_000_000))


def _y(t: float, way_s: float) -> float:
    return min(FROM_Y_M + (REST_Y_M - FROM_Y_M) * t / way_s, REST_Y_M)


def _beams(start: float, way_s: float) -> list[Edge]:
    speed = (REST_Y_M - FROM_Y_M) / way_s
    edges = []
    for port, y in ((GPI_OUTER, -BEAM_Y_M), (GPI_INNER, BEAM_Y_M)):
        for end, high in ((y - HALF_M, True), (y + HALF_M, False)):
            edges.append(Edge(start + (end - FROM_Y_M) / speed, port, high))
    return sorted(edges, key=lambda edge: edge.at)
