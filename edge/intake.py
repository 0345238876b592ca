"""Intake: what devices yield becomes readings in closed messages, in true order. No I/O.

A sensor edge cuts the open runs of its device first, so reads before the edge stand before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from contracts.v1 import Scan, SensorReading
from edge.batching import Batcher, Kind, Message, Reading
from edge.device_clock import DeviceClock
from edge.drivers.port import DriverNotice, RawRead, RawReading, RawScan, RawSensor
from edge.health import DeviceHealth, HealthPlan
from edge.journal import NO_JOURNAL, Journal, Mark, Told
from edge.ring_replay import Recovered
from edge.runs import observe
from edge.smoothing import PORTAL, ZONE, Smoother

log = logging.getLogger(__name__)

DeviceKind = Literal["portal", "zone"]


@dataclass(slots=True)
class Source:
    """One device's place in the intake."""

    name: str
    number: int
    linger_us: int
    smoother: Smoother
    clock: DeviceClock
    health: DeviceHealth
    jumps_told: int = 0
    levels: dict[object, object] = field(default_factory=dict)


class Intake:
    """All devices of an agent feed one sequence."""

    def __init__(
        self,
        *,
        batcher: Batcher,
        deliver: Callable[[list[Message]], None],
        journal: Journal = NO_JOURNAL,
    ) -> None:
        self._batcher = batcher
        self._deliver = deliver
        self._journal = journal
        self._mark = Mark(journal.last, journal.last + 1)
        self._placed = journal.last
        self._next_base = (journal.last, journal.last + 1)
        self._sources: list[Source] = []
        self.wake_at: int | None = None
        self.on_earlier: Callable[[], None] = lambda: None
        self.raw_reads = 0
        self.notices = 0

    def source(
        self, name: str, *, kind: DeviceKind, linger_us: int, health: HealthPlan | None = None
    ) -> Source:
        """Add a device."""
        clock = DeviceClock()
        profile = PORTAL if kind == "portal" else ZONE
        smoother = Smoother(device=name, profile=profile, clock=clock, journal=self._journal)
        watched = DeviceHealth(health or HealthPlan(steady=kind == "zone"), clock=clock)
        number = self._journal.device(name)
        source = Source(name, number, linger_us, smoother, clock, watched)
        self._sources.append(source)
        return source

    def remove(self, source: Source, at: int) -> None:
        """Take a device out; what it has yielded goes on its way first."""
        source.smoother.flush(at)
        self._emit(source, at)
        self._sources.remove(source)

    def take(self, source: Source, reading: RawReading, at: int) -> None:
        """Take what a driver yielded; `at` is the monotonic clock."""
        if isinstance(reading, RawRead):
            self.raw_reads += 1
            if source.smoother.add(reading, at):
                self._emit(source, at)
            else:
                self._note(source.smoother.due())
        elif isinstance(reading, DriverNotice):
            self.notices += 1
            source.health.notice(reading, at)
            log.warning(
                "device_notice",
                extra={"device": source.name, "what": reading.what, "detail": reading.detail[:200]},
            )
        else:
            self._edge(source, reading, at)

    def _edge(self, source: Source, reading: RawSensor | RawScan, at: int) -> None:
        clock = source.clock
        if isinstance(reading, RawSensor) and reading.kind == "gpi":
            port, state = reading.fields.get("port"), reading.fields.get("state")
            if reading.polled and source.levels.get(port) == state:
                # Nothing happened while the reader was away: a level told twice is no second load.
                return
            source.levels[port] = state
        source.smoother.flush(at)
        self._emit(source, at)
        if clock.jumped(reading.occurred_at, reading.received_at, at):
            clock.restart(reading.occurred_at, reading.received_at, at)
        else:
            clock.sample(reading.occurred_at, reading.received_at, at)
        occurred_at = reading.occurred_at + clock.offset
        if isinstance(reading, RawScan):
            extra = {} if reading.symbology is None else {"symbology": reading.symbology}
            scan = Scan(source.name, reading.code, occurred_at, **extra)
            self._tell(source, "scans", scan, reading.received_at, at)
            return
        fields = {
            **reading.fields,
            "device": source.name,
            "kind": reading.kind,
            "occurred_at": occurred_at,
        }
        edge = msgspec.convert(fields, SensorReading)
        self._tell(source, "sensors", edge, reading.received_at, at)

    def _tell(
        self, source: Source, kind: Told, reading: Scan | SensorReading, received_at: int, at: int
    ) -> None:
        body, offset = msgspec.json.encode(reading), source.clock.offset
        place = self._journal.told(source.number, kind, body, offset, received_at)
        self._put(source, kind, [reading], [place], at)

    def answer(self, reading: SensorReading, at: int) -> None:
        """Put an agent's own sensor reading into the sequence, at once."""
        self._batcher.add("sensors", [reading], at=at, linger_us=0)
        self.step(at)

    def _emit(self, source: Source, at: int) -> None:
        places = source.smoother.places
        reads = source.smoother.take()
        if reads:
            source.health.heard(reads, at)
            self._put(source, "reads", reads, places, at)

    def _put(
        self,
        source: Source,
        kind: Kind,
        readings: Sequence[Reading],
        places: Sequence[int],
        at: int,
    ) -> None:
        self._batcher.add(kind, readings, at=at, linger_us=source.linger_us, places=places)
        self._placed = places[-1]
        self._hand_on()
        self._note(self._batcher.due())
        if source.clock.jumps != source.jumps_told:
            source.jumps_told = source.clock.jumps
            log.warning("device_clock_jumped", extra={"device": source.name})

    def _hand_on(self) -> None:
        messages = self._batcher.take()
        if messages:
            # A message may only be spooled when the journal can say what it holds.
            self._journal.flush()
            self._deliver([self._based(message) for message in messages])

    def _based(self, message: Message) -> Message:
        """With the mark that holds once this message is in the spool.

        Then all that was placed when `_next_base` was taken is there too.
        """
        placed, base = self._next_base
        done = max(message.done, self._mark.done)
        if message.done >= placed:
            self._next_base = (self._placed, self._oldest())
        else:
            base = self._mark.base
        self._mark = Mark(done, base)
        return replace(message, done=done, base=base)

    def _oldest(self) -> int:
        runs = (source.smoother.oldest() for source in self._sources)
        return min((run for run in runs if run is not None), default=self._journal.last + 1)

    def restore(self, found: Recovered, mark: Mark, at: int) -> None:
        """Say again what a killed agent was about to say, before any device yields anything.

        `mark` is where the spool stands. Open runs end here: nobody listened for a while.
        """
        self._mark = mark
        for one in found.pending:
            self._batcher.add(one.kind, [one.reading], at=at, linger_us=0, places=[one.place])
            self._placed = one.place
        for held in found.held:
            reading = observe(held.device, held.run, held.offset)
            place = self._journal.emitted(held.run.place, held.offset)
            self._batcher.add("reads", [reading], at=at, linger_us=0, places=[place])
            self._placed = place
        self._batcher.close()
        self._next_base = (self._placed, self._journal.last + 1)
        self._hand_on()

    def _note(self, due: int | None) -> None:
        if due is not None and (self.wake_at is None or due < self.wake_at):
            self.wake_at = due
            self.on_earlier()

    def step(self, at: int) -> None:
        """Emit and close what is due; `wake_at` is the next time."""
        for source in self._sources:
            source.smoother.step(at)
            self._emit(source, at)
        self._batcher.step(at)
        self._hand_on()
        dues = [source.smoother.due() for source in self._sources]
        dues.append(self._batcher.due())
        self.wake_at = min((due for due in dues if due is not None), default=None)

    def flush(self, at: int) -> None:
        """Emit and close everything (the agent stops)."""
        for source in self._sources:
            source.smoother.flush(at)
            self._emit(source, at)
        self._batcher.close()
        self._hand_on()

    @property
    def oversize(self) -> int:
        """Readings too large for any message, refused."""
        return self._batcher.oversize
