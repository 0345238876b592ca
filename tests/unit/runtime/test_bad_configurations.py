"""The published bad configurations: each ends with exit 2, its code and its key."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run
from tests.services import require_examples

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def prepare(case: dict[str, Any], folder: Path, home: Path) -> Path:
    """Lay out the folder of a case."""
    (folder / "ca.pem").write_text(PEM)
    (folder / "empty").touch()
    (folder / "dsn").write_text("postgresql://u:p@localhost/db\n")
    (folder / "dsn").chmod(0o600)
    file = folder / "site.toml"
    recipe = case.get("input_gen")
    if recipe == "mkfifo site.toml":
        os.mkfifo(file)
        return file
    if recipe == "write text over the spool file":
        spool = home / "edge" / "dock-03" / "spool.db"
        spool.parent.mkdir(parents=True)
        spool.write_text("this is a text")
        file.write_text('site = "a"\n[edge]\nagent = "dock-03"\n')
        return file
    file.write_text(case["input"])
    file.chmod(0o644 if "0644" in case.get("note", "") else 0o600)
    return file


def test_every_published_bad_configuration_is_refused_as_stated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (require_examples() / "bad-inputs.jsonl").read_text().splitlines()
    cases = [c for c in map(json.loads, lines) if c["iface"] == "cli_config"]
    wrong = []
    for case in cases:
        folder, home = tmp_path / case["id"], tmp_path / f"{case['id']}-home"
        folder.mkdir()
        monkeypatch.setenv("DOCKLEDGER_HOME", str(home))
        file = prepare(case, folder, home)

        code = run(["config", "check", str(file), "--json"])

        said = json.loads(capsys.readouterr().err)
        if (code, said["code"]) != (2, case["code"]) or said["key"] != case.get("key", ""):
            wrong.append((case["id"], code, said))
    assert wrong == []
    assert len(cases) >= 15
