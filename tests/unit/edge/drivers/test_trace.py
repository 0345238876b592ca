"""Recorded traces: what a line may be, and what it costs when it is something else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.drivers.port import DriverNotice, RawRead, RawReading, RawSensor
from edge.drivers.trace import TraceConfig, TraceDriver

AT = 1_772_442_900_000_000
NOW = AT + 60_000_000
READ = f'{{"epc":"3034257BF7194E4000001A85","antenna":1,"rssi_dbm":-50.5,"occurred_at":{AT}}}'
EPC = bytes.fromhex("3034257BF7194E4000001A85")


def read_with(old: str, new: str) -> str:
    assert old in READ
    return READ.replace(old, new)


async def played(
    folder: Path, *lines: str | bytes, speed: float = 0, start_at: int | None = None
) -> list[RawReading]:
    path = folder / "trace.jsonl"
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines))
    driver = TraceDriver(TraceConfig(path, speed, start_at), now_us=lambda: NOW)
    await driver.connect()
    async with asyncio.timeout(10):
        readings = [reading async for reading in driver.readings()]
    await driver.close()
    return readings


async def test_reads_and_edges_come_out_as_recorded(tmp_path: Path) -> None:
    full = read_with(
        "}",
        ',"count":3,"tid":"e2801105","phase_deg":90,"frequency_khz":865700,'
        '"tx_power_dbm":30,"doppler_hz":-1.5,"pc":"30aa"}',
    )
    edge = f'{{"sensor":"gpi","port":1,"state":"high","occurred_at":{AT + 5}}}'
    eye = f'{{"sensor":"photo_eye","state":"blocked","occurred_at":{AT + 6}}}'

    readings = await played(tmp_path, full, "", edge, eye)

    assert readings == [
        RawRead(EPC, 1, -50.5, AT, AT, 3, "E2801105", 90.0, 865_700, 30.0, -1.5, "30AA"),
        RawSensor("gpi", AT + 5, AT + 5, {"port": 1, "state": "high"}),
        RawSensor("photo_eye", AT + 6, AT + 6, {"state": "blocked"}),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        "{}",
        READ + READ,
        read_with('"antenna":1', '"antenna":0'),
        read_with('"antenna":1', '"antenna":65'),
        read_with('"antenna":1', '"antenna":true'),
        read_with('"antenna":1', '"antenna":"1"'),
        read_with('"antenna":1,', ""),
        read_with('"antenna":1', '"antenna":1,"antenna":2'),
        read_with('"antenna":1', '"antenna":1,"colour":"red"'),
        read_with("-50.5", "0.1"),
        read_with("-50.5", "NaN"),
        read_with("-50.5", "-1e999"),
        read_with("3034257B", "0x34257B"),
        read_with("3034257B", "3034257"),
        read_with("1A85", "1A85\\n"),
        read_with("3034257BF7194E4000001A85", ""),
        read_with(str(AT), str(AT // 1000)),
        read_with(str(AT), f'"{AT}"'),
        f'{{"sensor":"gpi","port":1,"state":"up","occurred_at":{AT}}}',
        f'{{"sensor":"smoke","state":"high","occurred_at":{AT}}}',
        f'{{"sensor":null,"state":"high","occurred_at":{AT}}}',
        '{"epc":"' + "AB" * 20_000 + '"}',
        "[" * 5_000,
        b'{"epc":"30\xff4257BF7194E4000001A85"}',
    ],
)
async def test_a_bad_line_costs_itself_and_is_told_by_its_number(
    tmp_path: Path, line: str | bytes
) -> None:
    readings = await played(tmp_path, READ, line, READ)

    assert [type(reading) for reading in readings] == [RawRead, DriverNotice, RawRead]
    notice = readings[1]
    assert isinstance(notice, DriverNotice)
    assert notice.what == "bad_frame"
    assert notice.detail.startswith("line 2: ")
    assert len(notice.detail) < 80


async def test_null_is_unknown(tmp_path: Path) -> None:
    line = read_with('"antenna":1,"rssi_dbm":-50.5', '"antenna":null,"rssi_dbm":null')

    assert await played(tmp_path, line) == [RawRead(EPC, None, None, AT, AT)]


async def test_a_trace_can_be_moved_in_time(tmp_path: Path) -> None:
    later = read_with(str(AT), str(AT + 1_500))

    readings = await played(tmp_path, READ, later, start_at=NOW)

    assert readings == [
        RawRead(EPC, 1, -50.5, NOW, NOW),
        RawRead(EPC, 1, -50.5, NOW + 1_500, NOW + 1_500),
    ]


async def test_at_recorded_speed_the_gaps_are_waited_for(tmp_path: Path) -> None:
    later = read_with(str(AT), str(AT + 300_000))
    began = asyncio.get_running_loop().time()

    readings = await played(tmp_path, READ, later, speed=1)

    assert asyncio.get_running_loop().time() - began >= 0.3
    assert [r.received_at for r in readings] == [NOW, NOW]


async def test_a_faster_speed_shortens_the_gaps(tmp_path: Path) -> None:
    later = read_with(str(AT), str(AT + 300_000_000))

    readings = await played(tmp_path, READ, later, speed=3_000)

    assert len(readings) == 2


async def test_a_long_trace_comes_out_whole_and_in_order(tmp_path: Path) -> None:
    lines = [read_with(str(AT), str(AT + place)) for place in range(2_500)]

    readings = await played(tmp_path, *lines)

    times = [r.occurred_at - AT for r in readings if isinstance(r, RawRead)]
    assert times == list(range(2_500))
