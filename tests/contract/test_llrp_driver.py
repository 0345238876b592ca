"""What the LLRP driver does with a connection, seen from a reader made of bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from edge.drivers.llrp import LlrpDriver
from edge.drivers.port import (
    DriverNotice,
    FatalError,
    RawRead,
    RawReading,
    RawSensor,
    TransientError,
)
from tests.contract import llrp_server as wire
from tests.contract.llrp_client import EPC, NOW, SEEN, a_config, collect, connected, following
from tests.waiting import eventually


@pytest.fixture
async def reader() -> AsyncIterator[wire.ByteReader]:
    device = wire.ByteReader()
    await device.start()
    yield device
    await device.stop()


async def test_a_keepalive_is_acknowledged_under_its_id_though_nobody_listens(
    reader: wire.ByteReader,
) -> None:
    driver = LlrpDriver(a_config(reader), now_us=lambda: NOW)
    await driver.connect()

    await reader.say(wire.frame(62, 4711))

    await eventually(lambda: (72, 4711, b"") in reader.received)
    await driver.close()


def _acknowledged(reader: wire.ByteReader, times: int) -> bool:
    return reader.kinds().count(72) == times


async def test_silence_for_two_and_a_half_intervals_is_a_lost_reader(
    reader: wire.ByteReader,
) -> None:
    driver, readings = await connected(reader, replace(a_config(reader), keepalive_ms=100))
    began = time.monotonic()
    for number in range(4):
        await reader.say(wire.frame(62, number))
        await eventually(partial(_acknowledged, reader, number + 1), every=0.01)

    with pytest.raises(TransientError, match="no keepalive"):
        await following(readings)

    assert time.monotonic() - began >= 0.25
    with pytest.raises(TransientError):
        await driver.set_output(1, state=True)
    assert reader.outputs == {}


async def test_what_came_while_the_agent_stood_still_is_read_before_it_doubts_the_reader(
    reader: wire.ByteReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGSTOP and SIGCONT the wait for sockets ends empty, and overdue timers run first."""
    _, readings = await connected(reader, replace(a_config(reader), keepalive_ms=100))
    selector = vars(asyncio.get_running_loop())["_selector"]
    ready = selector.select

    def interrupted(timeout: float | None = None) -> list[object]:
        monkeypatch.setattr(selector, "select", ready)
        return []

    await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)) + wire.frame(62, 1))
    monkeypatch.setattr(selector, "select", interrupted)
    time.sleep(0.4)  # noqa: ASYNC251 -- the whole process stands still

    assert await following(readings) == RawRead(EPC, 1, -50.0, SEEN, NOW)
    await eventually(partial(_acknowledged, reader, 1), every=0.01)


@pytest.mark.parametrize("how", ["event", "tcp"])
async def test_a_reader_that_closes_is_lost_after_its_last_report(
    reader: wire.ByteReader, how: str
) -> None:
    _, readings = await connected(reader)

    await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)))
    if how == "event":
        # What follows the close event is not ours any more.
        late = wire.report(wire.tag(EPC, 2, rssi=-50, seen=SEEN + 1))
        await reader.say(wire.event(wire.tlv(257, b"")) + late)
    else:
        await reader.hang_up()

    assert await following(readings) == RawRead(EPC, 1, -50.0, SEEN, NOW)
    with pytest.raises(TransientError, match="closed the connection"):
        await following(readings)


async def test_a_connection_that_ends_inside_a_message_says_so(reader: wire.ByteReader) -> None:
    _, readings = await connected(reader)

    await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN))[:-1])
    await reader.hang_up()

    with pytest.raises(TransientError, match="ended inside a message"):
        await following(readings)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(bytes.fromhex("00f00005ff"), id="unknown TV"),
        pytest.param(bytes.fromhex("00f00002"), id="TLV shorter than its header"),
        pytest.param(bytes.fromhex("00f00020") + b"\x8d" + EPC, id="TLV past the end"),
        pytest.param(wire.tlv(240, b"\x8d" + EPC[:11]), id="TV past the end"),
        pytest.param(wire.tlv(240, wire.tag(EPC, 1) + b"\x00"), id="half a header"),
        pytest.param(wire.tlv(240, wire.tlv(241, b"\x00\x60" + EPC[:11])), id="bits missing"),
    ],
)
async def test_a_bad_body_costs_its_frame_and_the_connection_lives(
    reader: wire.ByteReader, body: bytes
) -> None:
    driver, readings = await connected(reader)
    good = wire.tlv(240, wire.tag(EPC, 2, rssi=-40, seen=SEEN + 5))

    await reader.say(wire.frame(61, 9, good + body) + wire.report(wire.tag(EPC, seen=SEEN)))

    notice = await following(readings)
    assert isinstance(notice, DriverNotice)
    assert notice.what == "bad_frame"
    assert notice.detail.endswith(wire.frame(61, 9, good + body).hex().upper())
    # The next frame is read, and nothing of the refused one is carried into it.
    assert await following(readings) == RawRead(EPC, None, None, SEEN, NOW)
    await driver.close()


