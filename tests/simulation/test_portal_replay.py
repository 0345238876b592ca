"""`dockledger portal`: labelled simulated recordings replayed through the product's own path."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["portal", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("portal")
    trace, labels = folder / "trace.jsonl", folder / "labels.jsonl"
    arguments = [str(trace), "--labels", str(labels), "--runs", "10", "--seed", "5"]
    assert run(["portal", "simulate", *arguments, "--boxes", "6"]) == 0
    return trace, labels


def _truth(labels: Path) -> dict[str, str | None]:
    lines = (json.loads(line) for line in labels.read_text().splitlines())
    return {line["epc"]: line["direction"] for line in lines}


def test_what_moved_moves_its_way_and_nothing_else_does(
    recording: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    trace, labels = recording
    truth = _truth(labels)

    told = _run(capsys, "replay", str(trace), "--portal", "gate-2", "--json")

    tags = {tag["epc"]: tag for tag in told["tags"]}
    moving = [epc for epc in tags if truth[epc]]
    assert len(moving) >= 20
    assert sum(tags[epc]["directions"] == [truth[epc]] for epc in moving) >= 0.95 * len(moving)
    for epc, tag in tags.items():
        assert tag["directions"] in ([], [truth[epc]])
        assert tag["moved"] == (tag["reason"] is None)
        assert tag["presence"][0]["state"] == "glimpsed"
        assert not tag["moved"] or "observed" in [p["state"] for p in tag["presence"]]
    for one in told["passes"]:
        assert one["direction"] in ("in", "out", "not_crossed", "undecided")
        assert 0 <= one["confidence"] <= 1
        assert all(t["crossed"] or t["reason"] or t["outcome"] == "undecided" for t in one["tags"])


def test_shuffled_lines_in_other_time_forms_give_the_same_passes(
    recording: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.loads(line) for line in recording[0].read_text().splitlines()]
    written = []
    for line in lines:
        micros = line["occurred_at"]
        forms = [micros, micros * 1000, f"{micros // 1_000_000}.{micros % 1_000_000:06d}"]
        written.append({**line, "occurred_at": random.Random(micros).choice(forms), "note": "x"})
    written[3:3] = [{"epc": "nonsense"}]
    random.Random(1).shuffle(written)
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(json.dumps(line) for line in written))

    first = _run(capsys, "replay", str(recording[0]), "--portal", "gate-2", "--json")
    second = _run(capsys, "replay", str(other), "--portal", "gate-2", "--json")

    assert second["passes"] == first["passes"]
    assert second["tags"] == first["tags"]
    number = written.index({"epc": "nonsense"}) + 1
    assert second["refused"] == [{"line": number, "code": "E_EPC_HEX", "pointer": "/epc"}]
    assert second["lines"]["used"] == first["lines"]["used"] == len(lines)


def test_an_expected_list_gives_the_verdict(
    recording: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = _truth(recording[1])
    inward = sorted(epc for epc, way in truth.items() if way == "in")
    profile = tmp_path / "gate.toml"
    profile.write_text(
        f"[antennas]\noutside = [1]\ninside = [2]\n[expected]\nepcs = {json.dumps(inward)}\n"
    )

    told = _run(capsys, "replay", str(recording[0]), "--portal", str(profile), "--json")

    verdicts = {one["direction"]: one["verdict"] for one in told["passes"]}
    assert verdicts["in"] == "matched"
    assert verdicts["out"] == "unexpected"
    assert verdicts["not_crossed"] == "not_crossed"


def test_reads_of_an_antenna_that_is_not_of_the_gate_are_named(
    recording: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = recording[0].read_text().splitlines()[:2]
    trace = tmp_path / "trace.jsonl"
    trace.write_text("\n".join([*lines, lines[0].replace('"antenna": ', '"antenna": 1')]))

    told = _run(capsys, "replay", str(trace), "--portal", "gate-2", "--json")

    refused = [(one["code"], one["pointer"]) for one in told["refused"]]
    assert refused == [("E_DEVICE_UNKNOWN", "/antenna")]
    assert told["lines"]["used"] == 2
    assert [tag["moved"] for tag in told["tags"]] == [False] * len(told["tags"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["replay", "nowhere.jsonl", "--portal", "gate-2"], "usage"),
        (["replay", "nowhere.jsonl", "--portal", "nowhere.toml"], "config-not-found"),
        (["replay", "nowhere.jsonl", "--portal", "."], "config-not-a-file"),
    ],
)
def test_a_wrong_call_ends_with_one_line(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["portal", *arguments]) == 2
    assert code in capsys.readouterr().err


def test_learning_mends_a_bad_threshold_and_keeps_good_rules(
    recording: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, labels = (str(path) for path in recording)
    bad, out = tmp_path / "bad.toml", tmp_path / "out.toml"
    bad.write_text("[antennas]\noutside = [1]\ninside = [2]\n[thresholds]\nmotion_db = 40\n")
    common = ["--labels", labels, "--out", str(out), "--json"]

    mended = _run(capsys, "learn", trace, "--portal", str(bad), *common)

    held = mended["held_out"]
    assert mended["used"] == "learned"
    assert mended["thresholds"]["motion_db"] <= 5
    assert held["learned"]["right"] > held["rules"]["right"]
    told = _run(capsys, "replay", trace, "--portal", str(out), "--json")
    truth = _truth(recording[1])
    assert any(tag["moved"] for tag in told["tags"] if truth[tag["epc"]])

    kept = _run(capsys, "learn", trace, "--portal", "gate-2", *common)

    assert kept["held_out"]["learned"]["right"] >= kept["held_out"]["rules"]["right"]
    if kept["used"] == "rules":
        assert "[thresholds]" not in out.read_text()
