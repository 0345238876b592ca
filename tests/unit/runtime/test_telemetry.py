"""What the roles say of themselves: one point a period, zero apart from silence, no failures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from contracts.v1 import AgentStatus, AntennaStatus, DeviceStatus
from dashboards import measurements as m
from runtime.settings_tree import Gateway, Influx, Settings
from runtime.telemetry import ApiMeter, GatewayMeter, nowhere, point, telemetry_of, worker_point

S = 1_000_000
US = 1_000


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.at = 100 * S

    def __call__(self) -> int:
        return self.at


class Heard:
    """Lines that were handed over."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, lines: Iterable[str]) -> None:
        self.lines.extend(line for line in lines if line)

    def of(self, name: str) -> list[str]:
        """The lines of one measurement."""
        return [line for line in self.lines if line.partition(",")[0] == name]


def status(state: str = "online", **more: object) -> AgentStatus:
    """What dock-1 says of itself."""
    values = {
        "schema": "status.v1",
        "site": "demo",
        "agent": "dock-1",
        "boot": 1,
        "seq": 9,
        "sent_at": 90 * S,
        "state": state,
        **more,
    }
    return AgentStatus(**values)  # type: ignore[arg-type]


def meter(clock: Clock, heard: Heard) -> GatewayMeter:
    return GatewayMeter(heard, site="demo", cell="site", clock=clock, monotonic=clock)


def test_an_agent_and_its_devices_are_told_as_they_are_heard() -> None:
    clock, heard = Clock(), Heard()
    antennas = [AntennaStatus(2, "fault", 0, 0), AntennaStatus(3, "ok", 9, 2, -61.5)]
    devices = [
        DeviceStatus("dock-1-r", "stale", ["antenna_fault"], antennas, [], -250.0, 0, 4),
        DeviceStatus("eye", "live"),
    ]
    said = status(spooled=4, oldest_at=87 * S, clock_offset_ms=-1.5, devices=devices)

    meter(clock, heard).status(said, lag=4, received_at=100 * S)

    assert heard.lines == [
        "agent,agent=dock-1,site=demo online=1i,spooled=4i,clock_offset_ms=-1.5,age_s=3.0"
        f" {100 * S * US}",
        "device,agent=dock-1,device=dock-1-r,site=demo"
        f" state=1i,alarms=1i,skew_ms=-250.0,overflows=4i {100 * S * US}",
        "antenna,agent=dock-1,antenna=dock-1-r/2,device=dock-1-r,site=demo"
        f" reads=0i,tags=0i {100 * S * US}",
        "antenna,agent=dock-1,antenna=dock-1-r/3,device=dock-1-r,site=demo"
        f" reads=9i,tags=2i,rssi_dbm=-61.5 {100 * S * US}",
        "device,agent=dock-1,device=eye,site=demo"
        f" state=2i,alarms=0i,skew_ms=0.0,overflows=0i {100 * S * US}",
    ]


def test_a_live_reader_that_reads_nothing_says_zero_and_a_silent_one_says_nothing() -> None:
    clock, heard = Clock(), Heard()
    gateway = meter(clock, heard)
    gateway.status(status(devices=[DeviceStatus("r", "live")]), lag=2, received_at=clock.at)
    gateway.group(
        {"messages": 2, "readings": 40, "dead_letters": 1, "commit_ms": 3.5},
        reads={("dock-1", "r"): 40},
        now=clock.at,
    )
    clock.at += 4 * S
    gateway.flush()
    clock.at += 4 * S
    gateway.flush()
    gateway.status(status("offline"), lag=2, received_at=clock.at)
    clock.at += 4 * S
    gateway.flush()

    place = "device,agent=dock-1,device=r,site=demo"
    assert heard.of("device") == [
        f"{place} state=2i,alarms=0i,skew_ms=0.0,overflows=0i {100 * S * US}",
        f"{place} reads_s=10.0 {104 * S * US}",
        f"{place} reads_s=0.0 {108 * S * US}",
    ]
    assert heard.of("gateway") == [
        "gateway,cell=site,site=demo readings_s=10.0,messages_s=0.5,refused=1i,group_size=40.0,"
        f"commit_ms=3.5,lag_messages=2i {104 * S * US}",
        "gateway,cell=site,site=demo readings_s=0.0,messages_s=0.0,refused=0i,lag_messages=2i"
        f" {108 * S * US}",
        "gateway,cell=site,site=demo readings_s=0.0,messages_s=0.0,refused=0i,lag_messages=0i"
        f" {112 * S * US}",
    ]


