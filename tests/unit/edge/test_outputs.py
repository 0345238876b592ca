"""Outputs that are not confirmed: the order expires, the device and what comes after it go on."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from edge.drivers.port import OutputTimeoutError, TransientError
from edge.drivers.simulated import SimulatedDriver
from edge.outputs import DIVERT_US, RETRY_US, Order, Outputs, Result

SILENT = 4


class Slow(SimulatedDriver):
    """One output never confirms: by its own time limit, or by waiting for ever."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__()
        self.silent: set[int] = {SILENT}
        self._hangs = hangs
        self.asked: list[tuple[int, bool]] = []

    async def set_output(self, port: int, *, state: bool) -> None:
        self.asked.append((port, state))
        if port in self.silent:
            if self._hangs:
                await asyncio.sleep(60)
            raise OutputTimeoutError("silent")
        await super().set_output(port, state=state)


class Bench:
    """Outputs over a slow device; the clock is turned by hand."""

    def __init__(self, driver: Slow, *, light: bool = False) -> None:
        self.at = 0
        self.driver = driver
        self.results: list[tuple[int, Result]] = []
        lamps = {"amber": SILENT} if light else {}
        self.outputs = Outputs(device="io", light=lamps, mono_us=lambda: self.at)  # type: ignore[arg-type]

    async def connect(self) -> None:
        await self.driver.connect()
        self.outputs.attach(self.driver)

    def order(self, port: int, *, deadline: int = 1_000_000, hold_us: int | None = None) -> None:
        def done(result: Result) -> None:
            self.results.append((port, result))

        self.outputs.order(Order(port, True, deadline, done, hold_us))


async def test_an_unconfirmed_order_expires_and_the_next_one_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Slow())
    await bench.connect()
    bench.order(SILENT)
    bench.order(2)
    with caplog.at_level(logging.WARNING):
        await bench.outputs.step(0)

    assert bench.results == [(SILENT, "expired"), (2, "done")]
    assert [record.getMessage() for record in caplog.records] == ["output_unconfirmed"]
    bench.order(3)
    await bench.outputs.step(0)
    assert bench.results[-1] == (3, "done")


async def test_an_order_waits_no_longer_than_its_own_deadline() -> None:
    bench = Bench(Slow(hangs=True))
    await bench.connect()
    bench.order(SILENT, deadline=50_000)
    bench.order(2)
    started = time.monotonic()
    async with asyncio.timeout(5):
        await bench.outputs.step(0)

    assert bench.results == [(SILENT, "expired"), (2, "done")]
    assert 0.04 <= time.monotonic() - started < 2


async def test_an_order_whose_time_passed_behind_another_never_reaches_the_device() -> None:
    bench = Bench(Slow())
    await bench.connect()
    bench.order(2, deadline=10)
    bench.at = 10
    await bench.outputs.step(0)

    assert bench.results == [(2, "expired")]
    assert bench.driver.asked == []


async def test_a_pulse_that_was_not_confirmed_is_let_go_until_that_is_confirmed() -> None:
    bench = Bench(Slow())
    await bench.connect()
    bench.order(SILENT, hold_us=DIVERT_US)
    await bench.outputs.step(0)
    bench.at = DIVERT_US
    await bench.outputs.step(bench.at)
    assert bench.outputs.due() == DIVERT_US + RETRY_US

    bench.driver.silent.clear()
    bench.at = DIVERT_US + RETRY_US
    await bench.outputs.step(bench.at)

    assert bench.driver.outputs == {SILENT: False}
    assert bench.outputs.due() is None


async def test_an_unconfirmed_lamp_is_tried_again_and_holds_up_no_order() -> None:
    bench = Bench(Slow(), light=True)
    await bench.connect()
    bench.order(2)
    await bench.outputs.step(0)
    await bench.outputs.step(1)
    assert bench.results == [(2, "done")]
    assert [port for port, _ in bench.driver.asked].count(SILENT) == 1
    assert bench.outputs.due() == RETRY_US

    bench.driver.silent.clear()
    await bench.outputs.step(RETRY_US)

    assert bench.driver.outputs[SILENT] is True
    assert bench.outputs.due() is None


async def test_a_device_that_is_away_keeps_its_order() -> None:
    bench = Bench(Slow())
    await bench.connect()
    await bench.driver.close()
    bench.order(2)
    await bench.outputs.step(0)
    assert bench.results == []
    with pytest.raises(TransientError):
        await bench.driver.set_output(2, state=True)

    await bench.connect()
    await bench.outputs.step(1)

    assert bench.results == [(2, "done")]
