"""Documents tell the truth: every path they name exists, every command they print is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runtime.cli.main import nouns

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
_PACKAGES = "contracts|edge|gateway|core|dashboards|simulators|runtime|tests|docs"
_PATH = re.compile(rf"`((?:{_PACKAGES})/[^`\s]*)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_COMMAND = re.compile(r"\bdockledger ([a-z][a-z-]+)")
_TARGET = re.compile(r"`make ([a-z]+)`")


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = _PATH.findall(_text(page))
    gone = [path for path in named if not any(ROOT.glob(path.rstrip("/")))]
    assert gone == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    assert [link for link in _LINK.findall(_text(page)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_prints_is_there(page: str) -> None:
    known = {*nouns(), "is", "runs", "has"}
    assert sorted(set(_COMMAND.findall(_text(page))) - known) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_is_there(page: str) -> None:
    makefile = _text("Makefile")
    targets = set(_TARGET.findall(_text(page)))
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_the_hop_list_covers_every_process_role() -> None:
    hops = _text("docs/architecture.md")
    for package in ("edge/", "gateway/", "core/", "runtime/"):
        assert len(re.findall(rf"`{package}", hops)) >= 3
