"""Telemetry of the roles: counts what they do and hands points to the sink, never in their way.

Without table `[influx]` the same meters run and their points go nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import UNSET

from contracts.v1 import AgentStatus, DeviceStatus
from dashboards import measurements as m
from dashboards.influx import Telemetry
from dashboards.spool import Spool
from dashboards.transport import build_transport
from runtime.children import BusyError, exclusive
from runtime.clock import monotonic_us
from runtime.settings_tree import Influx, Settings

log = logging.getLogger(__name__)
PERIOD_S = 5.0
STATES = {"dead": 0, "stale": 1, "live": 2}
# Of one period; what is beyond is not timed, only counted.
MOST_TIMED = 10_000
# Spools of one role on one machine, for its processes side by side.
MOST_PROCESSES = 64
Hand = Callable[[Iterable[str]], None]
Reads = Mapping[tuple[str, str], int]


def nowhere(_: Iterable[str]) -> None:
    """Where points go that nobody wants."""


def build_sink(influx: Influx, spool: Path) -> Telemetry:
    """The sink of one process with a spool of its own.

    Without a token it writes as InfluxDB 1 wants it (`/write?db=`), with one as InfluxDB 2 does.
    """
    transport = build_transport(
        "v2" if influx.token else "v1",
        url=influx.url,
        token=influx.token.reveal() if influx.token else "",
        org=influx.org,
        bucket=influx.bucket,
        database=influx.database,
    )
    kept = Spool(spool, max_bytes=influx.spool_max_bytes)
    return Telemetry(transport, kept, clock=monotonic_us)


@contextlib.asynccontextmanager
async def telemetry_of(settings: Settings, role: str) -> AsyncIterator[Hand]:
    """Where this process hands its lines; the sink works beside it and ends with the context."""
    async with contextlib.AsyncExitStack() as stack:
        sink = None
        if settings.influx is not None:
            try:
                spool = _own_directory(settings.influx.spool_path, role, stack)
                sink = await asyncio.to_thread(build_sink, settings.influx, spool)
            except (OSError, BusyError) as error:
                # Telemetry is worth less than the role, which goes on without.
                log.error("telemetry_off", extra={"why": type(error).__name__})
        if sink is None:
            yield nowhere
            return
        running = asyncio.create_task(sink.run(), name="telemetry")
        running.add_done_callback(_ended)
        # A task that never began would not keep on disk what it was handed.
        await asyncio.sleep(0)
        try:
            yield sink.hand
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _own_directory(root: Path, role: str, stack: contextlib.AsyncExitStack) -> Path:
    for number in range(1, MOST_PROCESSES):
        path = root / (role if number == 1 else f"{role}-{number}")
        with contextlib.suppress(BusyError):
            stack.enter_context(exclusive(path / "lock"))
            return path
    raise BusyError("every spool of telemetry is held by another process")


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("telemetry_ended", exc_info=task.exception())


async def every_period(step: Callable[[], None], *, period_s: float = PERIOD_S) -> None:
    """Run a meter's step for ever."""
    while True:
        await asyncio.sleep(period_s)
        step()