def test_a_verdict_is_told_with_its_latency() -> None:
    clock, heard = Clock(), Heard()

    meter(clock, heard).verdict("dock-2", latency_us=41_500, now=clock.at)

    assert heard.lines == [f"verdict,portal=dock-2,site=demo latency_ms=41.5 {100 * S * US}"]


def test_a_point_that_cannot_be_written_is_left_out() -> None:
    assert point(m.VERDICT, {"site": "demo", "portal": "a\nb"}, {"latency_ms": 1.0}, 1) == ""
    assert point(m.VERDICT, {"site": "demo", "portal": "a"}, {"latency_ms": None}, 1) == ""


async def test_requests_are_counted_and_timed_to_the_first_answer() -> None:
    clock, mono, heard = Clock(), Clock(), Heard()

    async def app(scope: dict[str, int], receive: object, send: object) -> None:
        mono.at += scope["takes"]
        await send({"type": "http.response.start", "status": scope["status"]})  # type: ignore[operator]
        mono.at += 60 * S

    async def send(message: object) -> None:
        """Nobody listens."""

    metered = ApiMeter(app, heard, site="demo", clock=clock, monotonic=mono)
    for number in range(100):
        scope = {"type": "http", "takes": number * 1_000, "status": 503 if number == 5 else 200}
        await metered(scope, None, send)
    seconds = (mono.at - 100 * S) / S
    await metered.step()
    mono.at += S
    await metered.step()

    assert heard.lines == [
        f"api,site=demo requests_s={100 / seconds!r},errors_s={1 / seconds!r},p99_ms=98.0"
        f" {100 * S * US}",
        f"api,site=demo requests_s=0.0,errors_s=0.0 {100 * S * US}",
    ]


def test_the_worker_tells_the_oldest_of_its_queues() -> None:
    queues = {"webhooks": (3, 2.5), "dead_letters": (7, 60.0)}

    line = worker_point("demo", queues, relay_lag_s=0.25, now=S)

    assert line == f"worker,site=demo relay_lag_s=0.25,queue_age_s=60.0,dead_letters=7i {S * US}"


def settings(tmp_path: Path, spool: Path | None) -> Settings:
    influx = Influx("http://127.0.0.1:9", spool) if spool else None
    return Settings("demo", tmp_path, Gateway("site", tmp_path / "archive"), influx=influx)


async def test_without_the_table_points_go_nowhere(tmp_path: Path) -> None:
    async with telemetry_of(settings(tmp_path, None), "api") as hand:
        assert hand is nowhere


async def test_a_spool_that_cannot_be_made_does_not_stop_the_role(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async with telemetry_of(settings(tmp_path, tmp_path / "file"), "api") as hand:
        assert hand is nowhere


async def test_two_processes_of_a_role_have_a_spool_each(tmp_path: Path) -> None:
    spool = tmp_path / "telemetry"
    both = settings(tmp_path, spool)
    async with telemetry_of(both, "gateway-site"), telemetry_of(both, "gateway-site"):
        found = {path.name for path in spool.iterdir()}

    assert found == {"gateway-site", "gateway-site-2"}


async def test_what_was_handed_while_the_server_is_away_is_kept_on_disk(tmp_path: Path) -> None:
    spool = tmp_path / "telemetry"

    async with telemetry_of(settings(tmp_path, spool), "api") as hand:
        hand([worker_point("demo", {}, relay_lag_s=0.0, now=S)])

    kept = [path.read_text() for path in (spool / "api").glob("*.lines")]
    assert kept == [f"worker,site=demo relay_lag_s=0.0,queue_age_s=0.0,dead_letters=0i {S * US}\n"]


@pytest.mark.parametrize("count", [0, 1])
async def test_telemetry_ends_with_its_context(tmp_path: Path, count: int) -> None:
    spool = tmp_path / "telemetry"
    for _ in range(count + 1):
        async with telemetry_of(settings(tmp_path, spool), "worker"):
            pass

    assert list((spool / "worker").glob("*.lines")) == []
