"""The memory of a cell: portals and zones. Takes messages in order, says what follows; no I/O.

What it says is not true before it is committed; after a lost commit the whole memory is rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from msgspec import UNSET

from contracts.v1 import AgentStatus, Observation, Scan, SensorReading
from core.application.decisions import PassCall, PassVerdict
from core.application.ports.tracking import (
    OpenPass as StandingPass,
)
from core.application.ports.tracking import (
    PassOpening,
    PositionRow,
    PositionWrite,
    ReadPointRow,
    StreamKey,
)
from gateway.beams import Edge, Way
from gateway.calls import early_call, final_call
from gateway.group import Message
from gateway.localize import Position
from gateway.portal import OpenPass, Portal
from gateway.registry import Registry
from gateway.thresholds import thresholds_of
from gateway.tracks import INSIDE, LEVEL_UNKNOWN_DBM, OUTSIDE, Run
from gateway.views import View
from gateway.zone_rule import louder_elsewhere, overheard
from gateway.zones import Ear, Zones

EVALUATE_EVERY_US = 250_000
_SIDES = {"outside": OUTSIDE, "inside": INSIDE}


@dataclass(slots=True)
class Outcome:
    """What follows from a group: rows to write, calls to judge, totes at a divert."""

    openings: list[PassOpening] = field(default_factory=list)
    calls: list[PassCall] = field(default_factory=list)
    positions: dict[str, PositionWrite] = field(default_factory=dict)
    totes: list[tuple[str, ReadPointRow]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)


class Tracker:
    """One cell's memory; `at` is the gateway's monotonic clock throughout.

    `early` calls tell a driver at once; none enters a final call, so a replay goes without.
    """

    def __init__(self, registry: Registry, *, ids: Callable[[], UUID], early: bool = True) -> None:
        self._ids = ids
        self._early = early
        self.registry = registry
        self.portals: dict[str, Portal] = {}
        self.zones = Zones()
        self.heard_agent: dict[str, int] = {}
        self._outcome = Outcome()
        self.use(registry)

    def use(self, registry: Registry) -> None:
        """Take a newer layout; portals that stay keep their memory."""
        self.registry = registry
        beams = {point.portal for point in registry.inputs.values() if point.role == "beam"}
        for name, row in registry.portals.items():
            limits = thresholds_of(row.settings)
            portal = self.portals.get(name)
            if portal is None:
                portal = Portal(name, limits, has_beams=name in beams, ids=self._ids)
                portal.overheard = partial(overheard, self.portals, portal)
                self.portals[name] = portal
            else:
                portal.limits, portal.has_beams = limits, name in beams
        for name in self.portals.keys() - registry.portals.keys():
            del self.portals[name]

    def restore(self, positions: Iterable[PositionRow]) -> None:
        """Positions from the book."""
        self.zones.restore(positions)

    def adopt(self, standing: StandingPass, *, at: int) -> bool:
        """Go on with an open pass of the book under its own id; False when its portal is gone."""
        portal = self.portals.get(standing.portal)
        if portal is None or portal.load is not None:
            return False
        stream = StreamKey(standing.agent, standing.boot)
        load = OpenPass(standing.pass_id, 0, standing.opened_at, at, stream, standing.seq)
        load.motion_arrived = at
        portal.adopt(load)
        return True

    def hear_agent(self, agent: str, *, at: int) -> None:
        """An agent gave a sign of life."""
        self.heard_agent[agent] = at

    def hear_status(self, status: AgentStatus, *, at: int) -> None:
        """An agent's status: its portals listen from now on, or do not while a reader is away."""
        away = status.state == "offline"
        if not away:
            self.hear_agent(status.agent, at=at)
        devices = () if status.devices is UNSET else status.devices
        if not away and status.spooled in (UNSET, 0):
            self.zones.alive(status.agent, devices, status.sent_at)
        away = away or any(one.state == "dead" for one in devices)
        for name, portal in self.portals.items():
            if status.agent in self.registry.agents_of(name):
                portal.listen(None if away else status.sent_at)

    def take(self, message: Message) -> None:
        """One message's readings, in their order."""
        stream = message.stream
        self.heard_agent[stream.agent] = message.at
        ears: dict[tuple[str, int], Ear] = {}
        for reading, seen, scanned in message.readings:
            if isinstance(reading, Observation):
                antenna = reading.antenna
                if antenna is None or seen is None:
                    continue
                ear = ears.get((reading.device, antenna))
                if ear is None:
                    point = self.registry.antennas[stream.agent, reading.device, antenna]
                    ear = self.zones.ear(point, stream, message.seq)
                    ears[reading.device, antenna] = ear
                if ear.place is not None:
                    found = self.zones.hear(ear, reading, seen.key, ear.place)
                    if found is not None:
                        self._write(found, stream, message.seq)
                    if ear.before_divert and seen.kind == "grai":
                        self._meet(seen.key, ear.point, message.at)
                elif ear.point.role == "portal":
                    self._at_portal(message, reading, seen.key, ear.point)
            elif isinstance(reading, SensorReading):
                self._sense(message, reading)
            else:
                self._scan(message, reading, scanned)

    def replay(self, message: Message) -> None:
        """Readings of passes open in the book: into the memory of their portals alone."""
        fed = {name for name, portal in self.portals.items() if portal.load is not None}
        for reading, seen, _ in message.readings:
            if isinstance(reading, Observation) and seen is not None:
                place = (message.stream.agent, reading.device, reading.antenna or 0)
                point = self.registry.antennas.get(place)
                if point is not None and point.portal in fed:
                    self._at_portal(message, reading, seen.key, point)
            elif isinstance(reading, SensorReading):
                self._sense(message, reading, fed)
        self._outcome.broken.clear()

    def give_up(self, agents: frozenset[str]) -> None:
        """These agents' open passes cannot be rebuilt."""
        for name, portal in self.portals.items():
            if agents & self.registry.agents_of(name):
                portal.give_up()

    def _at_portal(
        self, message: Message, read: Observation, key: str, point: ReadPointRow
    ) -> None:
        portal = self.portals.get(point.portal or "")
        side = _SIDES.get(point.side or "")
        if portal is None or side is None:
            return
        peak = LEVEL_UNKNOWN_DBM if read.rssi_dbm is None else read.rssi_dbm
        mean = read.rssi_mean_dbm
        run = Run(
            first=read.occurred_at if read.first_at is UNSET else read.first_at,
            last=read.occurred_at if read.last_at is UNSET else read.last_at,
            side=side,
            peak_at=read.occurred_at,
            peak=peak,
            mean=peak if mean is UNSET or mean is None else mean,
            spread=0.0 if read.rssi_spread_db is UNSET else read.rssi_spread_db,
            reads=read.count,
            boot=message.stream.boot,
            seq=message.seq,
        )
        portal.add_run(
            key,
            read.epc,
            run,
            stream=message.stream,
            received_at=message.received_at,
            at=message.at,
        )

    def _sense(self, message: Message, sensor: SensorReading, only: set[str] | None = None) -> None:
        if sensor.kind != "gpi" or sensor.port is UNSET:
            return
        point = self.registry.inputs.get((message.stream.agent, sensor.device, sensor.port))
        if point is None or point.role != "beam":
            return
        portal = self.portals.get(point.portal or "")
        side = _SIDES.get(point.side or "")
        if portal is None or side is None or (only is not None and portal.name not in only):
            return
        blocked = sensor.state == "high"
        portal.add_edge(
            Edge(sensor.occurred_at, side, blocked),
            stream=message.stream,
            seq=message.seq,
            received_at=message.received_at,
            at=message.at,
        )
        if blocked:
            self._outcome.broken.add(portal.name)

    def _scan(self, message: Message, scan: Scan, key: str | None) -> None:
        point = self.registry.stations.get((message.stream.agent, scan.device))
        if point is None or point.location_id is None or key is None:
            return
        put = self.zones.put(key, point.location_id, point.read_point, at=scan.occurred_at)
        self._write(put, message.stream, message.seq)

    def _write(self, found: Position, stream: StreamKey, seq: int) -> None:
        before = self._outcome.positions.get(found.key)
        self._outcome.positions[found.key] = PositionWrite(
            subject=found.key,
            location_id=found.place,
            confidence=found.confidence,
            since=found.since,
            last_seen_at=found.seen_at,
            read_point=found.read_point,
            agent=stream.agent,
            boot=stream.boot,
            seq=seq,
            changed=found.changed or (before is not None and before.changed),
        )

    def _meet(self, key: str, point: ReadPointRow, at: int) -> None:
        """A tote before a divert, told once in a while."""
        if self.zones.meets_divert(key, at):
            self._outcome.totes.append((key, point))

    def decide(self, *, at: int, waiting: frozenset[str] = frozenset()) -> Outcome:
        """What follows from all taken so far. Portals of `waiting` agents are being rebuilt."""
        for lost, gone in self.zones.gone():
            self._write(lost, gone.told.stream, gone.told.seq)
        outcome = self._outcome
        self._outcome = Outcome()
        for portal in self.portals.values():
            if waiting and waiting & self.registry.agents_of(portal.name):
                continue
            self._decide_portal(portal, outcome, at)
        return outcome

    def _decide_portal(self, portal: Portal, outcome: Outcome, at: int) -> None:
        unseen = self._unseen(portal, at)
        portal.step(at)
        opened, ended = portal.take()
        outcome.openings.extend(_opening(load, portal) for load in opened)
        for closing in ended:
            call = final_call(portal, closing, elsewhere=self._elsewhere, unseen=unseen)
            outcome.calls.append(call)
            self._leave(portal, call, closing.load)
        late_opened, _ = portal.take()
        outcome.openings.extend(_opening(load, portal) for load in late_opened)
        load = portal.load if self._early else None
        if load is None or not (load.dirty or at - load.evaluated >= EVALUATE_EVERY_US):
            return
        load.evaluated = at
        call_now = early_call(portal, load, elsewhere=self._elsewhere, unseen=unseen)
        if call_now is not None:
            outcome.calls.append(call_now)

    def _elsewhere(self, portal: Portal, view: View, way: Way) -> str | None:
        return louder_elsewhere(self.portals, portal, view, way)

    def _unseen(self, portal: Portal, at: int) -> Sequence[str]:
        """Other portals of the cell whose agents are silent."""
        silent = []
        for other in self.portals.values():
            agents = self.registry.agents_of(other.name) if other is not portal else ()
            limit = portal.limits.silent_agent_us
            if any(at - self.heard_agent.get(a, at - 2 * limit) > limit for a in agents):
                silent.append(other.name)
        return silent

    def _leave(self, portal: Portal, call: PassCall, load: OpenPass) -> None:
        """Tags of a load that crossed are now on the other side."""
        if call.direction not in ("in", "out"):
            return
        row = self.registry.portals[portal.name]
        inward = call.direction == "in"
        place = row.inside_location_id if inward else row.door_location_id
        for key, tag in call.tags.items():
            if tag.crossed:
                point = f"{portal.name}.{call.direction}"
                put = self.zones.put(key, place, point, at=call.occurred_at)
                self._write(put, load.stream, load.seq)

    def said(self, verdicts: Iterable[PassVerdict]) -> None:
        """Verdicts that were committed."""
        by_pass = {verdict.pass_id: verdict.said for verdict in verdicts if verdict.early}
        for portal in self.portals.values():
            if portal.load is not None and portal.load.pass_id in by_pass:
                portal.load.said = by_pass[portal.load.pass_id]

    def open_portals(self) -> Mapping[str, OpenPass]:
        """Portals with a pass in the making."""
        return {name: p.load for name, p in self.portals.items() if p.load is not None}


def _opening(load: OpenPass, portal: Portal) -> PassOpening:
    return PassOpening(
        pass_id=load.pass_id,
        portal=portal.name,
        opened_at=load.opened_at,
        agent=load.stream.agent,
        boot=load.stream.boot,
        seq=load.seq,
        thresholds=portal.limits.version,
    )
