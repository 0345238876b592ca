"""A wrong or stepped reader clock gives the passes of a true one: LLRP bytes, driver, smoothing,
messages, tracker. The clocks of two doors differ, and a step falls into a pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec
import pytest
from llrpkit.protocol import params

from bench.portal import seeds
from bench.portal_air import DOORS, SLICE_S, Air
from contracts.v1 import Observation, SensorReading
from edge.batching import Batcher, Message
from edge.drivers.llrp_codec import decode_frame
from edge.drivers.llrp_reads import ReadingDecoder
from edge.drivers.port import RawReading
from edge.intake import Intake
from gateway.tracker import Tracker
from simulators.emulators.llrp_frames import Content, TagRead, event_frame, report_frame
from tests.builders import numbered
from tests.radio import Heard
from tests.unit.gateway.lane import START, Lane, a_registry

Clock = Callable[[str, float], float]
"""Seconds that the reader of a door is ahead, at a moment of the run."""
Passes = list[tuple[str, str, frozenset[str]]]
FIELDS = params.TagReportContentSelector(
    enable_ro_spec_id=True,
    enable_antenna_id=True,
    enable_peak_rssi=True,
    enable_last_seen_timestamp=True,
)
CONTENT = Content(1, FIELDS, impinj_rssi=True, impinj_phase=False)
CROSS = 0.2
# A run is cut after 250 ms and told in the next slice; its peak is no older than that.
TOLD_US = 500_000


class Reader:
    """One door's reader: its own clock, bytes to the driver's decoder, the agent's intake."""

    def __init__(self, ahead: Callable[[float], float]) -> None:
        self._ahead = ahead
        self._decoder = ReadingDecoder()
        self._closed: list[Message] = []
        self._intake = Intake(batcher=Batcher(), deliver=self._closed.extend)
        self._source = self._intake.source("r1", kind="portal", linger_us=0)

    def _stamp(self, at: float) -> int:
        return START + int((at + self._ahead(at)) * 1e6)

    def tag(self, epc: bytes, antenna: int, dbm: float, at: float, moment: int) -> None:
        read = TagRead(epc, antenna, round(dbm * 100), self._stamp(at))
        frame = decode_frame(report_frame([read], content=CONTENT, message_id=1))
        self._take(self._decoder.report(frame, moment), moment)

    def beam(self, port: int, *, high: bool, at: float, moment: int) -> None:
        event = params.GPIEvent(gpi_port_number=port, gpi_event=high)
        frame = decode_frame(event_frame(at_us=self._stamp(at), message_id=1, gpi=event))
        self._take(self._decoder.events(frame, moment)[1], moment)

    def _take(self, readings: list[RawReading], moment: int) -> None:
        for reading in readings:
            self._intake.take(self._source, reading, moment)

    def says(self, moment: int) -> Iterator[Observation | SensorReading]:
        """What its messages hold."""
        self._intake.step(moment)
        messages, self._closed[:] = list(self._closed), []
        for message in messages:
            found = msgspec.json.decode(b'{"kind":0' + message.tail)
            kind = Observation if message.kind == "reads" else SensorReading
            yield from msgspec.convert(found[message.kind], list[kind])  # type: ignore[valid-type]


def passes(air: Air, clock: Clock) -> Passes:
    """What the gateway makes of the run under this clock."""
    readers = {door: Reader(lambda at, d=door: clock(d, at)) for door in DOORS}  # type: ignore[misc]
    edges, hits = deque(sorted(air.edges)), deque(air.hits)
    heard: list[tuple[Heard, str]] = []
    for step in range(int(air.end / SLICE_S)):
        now = (step + 1) * SLICE_S
        moment = START + int(now * 1e6)
        while (hits and hits[0][1].at <= now) or (edges and edges[0][0] <= now):
            if hits and (not edges or hits[0][1].at <= edges[0][0]):
                door, hit = hits.popleft()
                readers[door].tag(hit.epc, hit.antenna, hit.rssi_dbm, hit.at, moment)
                leak = air.leaks.get(hit.epc)
                weak = -200.0 if leak is None else hit.rssi_dbm - leak.loss_db(hit.at)
                if leak is not None and leak.rank < CROSS and weak > air.faintest_dbm:
                    other = DOORS[1 - DOORS.index(door)]
                    readers[other].tag(hit.epc, hit.antenna, weak, hit.at, moment)
            else:
                at, door, port, high = edges.popleft()
                readers[door].beam(port, high=high, at=at, moment=moment)
        for door, reader in readers.items():
            heard += [(Heard(moment, one), door) for one in reader.says(moment)]
    late = [abs(one.what.occurred_at - one.at) for one, _ in heard]
    assert max(late) < TOLD_US, "a time was told that is not the agent's"
    lane = Lane(Tracker(a_registry(beams=True), ids=numbered(), early=False))
    lane.hear_all(heard)
    lane.rest(6.0)
    return sorted(
        (call.portal, call.direction, frozenset(k for k, t in call.tags.items() if t.crossed))
        for call in lane.calls()
        if call.direction in ("in", "out", "undecided")
    )


@pytest.fixture(scope="module")
def air() -> Air:
    return Air(next(seeds("reader clocks")), loads=3)


@pytest.fixture(scope="module")
def true_passes(air: Air) -> Passes:
    found = passes(air, lambda door, at: 0.0)
    assert len(found) >= 2
    return found


@pytest.fixture(scope="module")
def middle(air: Air) -> float:
    """A moment between the beams of a pass through the first door."""
    times = [at for at, door, _, _ in sorted(air.edges) if door == DOORS[0]]
    return (times[0] + times[1]) / 2


@pytest.mark.parametrize("ahead", [5.0, -5.0])
def test_one_door_s_reader_off_by_five_seconds(ahead: float, air: Air, true_passes: Passes) -> None:
    assert passes(air, lambda door, at: ahead if door == DOORS[0] else 0.0) == true_passes


@pytest.mark.parametrize("ahead", [5.0, -5.0])
def test_a_reader_set_right_by_ntp_between_the_beams(
    ahead: float, air: Air, true_passes: Passes, middle: float
) -> None:
    assert passes(air, lambda door, at: ahead if at < middle else 0.0) == true_passes
