"""One portal: its tags, its beams and at most one open pass. Opens, fills and closes passes.

A pass closes when its moving tags are silent, when the next load breaks a beam, or at its longest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from core.application.decisions import Said
from core.application.ports.tracking import StreamKey
from gateway.beams import Beams, Edge
from gateway.thresholds import Thresholds
from gateway.tracks import FORGET_US, Run, Track

MAX_TRACKS = 20_000
MAX_LATE = 1_000
FRESH_US = 10_000_000
LINGER_US = 2_000_000
STILL_DB = 1.0
SIDES = ("outside", "inside")


@dataclass(slots=True, eq=False)
class OpenPass:
    """A pass in the making. Device times but for `arrived` ones, which are the gateway's clock."""

    pass_id: UUID
    opened: int
    opened_at: int
    arrived: int
    stream: StreamKey
    seq: int
    beams: Beams = field(default_factory=Beams)
    motion: int = 0
    motion_arrived: int = 0
    said: Said | None = None
    asked: frozenset[str] = frozenset()
    dirty: bool = True
    evaluated: int = 0
    decider: tuple[str, int] = ("timer", 0)
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """A pass that ends now, and what ended it."""

    load: OpenPass
    decider: str
    decider_at: int
    now: int


class Portal:
    """The memory of one door. `now` is the newest device time heard here."""

    def __init__(
        self, name: str, limits: Thresholds, *, has_beams: bool, ids: Callable[[], UUID]
    ) -> None:
        self.name = name
        self.limits = limits
        self.has_beams = has_beams
        self._ids = ids
        self.overheard: Callable[[Track], bool] = lambda _track: False
        self.tracks: dict[str, Track] = {}
        self.load: OpenPass | None = None
        self.now = 0
        self.listening_since = 0
        self.broken_at = 0
        self.late: dict[str, str] = {}
        self.opened: list[OpenPass] = []
        self.closing: list[Closing] = []

    def listen(self, since: int | None) -> None:
        """The reader works since then at the latest, or it does not (None)."""
        if since is None:
            self.listening_since = 0
        elif not self.listening_since:
            self.listening_since = since

    def hear(self, time: int) -> None:
        """The device clock has come this far."""
        if not self.listening_since:
            self.listening_since = time
        if self.load is not None and not self.load.opened:
            self.load.opened = self.load.motion = time
        self.now = max(self.now, time)

    def add_run(
        self, key: str, epc: str, run: Run, *, stream: StreamKey, received_at: int, at: int
    ) -> None:
        """Take one observation of a tag."""
        if run.last < self.now - self.limits.late_us:
            if len(self.late) < MAX_LATE:
                self.late[key] = epc
            return
        self.hear(run.last)
        track = self.tracks.get(key)
        new = track is None
        if track is None:
            track = self.tracks[key] = Track(key, epc, stream.agent, run.first)
            self._make_room()
        limits = self.limits
        moved = track.add(run, motion_db=limits.motion_db, window_us=limits.motion_window_us)
        if self.load is None:
            if moved and self._shows_motion(track) and not self.overheard(track):
                self._open(run.first, stream, run.seq, received_at, at)
                self._stir(run, at)
            return
        awaited = not self.load.asked and self.load.beams.way in ("in", "out")
        if new or awaited:
            self.load.dirty = True
            self.load.decider = (f"read {epc} {SIDES[run.side]}", run.last)
        if (moved or self._moves(track)) and self._concerns(self.load, track):
            self._stir(run, at)

    def _shows_motion(self, track: Track) -> bool:
        """Whether this tag alone may open a pass."""
        since = self.now - self.limits.motion_window_us
        known = self.now - track.known_since > FRESH_US
        needed = self.limits.motion_db * (2 if known else 1)
        return (
            track.reads(since) >= self.limits.observed_reads
            and track.range_db(since) >= needed
            and max(run.peak for run in track.since(since)) >= self.limits.floor_dbm
        )

    def _concerns(self, load: OpenPass, track: Track) -> bool:
        """Whether this tag's motion keeps the pass open: neither the next load's nor next door's.

        Who comes long after a whole passage of the beams was not with the load that passed.
        """
        gone = load.beams.last_at if load.beams.way in ("in", "out") else None
        if gone is not None and track.known_since > gone + self.limits.apart_us:
            return False
        return not self.overheard(track)

    def _moves(self, track: Track) -> bool:
        """Whether a tag new in this pass still moves: one that was put down does not."""
        load = self.load
        if load is None or track.known_since < load.opened - self.limits.lookback_us:
            return False
        if self.now - track.known_since < LINGER_US:
            return True
        return track.range_db(self.now - LINGER_US) >= STILL_DB

    def _stir(self, run: Run, at: int) -> None:
        if self.load is not None:
            self.load.motion = max(self.load.motion, run.last)
            self.load.motion_arrived = at

    def add_edge(
        self, edge: Edge, *, stream: StreamKey, seq: int, received_at: int, at: int
    ) -> None:
        """Take a beam's change. A beam that breaks after a whole passage is the next load."""
        self.hear(edge.at)
        self.broken_at = max(self.broken_at, edge.at)
        load = self.load
        if load is not None and edge.blocked and self._is_next(load, edge):
            self._close(f"beam {_side(edge)} blocked", edge.at)
            load = None
        if load is None:
            if not edge.blocked:
                return
            load = self._open(edge.at, stream, seq, received_at, at)
        load.beams.add(edge)
        load.motion, load.motion_arrived = max(load.motion, edge.at), at
        load.dirty = True
        load.decider = (f"beam {_side(edge)} {'blocked' if edge.blocked else 'clear'}", edge.at)

    def _is_next(self, load: OpenPass, edge: Edge) -> bool:
        last = load.beams.last_at
        if last is None or load.beams.way in ("none", "open", "half"):
            return False
        return edge.at - last >= self.limits.same_load_us

    def _open(
        self, opened: int, stream: StreamKey, seq: int, received_at: int, at: int
    ) -> OpenPass:
        load = OpenPass(self._ids(), opened, received_at, at, stream, seq)
        load.motion, load.motion_arrived = opened, at
        load.decider = ("timer", opened)
        self.load = load
        self.opened.append(load)
        return load

    def adopt(self, load: OpenPass) -> None:
        """Go on with a pass that another gateway opened; its readings are about to come again."""
        self.load = load

    def give_up(self) -> None:
        """The open pass's readings are lost: it ends for a person to decide."""
        if self.load is not None:
            self.load.blind = True
            self._close("memory lost", self.now)

    def step(self, at: int) -> None:
        """Close a pass that is over."""
        load = self.load
        if load is None:
            return
        quiet, longest = self.limits.quiet_us, self.limits.longest_us
        over = (
            self.now - load.motion >= quiet
            or at - load.motion_arrived >= quiet
            or self.now - load.opened >= longest
            or at - load.arrived >= longest
        )
        if (over and not load.beams.blocked) or self._stands_in_door(load, at):
            self._close("timer", load.motion + quiet)

    def _stands_in_door(self, load: OpenPass, at: int) -> bool:
        return at - load.arrived >= self.limits.longest_us

    def _close(self, decider: str, decider_at: int) -> None:
        if self.load is not None:
            self.closing.append(Closing(self.load, decider, decider_at, self.now))
            self.load = None

    def take(self) -> tuple[list[OpenPass], list[Closing]]:
        """Passes opened and ended since the last call."""
        found = self.opened, self.closing
        self.opened, self.closing = [], []
        return found

    def reopen(self, load: OpenPass, *, opened: int) -> None:
        """A second load was in the pass that just closed: it gets a pass of its own."""
        if self.load is None:
            self._open(opened, load.stream, load.seq, load.opened_at, load.motion_arrived)

    def settle(self, tags: Iterable[str], until: int, *, through: int | None = None) -> None:
        """These tags' past belongs to a pass that is over; its load was `through` at that time."""
        for key in tags:
            if (track := self.tracks.get(key)) is not None:
                track.taken_until = max(track.taken_until, until)
                left = until if through is None else min(through, until)
                track.crossed_until = max(track.crossed_until, left)
        self.late.clear()

    def _make_room(self) -> None:
        if len(self.tracks) <= MAX_TRACKS:
            return
        limit = self.now - FORGET_US
        old = [key for key, track in self.tracks.items() if track.last < limit]
        for key in old or sorted(self.tracks, key=lambda k: self.tracks[k].last)[:1000]:
            del self.tracks[key]


def _side(edge: Edge) -> str:
    return "inner" if edge.side else "outer"
