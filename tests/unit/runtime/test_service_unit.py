"""The systemd unit of the agent names only what an installation of the package puts there."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
UNIT = (ROOT / "deploy/systemd/dockledger-edge.service").read_text(encoding="utf-8")


def named(setting: str) -> str:
    """The one value of a setting."""
    (value,) = (
        line.partition("=")[2] for line in UNIT.splitlines() if line.startswith(f"{setting}=")
    )
    return value


def test_its_documentation_is_installed_beside_the_command_it_starts() -> None:
    program = Path(named("ExecStart").split()[0])
    prefix = program.parents[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    installed = {
        prefix / folder / Path(file).name: ROOT / file
        for folder, files in project["tool"]["setuptools"]["data-files"].items()
        for file in files
    }

    page = Path(named("Documentation").removeprefix("file://"))
    assert installed[page].is_file()
    assert program.name in project["project"]["scripts"]


def test_the_page_says_the_places_the_unit_uses() -> None:
    page = (ROOT / "docs/agent.md").read_text(encoding="utf-8")
    words = named("ExecStart").split()

    assert words[1:3] == ["edge", "--config"]
    assert f"`{words[3]}`" in page
    assert str(Path(words[0]).parents[1]) in page
