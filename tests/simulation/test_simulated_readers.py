"""The simulated site over LLRP: read back by an outside decoder and by the product's own driver."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from llrpkit.protocol import impinj, messages, params

from edge.drivers.llrp import LlrpAntenna, LlrpConfig, LlrpDriver
from edge.drivers.port import RawRead, RawSensor, TransientError
from simulators.loads import Load, carried, pallet, tote
from simulators.site import build_site
from simulators.tags import Tag, sscc18, sscc_tag, tote_tag, unit_tag
from simulators.world import World
from tests.simulation.llrp_client import BareClient
from tests.waiting import eventually

SITE = build_site(1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(SITE, seed=4, truth_dir=tmp_path)
    await world.start()
    yield world
    await world.stop()


def _port(world: World, reader: str = "dock-1-r") -> int:
    return world.readers[reader].server.port


def _a_pallet(count: int = 20) -> Load:
    tags = [unit_tag(SITE.items[i % 5].gtin, i) for i in range(count)]
    return pallet("p", tags, sscc=sscc_tag(sscc18("9521500", 9)))


def _a_carton() -> tuple[Load, Tag]:
    tag = sscc_tag(sscc18("9521101", 77))
    return carried("c", [tag]), tag


async def test_every_logged_read_is_in_the_bytes_an_independent_client_decodes(
    world: World,
) -> None:
    client = await BareClient.connect(_port(world))
    await client.set_up()
    load, over = _a_pallet(), asyncio.Event()
    collecting = asyncio.create_task(client.collect(until=over))

    await world.run_pass(load, door="dock-1", direction="in", guarantee_reads=2, speed_mps=3.0)
    over.set()
    await collecting

    decoded = Counter(_as_logged(report) for report in client.reads())
    logged = Counter(
        (read[0], read[1], read[2], read[3])
        for line in world.frame_log("dock-1-r")
        if isinstance(reads := line.get("reads"), list)
        for read in reads
    )
    assert decoded == logged
    counts = Counter(epc for epc, _, _, _ in logged.elements())
    assert min(counts[placed.tag.hex] for placed in load.tags) >= 2
    assert client.edges() == [(1, True), (2, True), (1, False), (2, False)]
    truth = [line for line in world.truth if line["kind"] == "crossed"]
    assert {line["tag"] for line in truth} == set(load.keys)
    client.close()


def _as_logged(report: params.TagReportData) -> tuple[str, int, int, int]:
    assert isinstance(report.epc_parameter, params.EPC_96)
    assert report.antenna_id is not None
    assert report.first_seen_timestamp_utc is not None
    assert report.peak_rssi is not None
    rssi = next(c for c in report.custom if isinstance(c, impinj.ImpinjPeakRSSI)).rssi
    assert report.peak_rssi.peak_rssi == round(rssi / 100)
    return (
        report.epc_parameter.epc.hex().upper(),
        report.antenna_id.antenna_id,
        rssi,
        report.first_seen_timestamp_utc.microseconds,
    )


async def test_without_extensions_there_is_no_vendor_field(world: World) -> None:
    client = await BareClient.connect(_port(world))
    await client.set_up(extensions=False)
    world.park([unit_tag(SITE.items[0].gtin, i) for i in range(10)], near="dock-1")

    report = await client.take_until(
        lambda m: isinstance(m, messages.RO_ACCESS_REPORT) and bool(m.tag_report_datas)
    )

    assert isinstance(report, messages.RO_ACCESS_REPORT)
    assert report.tag_report_datas[0].custom == []
    client.close()


async def test_a_second_client_is_turned_away_and_a_wrong_step_refused(world: World) -> None:
    client = await BareClient.connect(_port(world))
    second = await BareClient.connect(_port(world))

    attempt = second.arrived[0]
    refused = await client.ask(messages.START_ROSPEC(ro_spec_id=5), messages.START_ROSPEC_RESPONSE)

    assert isinstance(attempt, messages.READER_EVENT_NOTIFICATION)
    event = attempt.reader_event_notification_data.connection_attempt_event
    assert event is not None
    assert event.status == 2
    assert isinstance(refused, messages.START_ROSPEC_RESPONSE)
    assert refused.llrp_status.status_code == 100
    client.close()


async def test_without_a_client_nothing_is_inventoried_and_the_span_is_logged(
    world: World,
) -> None:
    load, _ = _a_carton()
    await world.run_pass(load, door="dock-1", direction="in", speed_mps=6.0)

    client = await BareClient.connect(_port(world))
    await client.set_up()
    log = world.readers["dock-1-r"].frames.lines
    await eventually(lambda: any("span" in line for line in log), within=5)

    assert not any("reads" in line for line in log)
    assert [line["sent"] for line in log if "gpi" in line] == [False] * 4
    span = next(line for line in log if "span" in line)
    assert span["span"] == "no_inventory"
    assert int(str(span["to_us"])) - int(str(span["from_us"])) > 2_000_000
    client.close()


def _driver(world: World, reader: str = "dock-1-r") -> LlrpDriver:
    antennas = (LlrpAntenna(1, 28.0), LlrpAntenna(2, 28.0))
    config = LlrpConfig("127.0.0.1", _port(world, reader), antennas, keepalive_ms=500)
    return LlrpDriver(config, now_us=lambda: time.time_ns() // 1000)


async def test_the_products_driver_sees_reads_and_beams_in_true_order_and_works_the_light(
    world: World,
) -> None:
    driver = _driver(world)
    await driver.connect()
    seen: list[RawRead | RawSensor] = []

    async def follow() -> None:
        async for reading in driver.readings():
            if isinstance(reading, RawRead | RawSensor):
                seen.append(reading)

    following = asyncio.create_task(follow())
    load, tag = _a_carton()

    await world.run_pass(load, door="dock-1", direction="out", guarantee_reads=2, speed_mps=2.0)
    await driver.set_output(3, state=True)

    reads = [r for r in seen if isinstance(r, RawRead)]
    assert {r.epc for r in reads} == {tag.epc}
    assert {r.antenna for r in reads} == {1, 2}
    times = [r.occurred_at for r in seen]
    assert times == sorted(times)
    edges = [s for s in seen if isinstance(s, RawSensor) and not s.polled]
    assert [(s.fields["port"], s.fields["state"]) for s in edges] == [
        (2, "high"),
        (1, "high"),
        (2, "low"),
        (1, "low"),
    ]
    delays = [r.received_at - r.occurred_at for r in seen]
    assert max(delays) < 500_000
    assert [(c.port, c.high) for c in world.gpo_log("dock-1-r")][-1] == (3, True)
    await driver.close()
    await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("fault", ["die", "cut", "hang_up"])
async def test_a_fault_ends_the_drivers_readings_and_healing_lets_it_back(
    world: World, fault: str
) -> None:
    driver = _driver(world)
    await driver.connect()
    server = world.readers["dock-1-r"].server
    world.park([unit_tag(SITE.items[0].gtin, 1)], near="dock-1")

    async def follow() -> None:
        async for _ in driver.readings():
            pass

    following = asyncio.create_task(follow())
    await eventually(lambda: server.inventorying, within=5)
    if fault == "cut":
        server.cut()
    else:
        await (server.die() if fault == "die" else server.hang_up())

    with pytest.raises(TransientError):
        async with asyncio.timeout(5):
            await following
    if fault == "cut":
        server.heal()
    elif fault == "die":
        await server.listen("127.0.0.1")
    await driver.connect()
    await eventually(lambda: server.inventorying, within=5)
    await driver.close()


async def test_a_clock_step_moves_device_time_alone(world: World) -> None:
    client = await BareClient.connect(_port(world))
    await client.set_up()
    reader = world.readers["dock-1-r"]
    reader.offset_us = -3_600_000_000
    world.park([unit_tag(SITE.items[0].gtin, i) for i in range(10)], near="dock-1")

    await client.take_until(
        lambda m: isinstance(m, messages.RO_ACCESS_REPORT) and bool(m.tag_report_datas)
    )

    first = client.reads()[0].first_seen_timestamp_utc
    assert first is not None
    behind = time.time_ns() // 1000 - first.microseconds
    assert 3_600_000_000 <= behind < 3_603_000_000
    client.close()


async def test_a_tote_is_led_to_the_pack_lane_by_the_divert(world: World) -> None:
    driver = _driver(world, "conv-1-r")
    await driver.connect()
    following = asyncio.create_task(_drain(driver))
    riding = asyncio.create_task(world.convey(tote("t", [tote_tag("9521101", 1, 5)])))
    await eventually(
        lambda: any("reads" in line for line in world.frame_log("conv-1-r")), within=10
    )
    await driver.set_output(1, state=True)

    assert await riding == 1
    antennas = {
        read[1]
        for line in world.frame_log("conv-1-r")
        if isinstance(reads := line.get("reads"), list)
        for read in reads
    }
    assert antennas == {1, 2}
    await driver.close()
    await asyncio.gather(following, return_exceptions=True)


async def _drain(driver: LlrpDriver) -> None:
    async for _ in driver.readings():
        pass
