"""`reader record --from`: a device's raw past out of the ring, ready to be replayed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.drivers.trace import parse_line
from edge.ring_start import ring_folder
from runtime.cli.reader import app
from runtime.raw_past import devices_in, raw_past
from tests.unit.edge.box import T0, Box


def a_past(folder: Path) -> Box:
    box = Box(folder)
    box.start()
    for n in range(5):
        box.now = T0 + n * 1_000_000
        box.read("door", 1)
        box.read("zone", 2)
    box.edge("door")
    box.finish()
    return box


def test_a_span_of_one_device_comes_back_with_its_edges(tmp_path: Path) -> None:
    folder = ring_folder(a_past(tmp_path).path)

    found = list(raw_past(folder, device="door", since=T0 + 3_000_000, until=T0 + 5_000_000))

    assert devices_in(folder) == ["door", "zone"]
    assert [type(one).__name__ for one in found] == ["RawRead", "RawRead", "RawSensor"]
    assert [one.received_at - T0 for one in found] == [3_000_000, 4_000_000, 4_000_000]


def test_the_command_writes_a_trace_that_can_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKLEDGER_HOME", str(tmp_path))
    spool = tmp_path / "edge" / "dock-1"
    spool.mkdir(parents=True)
    a_past(spool)
    config, out = tmp_path / "edge.toml", tmp_path / "trace.jsonl"
    config.write_text(
        'site = "s"\n[mqtt]\nhost = "localhost"\nport = 1883\n[edge]\nagent = "dock-1"\n'
        "[edge.spool]\nallow_volatile = true\n"
    )
    words = ["record", "--config", str(config), "--from", "2020-01-01", "--out", str(out)]

    several = CliRunner().invoke(app, words)
    done = CliRunner().invoke(app, [*words, "--device", "door", "--to", "2100-01-01"])

    assert str(several.exception) == "name a device the ring holds: door, zone"
    assert (done.exit_code, done.output) == (0, "6 lines, 0 left out\n")
    assert not any(isinstance(parse_line(line), str) for line in out.read_text().splitlines())
