"""The telemetry sink: lines as the server reads them, bounds, halving, the spool and the sum."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.influx import LINE_CHARS, Counters, Telemetry
from dashboards.measurements import AGENT, MEASUREMENTS, Measurement, Value, line
from dashboards.spool import DEAD_FILE, Spool
from dashboards.transport import Away, Refused
from tests.waiting import eventually

MIB = 1024 * 1024
AT = 1_795_000_000_000_000
SITE = {"site": "demo", "agent": "dock-1"}
NOTE = Measurement("a note", ("site",), {"text": str, "count": int, "share": float})


class Server:
    """Answers as its script says; refuses every batch that holds a bad line."""

    def __init__(self, script: Sequence[bool] = ()) -> None:
        self.script = list(script)
        self.away = False
        self.stored: list[str] = []
        self.sizes: list[int] = []
        self.closed = False

    def write(self, lines: Sequence[str]) -> None:
        self.sizes.append(len(lines))
        if self.away or (self.script and self.script.pop(0)):
            raise Away("HTTP 503")
        if any("bad" in text for text in lines):
            raise Refused("HTTP 400")
        self.stored.extend(lines)

    def close(self) -> None:
        self.closed = True


def sink(
    server: Server, path: Path, *, max_bytes: int = MIB, memory: int = 10_000, batch: int = 1_000
) -> Telemetry:
    return Telemetry(
        server,
        Spool(path, max_bytes=max_bytes),
        clock=lambda: 0,
        memory_lines=memory,
        batch_lines=batch,
    )


def points(first: int, end: int) -> list[str]:
    return [f"worker,site=demo relay_lag_s={n}.0 {n}" for n in range(first, end)]


def spool_size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())


def adds_up(told: Counters) -> bool:
    here = told.stored + told.spooled + told.memory + told.dead + told.dropped
    return told.handed + told.inherited == here


# -- lines ---------------------------------------------------------------------------------------


def test_a_point_is_one_line_with_its_time_in_nanoseconds() -> None:
    fields = {"online": 1, "spooled": 12, "clock_offset_ms": 3}
    assert line(AGENT, SITE, fields, AT) == (
        "agent,agent=dock-1,site=demo online=1i,spooled=12i,clock_offset_ms=3.0 1795000000000000000"
    )


def test_separators_and_quotes_are_escaped() -> None:
    fields: dict[str, Value] = {"text": 'said "a\\b"\nagain', "count": True}
    assert line(NOTE, {"site": "north, a=b"}, fields, 1) == (
        'a\\ note,site=north\\,\\ a\\=b text="said \\"a\\\\b\\" again",count=1i 1000'
    )


def test_what_is_not_a_number_is_left_out_and_an_empty_point_is_no_line() -> None:
    some = {"clock_offset_ms": float("nan"), "age_s": float("inf"), "spooled": 2**63, "online": 0}
    assert line(AGENT, SITE, some, AT) == "agent,agent=dock-1,site=demo online=0i " + f"{AT}000"
    assert line(AGENT, SITE, {"age_s": float("nan")}, AT) == ""


@pytest.mark.parametrize(
    "tags",
    [
        {"site": "demo"},
        {**SITE, "epc": "01/04012345000016/21/1"},
        {"site": "demo", "agent": ""},
        {"site": "demo", "agent": "dock\\"},
        {"site": "demo", "agent": "dock\n1"},
    ],
)
def test_a_point_without_its_exact_tags_is_refused(tags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tag"):
        line(AGENT, tags, {"online": 1}, AT)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="the fields of agent are online"):
        line(AGENT, SITE, {"online": 1, "order": 7}, AT)


def test_no_measurement_has_a_tag_that_grows_with_the_goods() -> None:
    tags = {tag for measurement in MEASUREMENTS for tag in measurement.tags}
    assert tags == {"site", "agent", "device", "antenna", "cell", "portal"}


# -- storing -------------------------------------------------------------------------------------


async def test_lines_are_stored_in_batches(tmp_path: Path) -> None:
    server = Server()
    telemetry = sink(server, tmp_path)
    telemetry.hand(points(0, 2_500))
    await telemetry.step(0)
    assert server.sizes == [1_000, 1_000, 500]
    assert server.stored == points(0, 2_500)
    assert telemetry.counters == Counters(2_500, 0, 2_500, 0, 0, 0, 0)


async def test_memory_is_bounded_and_the_oldest_make_room(tmp_path: Path) -> None:
    server = Server()
    telemetry = sink(server, tmp_path, memory=100)
    telemetry.hand(points(0, 250))
    assert telemetry.counters == Counters(250, 0, 0, 0, 100, 0, 150)
    await telemetry.step(0)
    assert server.stored == points(150, 250)


async def test_what_is_no_line_is_dropped_and_counted(tmp_path: Path) -> None:
    server = Server()
    telemetry = sink(server, tmp_path)
    telemetry.hand(["", "two\nlines", "x" * (LINE_CHARS + 1), "half \ud800", *points(0, 1)])
    await telemetry.step(0)
    assert server.stored == points(0, 1)
    assert telemetry.counters == Counters(4, 0, 1, 0, 0, 0, 3)


async def test_a_refused_batch_is_halved_until_the_bad_line_is_alone(tmp_path: Path) -> None:
    server = Server()
    telemetry = sink(server, tmp_path)
    lines = points(0, 1_000)
    lines[333] = "bad"
    telemetry.hand(lines)
    await telemetry.step(0)
    assert server.stored == points(0, 333) + points(334, 1_000)
    assert (tmp_path / DEAD_FILE).read_text() == "bad\n"
    assert len(server.sizes) <= 21
    assert telemetry.counters == Counters(1_000, 0, 999, 0, 0, 1, 0)


# -- the server is away --------------------------------------------------------------------------


async def test_an_outage_goes_to_disk_and_comes_back_first(tmp_path: Path) -> None:
    server = Server()
    telemetry = sink(server, tmp_path)
    server.away = True
    telemetry.hand(points(0, 30))
    await telemetry.step(0)
    telemetry.hand(points(30, 40))
    await telemetry.step(500_000)
    assert server.sizes == [30]
    assert telemetry.counters == Counters(40, 0, 0, 40, 0, 0, 0)
    server.away = False
    telemetry.hand(points(40, 50))
    await telemetry.step(1_000_000)
    assert server.stored == points(0, 50)
    assert telemetry.counters == Counters(50, 0, 50, 0, 0, 0, 0)
    assert spool_size(tmp_path) == 0


async def test_retries_back_off_to_half_a_minute(tmp_path: Path) -> None:
    server = Server()
    server.away = True
    telemetry = sink(server, tmp_path)
    tries = []
    telemetry.hand(points(0, 1))
    for second in range(120):
        before = len(server.sizes)
        await telemetry.step(second * 1_000_000)
        if len(server.sizes) > before:
            tries.append(second)
    assert tries == [0, 1, 3, 7, 15, 31, 61, 91]


async def test_a_clock_set_back_does_not_hold_the_lines(tmp_path: Path) -> None:
    server = Server([True])
    telemetry = sink(server, tmp_path)
    telemetry.hand(points(0, 3))
    await telemetry.step(7_200_000_000)
    await telemetry.step(0)
    assert server.stored == points(0, 3)


async def test_the_spool_survives_a_restart(tmp_path: Path) -> None:
    away = Server()
    away.away = True
    first = sink(away, tmp_path)
    first.hand(points(0, 1_500))
    await first.step(0)
    with (tmp_path / "000000000002.lines").open("a") as torn:
        torn.write("worker,site=de")
    server = Server([True])
    second = sink(server, tmp_path)
    second.hand(points(1_500, 1_600))
    assert second.counters == Counters(100, 1_500, 0, 1_500, 100, 0, 0)
    await second.step(0)
    assert second.counters == Counters(100, 1_500, 0, 1_600, 0, 0, 0)
    await second.step(1_000_000)
    assert server.stored == points(0, 1_600)
    assert second.counters == Counters(100, 1_500, 1_600, 0, 0, 0, 0)


async def test_a_full_spool_drops_its_oldest_lines_and_counts_them(tmp_path: Path) -> None:
    server = Server()
    server.away = True
    telemetry = sink(server, tmp_path, max_bytes=100_000)
    for turn in range(5):
        telemetry.hand(points(1_000 * turn + 10_000, 1_000 * turn + 11_000))
        await telemetry.step(turn)
    assert 50_000 < spool_size(tmp_path) <= 100_000
    assert telemetry.counters == Counters(5_000, 0, 0, 2_000, 0, 0, 3_000)
    server.away = False
    await telemetry.step(60_000_000)
    assert server.stored == points(13_000, 15_000)


async def test_a_segment_stored_in_part_keeps_only_the_rest(tmp_path: Path) -> None:
    server = Server([True])
    telemetry = sink(server, tmp_path)
    lines = [*points(0, 10), "bad", *points(10, 20)]
    telemetry.hand(lines)
    await telemetry.step(0)
    # The whole is refused, the first half is stored, the second half finds nobody.
    server.script = [False, False, True]
    await telemetry.step(1_000_000)
    assert server.stored == points(0, 10)
    assert telemetry.counters == Counters(21, 0, 10, 11, 0, 0, 0)
    await telemetry.step(10_000_000)
    assert server.stored == points(0, 20)
    assert telemetry.counters == Counters(21, 0, 20, 0, 0, 1, 0)


async def test_a_disk_that_cannot_be_written_loses_lines_and_counts_them(tmp_path: Path) -> None:
    server = Server()
    server.away = True
    telemetry = sink(server, tmp_path / "gone")
    os.rmdir(tmp_path / "gone")
    telemetry.hand(points(0, 7))
    await telemetry.step(0)
    assert telemetry.counters == Counters(7, 0, 0, 0, 0, 0, 7)


async def test_a_stop_keeps_what_is_in_memory_on_disk(tmp_path: Path) -> None:
    server = Server()
    server.away = True
    telemetry = sink(server, tmp_path)
    telemetry.hand(points(0, 2))
    running = asyncio.create_task(telemetry.run())
    await eventually(lambda: telemetry.counters.spooled)
    telemetry.hand(points(2, 5))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert server.closed
    assert Spool(tmp_path, max_bytes=MIB).oldest() == points(0, 5)


# -- the sum -------------------------------------------------------------------------------------

Move = tuple[str, int]
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("hand"), st.integers(0, 60)),
        st.tuples(st.just("bad"), st.integers(1, 3)),
        st.tuples(st.just("step"), st.integers(0, 40_000_000)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=25,
)


async def _live(moves: list[Move], script: list[bool], path: Path) -> tuple[Counters, Server]:
    server, now, count = Server(script), 0, 0

    def start() -> Telemetry:
        return sink(server, path, max_bytes=3_000, memory=50, batch=20)

    telemetry = start()
    act: dict[str, Callable[[int], list[str]]] = {
        "hand": lambda n: points(count, count + n),
        "bad": lambda n: ["bad"] * n,
    }
    for what, number in moves:
        if what == "step":
            now += number
            await telemetry.step(now)
        elif what == "restart":
            telemetry.close()
            assert adds_up(telemetry.counters)
            telemetry = start()
        else:
            telemetry.hand(act[what](number))
            count += number
        assert adds_up(telemetry.counters), telemetry.counters
    for _ in range(60):
        now += 40_000_000
        await telemetry.step(now)
    return telemetry.counters, server


@settings(max_examples=80, deadline=None)
@given(moves=MOVES, script=st.lists(st.booleans(), max_size=40))
def test_every_line_handed_over_is_in_exactly_one_place(
    moves: list[Move], script: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        told, server = asyncio.run(_live(moves, script, Path(place)))
    assert adds_up(told)
    assert told.spooled == told.memory == 0
    assert len(set(server.stored)) == len(server.stored)
