"""The agent: devices to intake to spool to uplink, commands back to devices, and a heartbeat.

Everything that must survive is in the spool; the agent itself can be killed at any time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from contracts import topics
from contracts.bus import Bus, BusUnavailableError
from contracts.codec import ContractViolation, decode_command, decode_cursor
from contracts.v1 import AgentStatus, DeviceStatus, SensorReading
from edge.batching import Batcher
from edge.commands import CommandDesk, Station
from edge.devices import DeviceLoop, DeviceSetup
from edge.drivers.port import RawReading
from edge.failpoints import Hit
from edge.intake import Intake
from edge.outputs import Outputs, Result
from edge.spool import Spool
from edge.uplink import Uplink

log = logging.getLogger(__name__)

HEARTBEAT_US = 5_000_000
# A change is told at once, but a flapping device does not flood the topic.
CHANGE_US = 500_000
TICK_US = 250_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent is on the wire."""

    site: str
    agent: str
    version: str


def will_message(identity: Identity, *, boot: int, sent_at: int) -> tuple[str, bytes]:
    """(topic, payload) of the last will: the broker says offline for us."""
    status = AgentStatus(
        schema="status.v1",
        site=identity.site,
        agent=identity.agent,
        boot=boot,
        seq=0,
        sent_at=sent_at,
        state="offline",
    )
    return topics.up(identity.site, identity.agent, "status"), msgspec.json.encode(status)


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
    ) -> None:
        self._identity = identity
        self._spool = spool
        self._bus = bus
        self._now_us = now_us
        self._mono_us = mono_us
        self._wake = asyncio.Event()
        self._changed = True
        self._told_at = mono_us() - HEARTBEAT_US
        self.intake = Intake(batcher=batcher, deliver=spool.submit)
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
        self._outputs = {
            device.name: Outputs(device=device.name, light=device.light, mono_us=mono_us)
            for device in devices
        }
        self._loops = {device.name: self._loop(device, rng) for device in devices}
        self.desk = CommandDesk(
            stations={d.name: Station(self._outputs[d.name], d.divert) for d in devices},
            answer=self._answer,
            replay=self._replay,
            now_us=now_us,
        )

    def _loop(self, device: DeviceSetup, rng: random.Random) -> DeviceLoop:
        source = self.intake.source(device.name, kind=device.kind, linger_us=device.linger_us)
        take, mono_us, spool = self.intake.take, self._mono_us, self._spool

        def taken(reading: RawReading) -> Awaitable[None] | None:
            take(source, reading, mono_us())
            return None if spool.has_room else spool.room()

        return DeviceLoop(
            device,
            outputs=self._outputs[device.name],
            take=taken,
            changed=self._note_change,
            rng=rng,
            mono_us=mono_us,
        )

    @property
    def exhausted(self) -> bool:
        """Whether no device will ever yield again (recorded traces that were played)."""
        return all(loop.over for loop in self._loops.values())

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
        at = self._mono_us()
        states = [(name, loop.state(at)) for name, loop in self._loops.items()]
        well = all(state == "live" for _, state in states)
        well = well and not self._spool.full and not self.uplink.window.stalled
        offset = self.uplink.clock_offset_ms
        oldest = self._spool.oldest_at if self._spool.unsent else None
        return msgspec.json.encode(
            AgentStatus(
                schema="status.v1",
                site=self._identity.site,
                agent=self._identity.agent,
                boot=self._spool.boot,
                seq=self._spool.last_seq,
                sent_at=self._now_us(),
                state="online" if well else "degraded",
                version=self._identity.version,
                spooled=self._spool.unsent,
                free_bytes=max(self._spool.free_bytes, 0),
                oldest_at=UNSET if oldest is None else oldest,
                clock_offset_ms=UNSET if offset is None else offset,
                devices=[DeviceStatus(name, state) for name, state in states],
            )
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
            await self._tell(self._mono_us())
            await _wait(asyncio.Event(), TICK_US)

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
        self._spool.on_commit = self.uplink.wake.set
        async with asyncio.TaskGroup() as group:
            for part in (self._listen, self._spool.run, self._send, self._tick, self._beat):
                group.create_task(part(), name=part.__name__)
            for name, outputs in self._outputs.items():
                group.create_task(outputs.run(), name=f"outputs {name}")
            for name, loop in self._loops.items():
                group.create_task(loop.run(), name=f"device {name}")

    async def finish(self) -> None:
        """Put what is in memory into the spool; call it after `run` has ended."""
        self.intake.flush(self._mono_us())
        while await self._spool.flush():
            continue
        await self._spool.tend(force=True)


async def _wait(event: asyncio.Event, delay_us: int) -> None:
    try:
        async with asyncio.timeout(delay_us / 1e6):
            await event.wait()
    except TimeoutError:
        return
