"""Scanners as a user has them: a serial line (a pty) and key events (a pipe)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import time
from collections.abc import AsyncIterator

import pytest

from edge.drivers.feed import MAX_PENDING
from edge.drivers.hid_scanner import EV_KEY, EVENT, HidConfig, HidScanner
from edge.drivers.port import Driver, DriverNotice, RawReading, RawScan, TransientError
from edge.drivers.scan_lines import ScanFormat
from edge.drivers.scanner import ScanFeed
from edge.drivers.serial_scanner import SerialConfig, SerialScanner
from tests.waiting import eventually

NOW = 1_795_000_000_000_000


def mono_us() -> int:
    return time.monotonic_ns() // 1000


@contextlib.asynccontextmanager
async def listening(
    driver: Driver,
) -> AsyncIterator[tuple[list[RawReading], asyncio.Task[None]]]:
    heard: list[RawReading] = []

    async def listen() -> None:
        async for reading in driver.readings():
            heard.append(reading)

    await driver.connect()
    task = asyncio.create_task(listen())
    try:
        yield heard, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.close()


def codes(heard: list[RawReading]) -> list[str]:
    return [reading.code for reading in heard if isinstance(reading, RawScan)]


def faults(heard: list[RawReading]) -> list[str]:
    notices = [r for r in heard if isinstance(r, DriverNotice) and r.what == "bad_frame"]
    return [notice.detail for notice in notices]


async def test_serial_lines_become_scans_and_the_rest_is_told() -> None:
    near, far = pty.openpty()
    config = SerialConfig(os.ttyname(far), ScanFormat())
    driver = SerialScanner(config, now_us=lambda: NOW, mono_us=mono_us)
    async with listening(driver) as (heard, task):
        os.write(near, b"]C10106141411")
        await asyncio.sleep(0.02)
        assert codes(heard) == []
        os.write(near, b"23452\x1d10L1\rA\rA\r\xff\rhalf")
        await eventually(lambda: len(faults(heard)) == 2)

        assert codes(heard) == ["]C1010614141123452\x1d10L1", "A", "A"]
        assert faults(heard) == ["scan-encoding: FF", "scan-partial: " + b"half".hex().upper()]
        os.close(near)
        os.close(far)
        await eventually(task.done)
        assert isinstance(task.exception(), TransientError)


@pytest.mark.parametrize(("layout", "text"), [("us", "yz"), ("de", "zy")])
async def test_keys_become_scans_by_the_layout_named(layout: str, text: str) -> None:
    source, keyboard = os.pipe2(os.O_NONBLOCK)
    config = HidConfig("/dev/input/scanner", ScanFormat(), layout=layout)  # type: ignore[arg-type]
    driver = HidScanner(
        config, now_us=lambda: NOW, mono_us=mono_us, open_events=lambda _path: source
    )
    async with listening(driver) as (heard, task):
        keys = b"".join(
            EVENT.pack(0, 0, EV_KEY, code, value) for code in (21, 44, 28) for value in (1, 0)
        )
        # A record may arrive in two parts.
        os.write(keyboard, keys[:30])
        await asyncio.sleep(0.02)
        os.write(keyboard, keys[30:])
        await eventually(lambda: codes(heard) == [text])

        os.close(keyboard)
        await eventually(task.done)
        assert isinstance(task.exception(), TransientError)


async def test_scans_that_found_no_room_are_told_once_there_is_room() -> None:
    feed = ScanFeed(ScanFormat(), now_us=lambda: NOW, mono_us=mono_us)
    feed.take([f"C{number}" for number in range(MAX_PENDING + 2)])
    readings = feed.readings()
    assert [getattr(await anext(readings), "code", None) for _ in range(3)] == [None, "C0", "C1"]

    feed.take(["late"])

    rest = [await anext(readings) for _ in range(MAX_PENDING)]
    assert rest[-2] == DriverNotice("overflow", NOW, "2 scans were not taken in time")
    assert codes(rest)[-1] == "late"
    await feed.stop()
