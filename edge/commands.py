"""Commands from the gateway: light, gpo, divert, resend, configure; all but light are answered.

A command id is carried out once, however often the bus repeats it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import UNSET

from contracts.v1 import Command, SensorReading
from edge.lights import LightLease
from edge.outputs import DIVERT_US, Order, Outputs, Result

log = logging.getLogger(__name__)

REMEMBERED_IDS = 1_000
MAX_TTL_MS = 60_000


@dataclass(frozen=True, slots=True)
class Station:
    """A device as commands see it: its outputs and which GPO sends a load to which lane."""

    outputs: Outputs
    divert: Mapping[int, int]


class CommandDesk:
    """Carries out commands; `at` is the monotonic clock at arrival."""

    def __init__(
        self,
        *,
        stations: Mapping[str, Station],
        answer: Callable[[SensorReading], None],
        replay: Callable[[int, Callable[[Result], None]], None],
        now_us: Callable[[], int],
        configure: Callable[[int, str, Callable[[Result], None]], None] | None = None,
    ) -> None:
        self._stations = dict(stations)
        self._configure = configure
        self._answer = answer
        self._replay = replay
        self._now_us = now_us
        self._leases = {
            name: LightLease() for name, place in stations.items() if place.outputs.has_light
        }
        self._done: OrderedDict[str, None] = OrderedDict()

    def use(self, stations: Mapping[str, Station]) -> None:
        """The devices are others now; a lease of one that stayed goes on."""
        before, self._stations = self._stations, dict(stations)
        self._leases = {
            name: self._leases[name]
            if name in self._leases and before[name].outputs is place.outputs
            else LightLease()
            for name, place in stations.items()
            if place.outputs.has_light
        }

    def on_command(self, command: Command, at: int) -> None:
        """Carry out one command, or answer why not."""
        if command.action == "light":
            self._light(command, at)
            return
        if command.id in self._done:
            return
        self._done[command.id] = None
        if len(self._done) > REMEMBERED_IDS:
            self._done.popitem(last=False)
        reply = self._reply(command)
        if command.action == "resend":
            if command.from_seq is UNSET:
                reply("refused")
            else:
                self._replay(command.from_seq, reply)
            return
        if command.action == "configure":
            if self._configure is None or command.version is UNSET or command.document is UNSET:
                reply("refused")
            else:
                self._configure(command.version, command.document, reply)
            return
        station = self._stations.get(command.device or "")
        if station is None or not self._order(command, station, reply, at):
            reply("refused")

    def _light(self, command: Command, at: int) -> None:
        if command.colour is UNSET:
            return
        names = list(self._leases) if command.device is None else [command.device]
        for name in names:
            lease = self._leases.get(name)
            if lease is None:
                log.warning("light_unknown", extra={"command": command.id})
                continue
            lease.grant(command.colour, ttl_us=_ttl_us(command), at=at)
            self._stations[name].outputs.show(lease.colour(at))

    def _order(
        self, command: Command, station: Station, reply: Callable[[Result], None], at: int
    ) -> bool:
        deadline = at + _ttl_us(command)
        if command.action == "gpo" and command.port is not UNSET and command.state is not UNSET:
            station.outputs.order(Order(command.port, command.state, deadline, reply))
            return True
        if command.action == "divert" and command.lane is not UNSET:
            port = station.divert.get(command.lane)
            if port is None:
                return False
            station.outputs.order(Order(port, True, deadline, reply, hold_us=DIVERT_US))
            return True
        return False

    def _reply(self, command: Command) -> Callable[[Result], None]:
        def reply(result: Result) -> None:
            log.info("command_answered", extra={"command": command.id, "result": result})
            device = command.device
            if device not in self._stations:
                # An answer is a reading of some device; without any it stays in the log.
                device = next(iter(self._stations), None)
            if device is None:
                return
            self._answer(
                SensorReading(
                    device=device,
                    kind="command",
                    occurred_at=self._now_us(),
                    id=command.id,
                    state=result,
                )
            )

        return reply

    def step(self, at: int) -> None:
        """Let leases end."""
        for name, lease in self._leases.items():
            self._stations[name].outputs.show(lease.colour(at))

    def due(self) -> int | None:
        """When the next lease ends."""
        times = [due for lease in self._leases.values() if (due := lease.due()) is not None]
        return min(times, default=None)


def _ttl_us(command: Command) -> int:
    return max(1, min(command.ttl_ms, MAX_TTL_MS)) * 1000
