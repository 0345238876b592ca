"""`dockledger simulate` as a process: readers keep their ports, SIGTERM ends it well."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from pathlib import Path

from tests.simulation.llrp_client import BareClient
from tests.waiting import eventually


async def _start(home: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "runtime.cli.main",
        "simulate",
        "--ports-file",
        str(home / "ports.json"),
        "--truth-dir",
        str(home / "truth"),
        env={**os.environ, "DOCKLEDGER_HOME": str(home)},
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _stop(process: Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        return await process.wait()


async def test_readers_come_back_on_their_ports_and_log_their_idle_spans(tmp_path: Path) -> None:
    ports = tmp_path / "ports.json"
    first = await _start(tmp_path)
    await eventually(ports.exists, 20)
    before = json.loads(ports.read_text())
    client = await BareClient.connect(before["dock-1-r"])
    await client.set_up()
    client.close()
    assert await _stop(first) == 0

    ports.touch()
    second = await _start(tmp_path)
    await eventually(lambda: (tmp_path / "run" / "simulate.beat").exists(), 20)
    await eventually(lambda: _answers(before["dock-1-r"]), 20)
    assert await _stop(second) == 0

    assert json.loads(ports.read_text()) == before
    assert set(before) == {"dock-1-r", "dock-2-r", "conv-1-r", "stage-r", "control"}
    log = (tmp_path / "truth" / "frames-dock-1-r.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in log]
    assert [line["connection"] for line in lines if "connection" in line][:2] == ["up", "down"]
    assert all(line["to_us"] >= line["from_us"] for line in lines if "span" in line)
    assert sum("span" in line for line in lines) >= 2


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
