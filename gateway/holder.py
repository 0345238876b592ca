"""One holder of a cell: its streams, memory and lights; each group is judged, committed, applied.

A group that cannot be committed now is tried again as it is; nothing is applied before its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.v1 import AgentStatus
from core.application.decisions import GroupDecision, Recorded
from core.application.ports.tracking import CellLost, CursorMoved, OpenPass, RegistryRows, StreamKey
from core.application.ports.uow import Ids, UnitOfWork, UnitOfWorkFactory
from core.application.record import record_decision
from core.domain.errors import Unavailable
from gateway.archive import Archive
from gateway.decision import decision_of
from gateway.failpoints import Hit
from gateway.group import Group, Message
from gateway.keeping import Keeping
from gateway.known import KnownKeys
from gateway.lights import Lights
from gateway.messages import Arrival
from gateway.quarantine import Stuck
from gateway.rates import Rates
from gateway.rebuild import Rebuild
from gateway.registry import build_registry
from gateway.sightings import Sightings
from gateway.sorter import Sorter
from gateway.speech import Speech
from gateway.streams import Streams
from gateway.tracker import Outcome, Tracker

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
POSITIONS_BACK_US = 3_600_000_000


class Telemetry(Protocol):
    """Where figures go; never in the way of the readings."""

    def status(self, status: AgentStatus, *, lag: int, received_at: int) -> None:
        """An agent's own figures; `lag` counts its messages that the ledger lacks."""

    def group(
        self, figures: Mapping[str, float], *, reads: Mapping[tuple[str, str], int], now: int
    ) -> None:
        """What one committed group was, and its readings by agent and device."""

    def verdict(self, portal: str, *, latency_us: int, now: int) -> None:
        """A verdict is out, so long after what decided it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a holder works with."""

    site: str
    cell: str
    open_unit: UnitOfWorkFactory
    speech: Speech
    telemetry: Telemetry
    now: Callable[[], int]
    monotonic: Callable[[], int]
    ids: Ids
    hit: Hit
    rates: Callable[[], Rates] = Rates


