"""The agent: devices to intake to spool to uplink, commands back to devices, and a heartbeat.

Everything that must survive is in the spool; the agent itself can be killed at any time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

from contracts import topics
from contracts.bus import Bus, BusUnavailableError
from contracts.codec import ContractViolation, decode_command, decode_cursor
from contracts.v1 import SensorReading
from edge.batching import Batcher
from edge.commands import CommandDesk
from edge.crew import Crew
from edge.devices import DeviceSetup
from edge.failpoints import Hit
from edge.intake import Intake
from edge.journal import NO_JOURNAL
from edge.outputs import Result
from edge.remote_config import Plan, RemoteConfig
from edge.ring import Ring
from edge.ring_replay import Recovered
from edge.spool import Spool
from edge.status import Identity, status_message
from edge.uplink import Uplink

log = logging.getLogger(__name__)

HEARTBEAT_US = 5_000_000
# A change is told at once, but a flapping device does not flood the topic.
CHANGE_US = 500_000
TICK_US = 250_000
CONFIG_TICK_US = 100_000


class Agent:
    """One edge process. `step` is the clockwork; `run` keeps every part going."""

    def __init__(
        self,
        identity: Identity,
        *,
        devices: Sequence[DeviceSetup],
        spool: Spool,
        bus: Bus,
        batcher: Batcher,
        rng: random.Random,
        now_us: Callable[[], int],
        mono_us: Callable[[], int],
        hit: Hit,
        ring: Ring | None = None,
        config: RemoteConfig | None = None,
    ) -> None:
        self._identity = identity
        self._ring = ring
        self._batcher = batcher
        self._config = config
        if config is not None:
            config.on_change = self._note_change
        self._spool = spool
        self._bus = bus
        self._now_us = now_us
        self._mono_us = mono_us
        self._wake = asyncio.Event()
        self._changed = True
        self._told_at = mono_us() - HEARTBEAT_US
        self.intake = Intake(batcher=batcher, deliver=spool.submit, journal=ring or NO_JOURNAL)
        self.intake.on_earlier = self._wake.set
        self.uplink = Uplink(
            site=identity.site,
            agent=identity.agent,
            spool=spool,
            bus=bus,
            rng=rng,
            now_us=now_us,
            hit=hit,
            greet=self.status,
        )
        self.crew = Crew(
            intake=self.intake,
            spool=spool,
            changed=self._note_change,
            rng=rng,
            mono_us=mono_us,
        )
        for device in devices:
            self.crew.add(device)
        self.desk = CommandDesk(
            stations=self.crew.stations,
            answer=self._answer,
            replay=self._replay,
            now_us=now_us,
            configure=None if config is None else config.offer,
        )

    @property
    def exhausted(self) -> bool:
        """Whether no device will ever yield again (recorded traces that were played)."""
        return self.crew.exhausted

    def restore(self, found: Recovered) -> None:
        """Put what a killed agent was about to say before all that comes; call it before `run`."""
        mark = self._spool.mark
        if mark is not None:
            self.intake.restore(found, mark, self._mono_us())

    def _note_change(self) -> None:
        self._changed = True
        self._wake.set()

    def _answer(self, reading: SensorReading) -> None:
        self.intake.answer(reading, self._mono_us())

    def _replay(self, from_seq: int, done: Callable[[Result], None]) -> None:
        self.uplink.replay(from_seq, done)

    # -- what comes down -----------------------------------------------------------------------

    def on_delivery(self, topic: str, payload: bytes, at: int) -> None:
        """Take a message of the gateway; one that cannot be read is counted by the log alone."""
        site, agent = self._identity.site, self._identity.agent
        try:
            if topic == topics.down(site, agent, "cursor"):
                self.uplink.on_cursor(decode_cursor(payload, site=site, agent=agent))
            elif topic == topics.down(site, agent, "command"):
                self.desk.on_command(decode_command(payload, site=site, agent=agent), at)
                self._wake.set()
        except ContractViolation as refusal:
            log.warning("down_unreadable", extra={"code": refusal.code, "bytes": len(payload)})

    async def _listen(self) -> None:
        await self._bus.subscribe(topics.all_down(self._identity.site, self._identity.agent))
        async for delivery in self._bus.deliveries():
            self.on_delivery(delivery.topic, delivery.payload, self._mono_us())

    # -- the heartbeat -------------------------------------------------------------------------

    def status(self) -> bytes:
        """The status message as of now."""
        return status_message(
            self._identity,
            spool=self._spool,
            devices=self.crew.statuses(self._mono_us()),
            stalled=self.uplink.window.stalled or (self._ring is not None and self._ring.paused),
            clock_offset_ms=self.uplink.clock_offset_ms,
            config={} if self._config is None else self._config.report(),
            sent_at=self._now_us(),
        )

    async def _tell(self, at: int) -> None:
        if at - self._told_at < (CHANGE_US if self._changed else HEARTBEAT_US):
            return
        self._told_at = at
        self._changed = False
        topic = topics.up(self._identity.site, self._identity.agent, "status")
        try:
            await self._bus.publish(topic, self.status())
        except BusUnavailableError:
            self._changed = True

    # -- the clockwork -------------------------------------------------------------------------

    def step(self, at: int) -> None:
        """Everything that is due by the clock and needs no I/O."""
        self.intake.step(at)
        self.desk.step(at)

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            at = self._mono_us()
            self.step(at)
            dues = [self.intake.wake_at, self.desk.due(), at + TICK_US]
            due = min(due for due in dues if due is not None)
            await _wait(self._wake, max(due - self._mono_us(), 0))

    async def _beat(self) -> None:
        while True:
            await self._spool.tend()
            if self._ring is not None:
                self._ring.tend()
            await self._tell(self._mono_us())
            await _wait(asyncio.Event(), TICK_US)

    async def _configure(self) -> None:
        while self._config is not None:
            await self._config.step(self._mono_us(), self)
            await _wait(asyncio.Event(), CONFIG_TICK_US)

    async def use(self, plan: Plan) -> frozenset[str]:
        """Make this plan the running one; devices it does not change are not interrupted."""
        touched = await self.crew.apply(plan.devices)
        self.desk.use(self.crew.stations)
        self._batcher.limit(plan.max_readings)
        return touched

    def live(self, at: int) -> frozenset[str]:
        """The devices that work."""
        return self.crew.live(at)

    def why_not(self, names: frozenset[str], at: int) -> tuple[str, bool]:
        """What is wrong with one of these, and whether for good."""
        return self.crew.why_not(names, at)

    async def _send(self) -> None:
        while True:
            self.uplink.wake.clear()
            at = self._mono_us()
            await self.uplink.step(at)
            delay = self.uplink.due(at) - self._mono_us()
            if delay > 0:
                await _wait(self.uplink.wake, delay)

    async def run(self) -> None:
        """Run until cancelled; a bug in any part ends them all."""
        self._spool.on_commit = self._committed
        async with asyncio.TaskGroup() as group:
            self.crew.start(group)
            parts = (self._listen, self._spool.run, self._send, self._tick, self._beat)
            for part in (*parts, self._configure):
                group.create_task(part(), name=part.__name__)

    def _committed(self) -> None:
        self.uplink.wake.set()
        if self._ring is not None and self._spool.mark is not None:
            self._ring.kept(self._spool.mark.done)

    async def finish(self) -> None:
        """Put what is in memory into the spool; call it after `run` has ended."""
        self.intake.flush(self._mono_us())
        while await self._spool.flush():
            continue
        await self._spool.tend(force=True)
        if self._ring is not None:
            self._ring.close()


async def _wait(event: asyncio.Event, delay_us: int) -> None:
    try:
        async with asyncio.timeout(delay_us / 1e6):
            await event.wait()
    except TimeoutError:
        return
