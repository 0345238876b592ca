"""A recorded gate through the very code of the product: smoothing of the edge, then the tracker.

Time is the recording's own; nothing is written, nothing is dropped without being named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

from contracts.gs1.epc import look_up
from contracts.v1 import Observation, SensorReading
from core.application.decisions import PassCall
from core.application.ports.tracking import StreamKey
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, Smoother
from gateway.classify import stays_reason
from gateway.group import Message
from gateway.readings import Good
from gateway.thresholds import Thresholds, thresholds_of
from gateway.trace_lines import RefusedLine, Trace, TraceEdge, TraceRead
from gateway.trace_profile import AGENT, DEVICE, Profile
from gateway.tracker import Tracker
from gateway.tracks import Run, Track
from gateway.views import Span, view_of

STEP_US = 50_000
AFTER_US = 35_000_000
BOOT = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent would send at a moment: one observation or one beam edge."""

    at: int
    what: Observation | SensorReading
    good: Good


@dataclass(slots=True)
class Recording:
    """A trace as the gateway would hear it; `reads` counts raw reads per EPC (upper-case hex)."""

    told: list[Told] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    reads: dict[str, int] = field(default_factory=dict)
    edges: int = 0


def smooth(trace: Trace, profile: Profile) -> Recording:
    """The trace through the agent's smoothing. What names no antenna or beam of the gate is refused
    as the live gateway refuses it."""
    recording = Recording(refused=list(trace.refused))
    smoother = Smoother(device=DEVICE, profile=PORTAL, clock=DeviceClock())
    port_of: dict[str, int] = {
        side: port for port, side in sorted(profile.beams.items(), reverse=True)
    }
    for reading in trace.readings:
        while (due := smoother.due()) is not None and due <= reading.at:
            smoother.step(due)
            _collect(recording, smoother, due)
        if isinstance(reading, TraceEdge):
            port = reading.port if reading.side is None else port_of.get(reading.side)
            if port is None or port not in profile.beams:
                recording.refused.append(RefusedLine(reading.line, "E_DEVICE_UNKNOWN", "/port"))
                continue
            smoother.flush(reading.at)
            _collect(recording, smoother, reading.at)
            _edge(recording, reading, port)
            continue
        if reading.antenna not in profile.antennas:
            recording.refused.append(RefusedLine(reading.line, "E_DEVICE_UNKNOWN", "/antenna"))
            continue
        recording.reads[reading.epc] = recording.reads.get(reading.epc, 0) + reading.count
        smoother.add(_raw(reading), reading.at)
        _collect(recording, smoother, reading.at)
    if trace.readings:
        last = trace.readings[-1].at
        smoother.flush(last)
        _collect(recording, smoother, last)
    recording.refused.sort(key=lambda one: one.line)
    return recording


def _raw(read: TraceRead) -> RawRead:
    return RawRead(
        epc=bytes.fromhex(read.epc),
        antenna=read.antenna,
        rssi_dbm=read.rssi_dbm,
        occurred_at=read.at,
        received_at=read.at,
        count=read.count,
        phase_deg=read.phase_deg,
    )


def _collect(recording: Recording, smoother: Smoother, at: int) -> None:
    for observed in smoother.take():
        good = Good(observed, look_up(observed.epc))
        recording.told.append(Told(at, observed, good))


def _edge(recording: Recording, edge: TraceEdge, port: int) -> None:
    state = "high" if edge.blocked else "low"
    reading = SensorReading(DEVICE, "gpi", edge.at, port=port, state=state)
    recording.told.append(Told(edge.at, reading, Good(reading)))
    recording.edges += 1


@dataclass(frozen=True, slots=True)
class Replayed:
    """The final calls in order of closing, and why each tag that was in none of them did not move:
    normal key to reason."""

    calls: Sequence[PassCall]
    beside: dict[str, str]


def replay(recording: Recording, profile: Profile) -> Replayed:
    """The passes that a gateway with this profile would have made of the recording."""
    calls = passes(recording, profile)
    judged = {key for call in calls for key in call.tags}
    limits = thresholds_of(profile.thresholds)
    beside = {
        key: reason
        for key, reason in _beside(recording, profile, limits).items()
        if key not in judged
    }
    return Replayed(calls, beside)


def passes(recording: Recording, profile: Profile, *, step_us: int = STEP_US) -> list[PassCall]:
    """The final calls alone; a longer step than the gateway's is quicker and nearly the same."""
    tracker = Tracker(profile.registry(beams=recording.edges > 0), ids=_ids(), early=False)
    return list(_calls(tracker, recording.told, step_us))


def _calls(tracker: Tracker, told: Sequence[Told], step_us: int) -> Iterator[PassCall]:
    now: int | None = None
    for seq, one in enumerate(told, start=1):
        now = one.at if now is None else now
        while now + step_us <= one.at:
            busy = tracker.open_portals() or one.at - now <= step_us * 2
            now = now + step_us if busy else one.at - step_us
            yield from _final(tracker, now)
        kind = "reads" if isinstance(one.what, Observation) else "sensors"
        stream = StreamKey(AGENT, BOOT)
        tracker.take(Message(stream, seq, kind, [one.good], one.at, one.at))
    for step in range(1, AFTER_US // step_us if now is not None else 1):
        yield from _final(tracker, (now or 0) + step * step_us)


def _final(tracker: Tracker, at: int) -> list[PassCall]:
    tracker.hear_agent(AGENT, at=at)
    return tracker.decide(at=at).calls


def _beside(recording: Recording, profile: Profile, limits: Thresholds) -> dict[str, str]:
    """The rules' reason for each tag over its whole time in view."""
    tracks: dict[str, Track] = {}
    for one in recording.told:
        read, seen = one.what, one.good.seen
        if not isinstance(read, Observation) or seen is None:
            continue
        track = tracks.setdefault(seen.key, Track(seen.key, read.epc, AGENT, read.occurred_at))
        track.add(_run(read, profile), motion_db=limits.motion_db, window_us=1)
    reasons = {}
    for key, track in tracks.items():
        span = Span(track.runs[0].first, track.last + 1, track.last + 1, track.last)
        view = view_of(track, span, replace(limits, lookback_us=60_000_000))
        reasons[key] = "glimpsed" if view is None else stays_reason(view, limits)
    return reasons


def _run(read: Observation, profile: Profile) -> Run:
    peak = -70.0 if read.rssi_dbm is None else read.rssi_dbm
    mean, spread = read.rssi_mean_dbm, read.rssi_spread_db
    side = 1 if profile.antennas[read.antenna or 0] == "inside" else 0
    return Run(
        first=read.first_at if isinstance(read.first_at, int) else read.occurred_at,
        last=read.last_at if isinstance(read.last_at, int) else read.occurred_at,
        side=side,
        peak_at=read.occurred_at,
        peak=peak,
        mean=mean if isinstance(mean, float) else peak,
        spread=spread if isinstance(spread, float) else 0.0,
        reads=read.count,
        boot=BOOT,
        seq=1,
    )


def _ids() -> Callable[[], UUID]:
    """Passes of a replay are numbered: the same trace gives the same ids."""
    numbers = count(1)
    return lambda: UUID(int=next(numbers))