def point(
    of: m.Measurement, tags: Mapping[str, str], fields: Mapping[str, m.Value | None], at: int
) -> str:
    """A line of the fields that have a value; "" where there is none or it cannot be written."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return m.line(of, tags, given, at)
    except ValueError:
        log.warning("telemetry_unwritable", extra={"measurement": of.name})
        return ""


class GatewayMeter:
    """The gateway's figures: what agents say of themselves, and what each period was."""

    def __init__(
        self,
        hand: Hand,
        *,
        site: str,
        cell: str,
        clock: Callable[[], int],
        monotonic: Callable[[], int],
    ) -> None:
        self._hand = hand
        self._site = site
        self._cell = cell
        self._clock = clock
        self._monotonic = monotonic
        self._since = monotonic()
        self._sums: Counter[str] = Counter()
        self._groups = 0
        self._slowest_ms = 0.0
        self._reads: Counter[tuple[str, str]] = Counter()
        self._online: dict[str, set[str]] = {}
        self._lags: dict[str, int] = {}

    def status(self, status: AgentStatus, *, lag: int, received_at: int) -> None:
        """An agent's own figures, and how far its cursor is behind."""
        online = status.state != "offline"
        tags = {"site": self._site, "agent": status.agent}
        waited = None
        if status.oldest_at is not UNSET:
            waited = max(0, status.sent_at - status.oldest_at) / 1e6
        elif status.spooled == 0:
            waited = 0.0
        fields = {
            "online": int(online),
            "spooled": _given(status.spooled),
            "free_bytes": _given(status.free_bytes),
            "clock_offset_ms": _given(status.clock_offset_ms),
            "age_s": waited,
        }
        devices = () if status.devices is UNSET else status.devices
        found = [point(m.AGENT, tags, fields, received_at)]
        for one in devices:
            found += _device_lines(one, tags, received_at)
        if online:
            self._online[status.agent] = {one.device for one in devices}
            self._lags[status.agent] = lag
        else:
            self._online.pop(status.agent, None)
            self._lags.pop(status.agent, None)
        self._hand(found)

    def group(self, figures: Mapping[str, float], *, reads: Reads, now: int) -> None:
        """One committed group."""
        self._groups += 1
        for name in ("messages", "readings", "dead_letters"):
            self._sums[name] += int(figures.get(name, 0))
        self._slowest_ms = max(self._slowest_ms, figures.get("commit_ms", 0.0))
        self._reads.update(reads)

    def verdict(self, portal: str, *, latency_us: int, now: int) -> None:
        """One verdict that is out."""
        tags = {"site": self._site, "portal": portal}
        self._hand([point(m.VERDICT, tags, {"latency_ms": latency_us / 1e3}, now)])

    def flush(self) -> None:
        """Say what the period was: a live device that read nothing says zero."""
        mono = self._monotonic()
        seconds, self._since = (mono - self._since) / 1e6, mono
        self._hand(self._lines(self._clock(), seconds))
        self._sums.clear()
        self._reads.clear()
        self._groups, self._slowest_ms = 0, 0.0

    def _lines(self, now: int, seconds: float) -> list[str]:
        groups = self._groups
        fields: dict[str, m.Value | None] = {
            "readings_s": self._sums["readings"] / seconds,
            "messages_s": self._sums["messages"] / seconds,
            "refused": self._sums["dead_letters"],
            "group_size": self._sums["readings"] / groups if groups else None,
            "commit_ms": self._slowest_ms if groups else None,
            "lag_messages": sum(self._lags.values()),
        }
        tags = {"site": self._site, "cell": self._cell}
        found = [point(m.GATEWAY, tags, fields, now)]
        live = {(agent, device) for agent, names in self._online.items() for device in names}
        for agent, device in sorted(live | self._reads.keys()):
            place = {"site": self._site, "agent": agent, "device": device}
            rate = self._reads[agent, device] / seconds
            found.append(point(m.DEVICE, place, {"reads_s": rate}, now))
        return found


def _device_lines(one: DeviceStatus, tags: Mapping[str, str], at: int) -> list[str]:
    """A device as its agent sees it, and each of its antennas over the last minute."""
    place = {**tags, "device": one.device}
    skew = _given(one.clock_skew_ms)
    fields = {
        "state": STATES.get(one.state),
        "alarms": 0 if one.alarms is UNSET else len(one.alarms),
        "skew_ms": 0.0 if skew is None else float(skew),
        "overflows": _given(one.overflows) or 0,
    }
    found = [point(m.DEVICE, place, fields, at)]
    for antenna in () if one.antennas is UNSET else one.antennas:
        told = {
            "reads": antenna.reads,
            "tags": antenna.tags,
            "rssi_dbm": _given(antenna.rssi_mean_dbm),
        }
        name = {**place, "antenna": f"{one.device}/{antenna.antenna}"}
        found.append(point(m.ANTENNA, name, told, at))
    return found


def _given(value: Any) -> Any:
    return None if value is UNSET else value


class ApiMeter:
    """An application that counts its answers and how long each took to begin."""

    def __init__(
        self,
        app: Any,
        hand: Hand,
        *,
        site: str,
        clock: Callable[[], int],
        monotonic: Callable[[], int],
    ) -> None:
        self._app = app
        self._hand = hand
        self._site = site
        self._clock = clock
        self._monotonic = monotonic
        self._since = monotonic()
        self._took_us: list[int] = []
        self._requests = self._errors = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request; a stream is timed to its first answer, none at all is a failure."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered = self._monotonic(), False

        async def note(message: Any) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                self._count(began, failed=message["status"] >= 500)
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            if not answered:
                self._count(began, failed=True)

    def _count(self, began: int, *, failed: bool) -> None:
        self._requests += 1
        self._errors += failed
        if len(self._took_us) < MOST_TIMED:
            self._took_us.append(self._monotonic() - began)

    async def step(self) -> None:
        """One period is over; without a request there is no latency."""
        mono = self._monotonic()
        seconds, self._since = max(mono - self._since, 1) / 1e6, mono
        fields: dict[str, m.Value | None] = {
            "requests_s": self._requests / seconds,
            "errors_s": self._errors / seconds,
            "p99_ms": _p99(self._took_us) / 1e3 if self._took_us else None,
        }
        self._hand([point(m.API, {"site": self._site}, fields, self._clock())])
        self._took_us.clear()
        self._requests = self._errors = 0


def _p99(values: Sequence[int]) -> int:
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 99 // 100) - 1]


def worker_point(
    site: str, queues: Mapping[str, tuple[int, float]], *, relay_lag_s: float, now: int
) -> str:
    """What waits for the worker and for people."""
    fields: dict[str, m.Value | None] = {
        "relay_lag_s": relay_lag_s,
        "queue_age_s": max((age for _, age in queues.values()), default=0.0),
        "dead_letters": queues.get("dead_letters", (0, 0.0))[0],
    }
    return point(m.WORKER, {"site": site}, fields, now)