class Holder:
    """The memory and the work of one epoch."""

    def __init__(
        self, means: Means, *, epoch: int, archive: Archive, lost: asyncio.Event | None = None
    ) -> None:
        self.means = means
        self.epoch = epoch
        self._archive = archive
        self._lost = lost or asyncio.Event()
        self.lights = Lights()
        self.rebuild: Rebuild[Message] = Rebuild()
        self.known = KnownKeys()
        self.sightings = Sightings()
        self.groups = 0
        self._commit_us = 0

    async def load(self) -> None:
        """Read the book: layout, cursors, open passes, positions; ask for what memory lacks."""
        means = self.means
        async with means.open_unit(means.site) as uow:
            rows = await uow.tracking.registry()
            cursors = await uow.tracking.cursors()
            standing = await uow.tracking.open_passes()
            seen_after = means.now() - POSITIONS_BACK_US
            positions = await uow.tracking.positions(seen_after=seen_after)
            waiting = await uow.tracking.waiting()
        registry = build_registry(rows, site=means.site, cell=means.cell)
        self.streams = Streams(cursors)
        self.tracker = Tracker(registry, ids=means.ids)
        self.tracker.restore(positions)
        self.sightings.restore(positions, rows.spots)
        self.sorter = Sorter(
            site=means.site,
            registry=registry,
            streams=self.streams,
            rates=means.rates(),
            stuck=Stuck(),
            waiting=waiting,
        )
        self._ask_again(standing)
        self._republish_at = 0

    def _ask_again(self, standing: Sequence[OpenPass]) -> None:
        at = self.means.monotonic()
        adopted = [one for one in standing if self.tracker.adopt(one, at=at)]
        last = {
            StreamKey(p.agent, p.boot): self.streams.seq(StreamKey(p.agent, p.boot))
            for p in adopted
        }
        for stream, from_seq in self.rebuild.begin(adopted, last, at=at).items():
            log.info("pass_rebuild", extra={"agent": stream.agent, "from_seq": from_seq})
            self.means.speech.resend(stream, self.streams, from_seq=from_seq)
        self.sorter.replaying = {s: r.to_seq for s, r in self.rebuild.ranges.items()}

    def use(self, rows: RegistryRows, waiting: dict[str, tuple[int, int]]) -> None:
        """A newer layout and count of waiting dead letters."""
        registry = build_registry(rows, site=self.means.site, cell=self.means.cell)
        self.tracker.use(registry)
        self.sorter.registry = registry
        self.sorter.waiting = waiting

    async def turn(self, arrivals: Sequence[Arrival]) -> Group:
        """Judge, commit, apply and answer one group (empty: the clock alone)."""
        at = self.means.monotonic()
        group = self.sorter.judge(arrivals)
        self._remember(group, at)
        outcome = self.tracker.decide(at=at, waiting=self.rebuild.waiting)
        decision = decision_of(
            group,
            outcome,
            cell=self.means.cell,
            epoch=self.epoch,
            known=self.known,
            doubts=self.sightings.judge(group.messages, self.tracker.registry, at=at),
            at=at,
        )
        recorded = Recorded({}, ())
        began = self.means.monotonic()
        if not decision.is_empty:
            recorded = await self._commit(decision, group)
        self._commit_us = self.means.monotonic() - began
        self.means.hit("before_apply")
        self._apply(group, outcome, recorded, at)
        return group

    def _remember(self, group: Group, at: int) -> None:
        """Take the group's readings into memory; repeated rows first."""
        for message in group.replayed:
            for due in self.rebuild.take(message.stream, message.seq, message):
                self.tracker.replay(due)
            if message.stream not in self.rebuild.ranges:
                self.sorter.replaying.pop(message.stream, None)
                group.answer(message.stream)
        for stream, from_seq in self.rebuild.again(at).items():
            self.means.speech.resend(stream, self.streams, from_seq=from_seq)
        lost = self.rebuild.overdue(at)
        if lost:
            log.warning("pass_lost", extra={"agents": sorted(lost)})
            self.sorter.replaying.clear()
            self.tracker.give_up(lost)
        for status, _ in group.statuses:
            self.tracker.hear_status(status, at=at)
        for message in group.messages:
            self.tracker.take(message)

    async def _commit(self, decision: GroupDecision, group: Group) -> Recorded:
        """One transaction, repeated as it is while the database is away or busy.

        Raises `CellLost` once the cell is gone: then another holder may have the group by now.
        """
        now = self.means.now()
        keeping = Keeping(self._archive, group.entries, now=now)
        pause = FIRST_PAUSE_S
        try:
            while not self._lost.is_set():
                try:
                    async with self.means.open_unit(self.means.site) as uow:
                        recorded = await self._record(uow, decision, keeping, now)
                    self.means.hit("after_commit")
                    return recorded
                except CursorMoved:
                    raise
                except Unavailable as failure:
                    why = {"why": str(failure), "cause": type(failure.__cause__).__name__}
                    log.warning("commit_delayed", extra={"pause_ms": int(pause * 1000), **why})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._lost.wait()
                pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            await keeping.ended()
        raise CellLost

    async def _record(
        self, uow: UnitOfWork, decision: GroupDecision, keeping: Keeping, now: int
    ) -> Recorded:
        recorded = await record_decision(uow, decision, now=now, ids=self.means.ids)
        await keeping.kept()
        self.means.hit("before_commit")
        return recorded

    def _apply(self, group: Group, outcome: Outcome, recorded: Recorded, at: int) -> None:
        """The group is in the ledger: memory, lamps and cursors follow."""
        moved = {stream.agent for stream in group.advances}
        self.streams.commit()
        self.sorter.committed(group)
        self.known.learn(recorded.standing, at=at)
        self.tracker.said(recorded.verdicts)
        for portal in outcome.broken:
            self._stir(portal)
        for verdict in recorded.verdicts:
            if verdict.light is not None:
                self.lights.show(verdict.portal, verdict.light, verdict.pass_id, at=at)
            log.info(
                "verdict",
                extra={
                    "pass_id": str(verdict.pass_id),
                    "portal": verdict.portal,
                    "verdict": verdict.verdict,
                    "early": verdict.early,
                },
            )
        for code in recorded.refused:
            log.warning("pass_refused", extra={"code": code})
        self._speak(group, outcome, recorded, at)
        if moved:
            self.groups += 1

    def _stir(self, portal: str) -> None:
        load = self.tracker.portals[portal].load
        self.lights.stir(portal, None if load is None else load.pass_id)

    def _speak(self, group: Group, outcome: Outcome, recorded: Recorded, at: int) -> None:
        speech, registry = self.means.speech, self.tracker.registry
        for shine in self.lights.due(at):
            speech.light(shine, registry, self.streams)
        for key, point in outcome.totes:
            if key in recorded.ready_totes:
                speech.divert(key, point, self.streams)
        self.means.hit("before_cursor")
        for stream, wait_ms in group.answers.items():
            speech.cursor(stream, self.streams, wait_ms=wait_ms)
            if stream not in group.advances:
                self.sorter.answered(stream.agent)
        for what, agent in group.alarms:
            log.error("stream_alarm", extra={"what": what, "agent": agent})
        self._tell(group, recorded)
        if at >= self._republish_at:
            self._republish_at = at + speech.every_us
            for agent in registry.agents:
                newest = self.streams.newest(agent)
                known = registry.is_mine(agent) and self.streams.newest_boot(agent)
                if known and newest not in group.answers:
                    speech.cursor(newest, self.streams)

    def _tell(self, group: Group, recorded: Recorded) -> None:
        """Figures of what is done."""
        telemetry, now = self.means.telemetry, self.means.now()
        for status, arrival in group.statuses:
            stream = StreamKey(status.agent, status.boot)
            lag = max(0, status.seq - self.streams.seq(stream))
            telemetry.status(status, lag=lag, received_at=arrival.received_at)
        for verdict in recorded.verdicts:
            latency_us = max(0, now - verdict.said.decider_at)
            telemetry.verdict(verdict.portal, latency_us=latency_us, now=now)
        if group.advances:
            figures = {**group.figures(), "commit_ms": self._commit_us / 1e3}
            telemetry.group(figures, reads=group.reads(), now=now)
