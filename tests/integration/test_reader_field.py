"""`dockledger reader test|record|tune|replay` against emulated readers and a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llrpkit.emulator import EmulatedTag, LLRPEmulator

from edge.drivers.port import RawRead, RawSensor
from edge.drivers.trace import TraceInput, TraceRead, parse_line
from runtime.cli.main import run
from runtime.trace_writer import trace_line
from tests.brokers import NatsBroker
from tests.integration.test_edge_process import EdgeProcess, Listener

EPC = "3034257BF7194E4000001A85"
AT = 1_795_000_000_000_000


@pytest.fixture
async def reader() -> AsyncIterator[LLRPEmulator]:
    tag = EmulatedTag(bytes.fromhex(EPC), antennas=(1,))
    emulator = LLRPEmulator(tags=[tag], reads_per_sec=100, antenna_count=2)
    await emulator.start()
    yield emulator
    await emulator.stop()


class Told:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def by(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, the JSON of standard output, and standard error."""
        code = await asyncio.to_thread(run, ["reader", *words, "--json"])
        out, err = self._capsys.readouterr()
        return code, json.loads(out) if out else None, err


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


async def test_a_test_shows_the_reader_and_a_row_for_the_antenna_that_heard_nothing(
    reader: LLRPEmulator, told: Told
) -> None:
    port = ["--port", str(reader.port)]

    code, found, _ = await told.by("test", "127.0.0.1", *port, "--seconds", "0.5")

    assert code == 0
    assert found["capabilities"]["antennas"] == 2
    one, two = found["antennas"]
    assert (one["antenna"], one["tags"], two["antenna"], two["reads"], two["tags"]) == (
        1,
        1,
        2,
        0,
        0,
    )
    assert one["reads_per_s"] == round(one["reads"] / 0.5, 1) > 0
    assert two["rssi_dbm_best"] is None

    code, found, _ = await told.by("test", "127.0.0.1", *port, "--seconds", "0.3", "--antenna", "2")
    assert code == 1
    assert [row["antenna"] for row in found["antennas"]] == [2]


async def test_no_reader_and_no_such_antenna_have_their_codes(
    reader: LLRPEmulator, told: Told
) -> None:
    code, _, err = await told.by("test", "127.0.0.1", "--port", "1")
    assert (code, json.loads(err)["code"]) == (4, "reader-away")

    code, _, err = await told.by("test", "127.0.0.1", "--port", str(reader.port), "--antenna", "9")
    assert (code, json.loads(err)["code"]) == (3, "reader-refused")


async def test_a_recording_holds_every_read_and_is_never_written_over(
    reader: LLRPEmulator, told: Told, tmp_path: Path
) -> None:
    out = tmp_path / "dock.jsonl"
    words = ["record", "127.0.0.1", "--port", str(reader.port), "--out", str(out)]

    code, found, _ = await told.by(*words, "--seconds", "0.5")

    lines = [parse_line(line) for line in out.read_text().splitlines()]
    reads = [line for line in lines if isinstance(line, TraceRead)]
    assert code == 0
    assert found == {"lines": len(lines), "left_out": 0}
    assert len(reads) > 10
    assert {(read.epc, read.antenna) for read in reads} == {(EPC, 1)}
    kept = out.read_bytes()
    code, _, err = await told.by(*words, "--seconds", "0.5")
    assert (code, json.loads(err)["code"], out.read_bytes()) == (2, "usage", kept)


def test_a_line_of_a_recording_is_the_read_again() -> None:
    read = RawRead(
        bytes.fromhex(EPC), None, -61.5, AT, AT + 9, 3, "E2801160", 90.0, 902_750, 27.0, 0.5, "3000"
    )

    line = parse_line(trace_line(read) or "")

    assert line == TraceRead(EPC, None, -61.5, AT, 3, "E2801160", 90.0, 902_750, 27.0, 0.5, "3000")
    edge = RawSensor("gpi", AT, AT, {"port": 2, "state": "high"})
    assert parse_line(trace_line(edge) or "") == TraceInput("gpi", 2, "high", AT)


async def test_tuning_tries_every_combination_and_a_refused_one_is_a_row(
    reader: LLRPEmulator, told: Told
) -> None:
    words = ["tune", "127.0.0.1", "--port", str(reader.port), "--seconds", "0.3"]

    code, found, _ = await told.by(
        *words, "--power", "-50", "--power", "25", "--session", "0", "--session", "2"
    )

    rows = found["trials"]
    heard = [(r["session"], r["antenna"], r["reads"] > 0) for r in rows if "refused" not in r]
    assert code == 0
    assert heard == [(0, 1, True), (0, 2, False), (2, 1, True), (2, 2, False)]
    assert [r["session"] for r in rows if "refused" in r] == [0, 2]
    assert "below the reader's range" in rows[0]["refused"]
    code, _, err = await told.by(*words, *(f"--mode={n}" for n in range(65)))
    assert (code, json.loads(err)["code"]) == (2, "usage")


async def test_a_recording_goes_through_the_agents_path_to_the_gateway(
    broker: NatsBroker, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = EdgeProcess(tmp_path, broker)
    monkeypatch.setenv("DOCKLEDGER_HOME", str(edge.home))
    trace = tmp_path / "trace.jsonl"
    heard = Listener(broker)
    async with heard.listening():
        code, found, _ = await told.by(
            *("replay", str(trace), "--config", str(edge.config)),
            *("--device", "dock-9", "--speed", "5"),
        )

    reads = [one for message in heard.applied for one in message.get("reads", [])]
    assert code == 0
    assert found["reads"] == 150 == sum(one.get("count", 1) for one in reads)
    assert {one["device"] for one in reads} == {"dock-9"}
    assert min(one["occurred_at"] for one in reads) > AT + 1_000_000_000


async def test_a_replay_that_nobody_takes_says_so(
    broker: NatsBroker, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = EdgeProcess(tmp_path, broker)
    monkeypatch.setenv("DOCKLEDGER_HOME", str(edge.home))
    words = ["--config", str(edge.config), "--device", "dock-9", "--speed", "0"]

    code, _, err = await told.by("replay", str(tmp_path / "no.jsonl"), *words)
    assert (code, json.loads(err.splitlines()[-1])["code"]) == (2, "usage")

    code, _, err = await told.by("replay", str(tmp_path / "trace.jsonl"), *words, "--patience", "1")
    assert (code, json.loads(err.splitlines()[-1])["code"]) == (4, "unavailable")
