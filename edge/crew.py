"""The devices of a running agent: each with its place in the intake, its outputs and its loop.

A changed configuration touches only the devices it changes; the others are not interrupted.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.v1 import DeviceStatus
from edge.commands import Station
from edge.devices import DeviceLoop, DeviceSetup
from edge.drivers.port import RawReading
from edge.intake import Intake, Source
from edge.outputs import Outputs
from edge.spool import Spool

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Member:
    setup: DeviceSetup
    source: Source
    outputs: Outputs
    loop: DeviceLoop
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Crew:
    """All devices by name. Their tasks run in the agent's group, so a bug in one ends it."""

    def __init__(
        self,
        *,
        intake: Intake,
        spool: Spool,
        changed: Callable[[], None],
        rng: random.Random,
        mono_us: Callable[[], int],
    ) -> None:
        self._intake = intake
        self._spool = spool
        self._changed = changed
        self._rng = rng
        self._mono_us = mono_us
        self._members: dict[str, _Member] = {}
        self._group: asyncio.TaskGroup | None = None

    def add(self, setup: DeviceSetup) -> None:
        """Take a device in; when the agent runs, it starts."""
        mono_us = self._mono_us
        source = self._intake.source(
            setup.name, kind=setup.kind, linger_us=setup.linger_us, health=setup.health
        )
        outputs = Outputs(device=setup.name, light=setup.light, mono_us=mono_us)
        loop = DeviceLoop(
            setup,
            outputs=outputs,
            take=self._take(source),
            changed=self._changed,
            rng=self._rng,
            mono_us=mono_us,
        )
        member = self._members[setup.name] = _Member(setup, source, outputs, loop)
        if self._group is not None:
            self._start(member, self._group)

    def _take(self, source: Source) -> Callable[[RawReading], Awaitable[None] | None]:
        take, mono_us, spool = self._intake.take, self._mono_us, self._spool

        def taken(reading: RawReading) -> Awaitable[None] | None:
            take(source, reading, mono_us())
            return None if spool.has_room else spool.room()

        return taken

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run all devices in this group."""
        self._group = group
        for member in self._members.values():
            self._start(member, group)

    def _start(self, member: _Member, group: asyncio.TaskGroup) -> None:
        name = member.setup.name
        member.tasks = [
            group.create_task(member.outputs.run(), name=f"outputs {name}"),
            group.create_task(member.loop.run(), name=f"device {name}"),
        ]

    async def _remove(self, name: str) -> None:
        member = self._members.pop(name)
        for task in member.tasks:
            task.cancel()
        await asyncio.gather(*member.tasks, return_exceptions=True)
        self._intake.remove(member.source, self._mono_us())

    async def apply(self, setups: Sequence[DeviceSetup]) -> frozenset[str]:
        """Make these the devices; the names of those that were added or changed."""
        wanted = {setup.name: setup for setup in setups}
        gone = [
            name
            for name, member in self._members.items()
            if name not in wanted or not member.setup.is_like(wanted[name])
        ]
        for name in gone:
            await self._remove(name)
        new = [name for name in wanted if name not in self._members]
        for name in new:
            self.add(wanted[name])
        # The order of the configuration, whatever was replaced.
        self._members = {name: self._members[name] for name in wanted}
        log.info("devices_applied", extra={"gone": sorted(gone), "new": sorted(new)})
        self._changed()
        return frozenset(new)

    @property
    def stations(self) -> dict[str, Station]:
        """The devices as commands see them."""
        return {
            name: Station(member.outputs, member.setup.divert)
            for name, member in self._members.items()
        }

    @property
    def exhausted(self) -> bool:
        """Whether no device will ever yield again (recorded traces that were played)."""
        return all(member.loop.over for member in self._members.values())

    def statuses(self, at: int) -> list[DeviceStatus]:
        """How each device is, in the order of the configuration."""
        return [
            member.source.health.status(name, member.loop.state(at), at)
            for name, member in self._members.items()
        ]

    def live(self, at: int) -> frozenset[str]:
        """The devices that work now, or have played what they had."""
        return frozenset(
            name
            for name, member in self._members.items()
            if member.loop.state(at) == "live" or (member.loop.over and not member.loop.fatal)
        )

    def why_not(self, names: Iterable[str], at: int) -> tuple[str, bool]:
        """What the first of these devices that does not work suffers from, and whether for good;
        ("", False) when all work."""
        for name in sorted(set(names) - self.live(at)):
            member = self._members.get(name)
            if member is not None:
                state = member.loop.state(at)
                return f"{name} is {state}: {member.loop.why or 'no answer yet'}", member.loop.fatal
        return "", False
