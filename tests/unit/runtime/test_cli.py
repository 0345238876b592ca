"""The command line: one line per failure, stable exit codes, nouns loaded when called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cli.main import nouns, run

GOOD = 'site = "a"\n[edge]\nagent = "dock-1"\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKLEDGER_HOME", str(tmp_path / "home"))
    file = tmp_path / "site.toml"
    file.write_text(GOOD)
    return file


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["config", "nonsense"],
        ["config", "check", "--nonsense"],
        ["edge"],
        ["config", "check", "--role", "king"],
        ["config", "check", "--json", "--json"],
    ],
)
def test_a_wrong_call_is_a_usage_error_on_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(arguments)

    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "usage" in said.err.split(": ")[:2] or json.loads(said.err)["code"] == "usage"


def test_a_refused_configuration_is_one_line_with_file_line_and_key(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(GOOD + "[log]\nlevle = 1\n")

    assert run(["edge", "--config", str(config), "--check"]) == 2
    assert capsys.readouterr().err == (
        f"dockledger: config-unknown-key: {config}:5: log.levle: "
        "unknown key; the nearest is log.level\n"
    )


def test_config_show_names_the_origin_of_each_value_and_masks_secrets(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKLEDGER__MQTT__PASSWORD", "do-not-print-this")

    assert run(["config", "show", str(config), "--json"]) == 0

    out = capsys.readouterr().out
    rows = {row["key"]: row for row in json.loads(out)["settings"]}
    assert "do-not-print-this" not in out
    assert rows["site"] == {"key": "site", "value": "a", "origin": "file:1"}
    assert rows["mqtt.password"] == {
        "key": "mqtt.password",
        "value": "***",
        "origin": "DOCKLEDGER__MQTT__PASSWORD",
    }
    assert rows["api.port"]["origin"] == "default"


def test_help_lists_every_noun_without_loading_any(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    out = capsys.readouterr().out
    assert {"edge", "gateway", "api", "worker", "config"} <= set(nouns())
    assert all(name in out for name in nouns())


def test_checking_a_configuration_loads_no_server_package(config: Path) -> None:
    program = (
        "import sys, runtime.cli.main as m\n"
        f"code = m.run(['config', 'check', {str(config)!r}])\n"
        "heavy = {'sqlalchemy', 'fastapi', 'influxdb_client', 'asyncpg', 'httpx', 'aiomqtt'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.splitlines()[-1] == "0 []"