@pytest.mark.parametrize(
    "garbage",
    ["043e0000000900000005", "043eff00000000000005", "243e0000000a00000005", "0000000000000000"],
)
async def test_bad_framing_ends_the_connection(reader: wire.ByteReader, garbage: str) -> None:
    _, readings = await connected(reader)
    good = wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN))

    await reader.say(good + bytes.fromhex(garbage) + good)

    assert await following(readings) == RawRead(EPC, 1, -50.0, SEEN, NOW)
    with pytest.raises(TransientError):
        await collect(readings, [])


async def test_a_frame_in_single_bytes_is_one_frame(reader: wire.ByteReader) -> None:
    driver, readings = await connected(reader)

    for byte in wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)):
        await reader.say(bytes([byte]))

    assert await following(readings) == RawRead(EPC, 1, -50.0, SEEN, NOW)
    await driver.close()


async def test_events_of_the_device_become_notices_in_their_place(
    reader: wire.ByteReader,
) -> None:
    driver, readings = await connected(reader)

    await reader.say(wire.event(wire.tlv(255, b"\x00\x00\x02")))
    await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)))
    await reader.say(wire.event(wire.tlv(250, b"\x5a")) + wire.event(wire.tlv(251, b"")))
    await reader.say(wire.event(wire.tlv(252, b"\x00\x03bad")))
    await reader.say(wire.event(wire.tlv(255, b"\x01\x00\x02")))
    await reader.say(wire.report())
    await reader.say(wire.gpi(2, high=True, utc_us=SEEN + 9))

    assert [await following(readings) for _ in range(7)] == [
        DriverNotice("antenna_fault", NOW, "antenna 2", 2),
        RawRead(EPC, 1, -50.0, SEEN, NOW),
        DriverNotice("overflow", NOW, "report buffer 90 % full"),
        DriverNotice("overflow", NOW, "reports were lost"),
        DriverNotice("reader_exception", NOW),
        DriverNotice("antenna_restored", NOW, "antenna 2", 2),
        RawSensor("gpi", SEEN + 9, NOW, {"port": 2, "state": "high"}),
    ]
    await driver.close()


async def test_outputs_are_confirmed_under_their_own_id_while_reports_pour_in(
    reader: wire.ByteReader,
) -> None:
    driver, _ = await connected(reader)
    for _ in range(50):
        await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)))

    await asyncio.gather(
        driver.set_output(1, state=True),
        driver.set_output(2, state=True),
        driver.set_output(4, state=False),
    )

    assert reader.outputs == {1: True, 2: True, 4: False}
    await driver.close()


@pytest.mark.parametrize(("code", "error"), [(100, FatalError), (401, TransientError)])
async def test_an_output_the_reader_refuses_is_told(
    reader: wire.ByteReader, code: int, error: type[Exception]
) -> None:
    driver, _ = await connected(reader)
    reader.refusals[3] = code

    with pytest.raises(error):
        await driver.set_output(1, state=True)

    assert reader.outputs == {}
    await driver.close()


async def test_a_slow_listener_stops_the_socket_and_loses_nothing(
    reader: wire.ByteReader,
) -> None:
    config = replace(a_config(reader), max_pending=100, keepalive_ms=100)
    driver = LlrpDriver(config, now_us=lambda: NOW)
    await driver.connect()
    sent = 20_000

    async def pour() -> None:
        for number in range(sent):
            await reader.say(wire.report(wire.tag(EPC, 1, seen=SEEN + number)))
        await reader.hang_up()

    pouring = asyncio.create_task(pour())
    # Longer than the keepalive limit: a paused socket is no silent reader.
    done, _ = await asyncio.wait({pouring}, timeout=0.4)
    assert not done, "the socket was never full, so nothing was proven"
    heard: list[RawReading] = []
    with pytest.raises(TransientError, match="closed the connection"):
        await collect(driver.readings(), heard)
    await pouring

    reads = [reading for reading in heard if isinstance(reading, RawRead)]
    assert [read.occurred_at - SEEN for read in reads] == list(range(sent))


async def test_a_report_is_out_as_soon_as_it_is_in(reader: wire.ByteReader) -> None:
    driver, readings = await connected(reader)
    delays = []

    for number in range(200):
        began = time.perf_counter()
        await reader.say(wire.report(wire.tag(EPC, 1, seen=SEEN + number)))
        reading = await following(readings)
        delays.append(time.perf_counter() - began)
        assert reading == RawRead(EPC, 1, None, SEEN + number, NOW)

    # Polling of any kind would put the middle over 5 ms; the tail is the machine's.
    assert sorted(delays)[100] < 0.005
    await driver.close()
