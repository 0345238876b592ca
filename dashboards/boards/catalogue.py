"""Every board, and the files they are committed as."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dashboards.boards import pipeline, shift
from dashboards.panels import Board

RENDERED: Final = Path(__file__).parent.parent / "rendered"


def boards() -> tuple[Board, ...]:
    """In the order of their folders."""
    return (shift.board(), pipeline.board())


def rendered() -> Mapping[str, str]:
    """JSON by path below `rendered`."""
    return {board.path: board.render() for board in boards()}


def write(place: Path = RENDERED) -> list[str]:
    """Write what differs; boards that are no more are deleted. The paths touched."""
    wanted, touched = rendered(), []
    for path in sorted(place.rglob("*.json")):
        name = path.relative_to(place).as_posix()
        if name not in wanted:
            path.unlink()
            touched.append(name)
    for name, text in wanted.items():
        path = place / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            touched.append(name)
    return touched


def stale(place: Path = RENDERED) -> list[str]:
    """Paths whose committed JSON is not what the code says."""
    wanted = rendered()
    found = {
        path.relative_to(place).as_posix(): path.read_text(encoding="utf-8")
        for path in place.rglob("*.json")
    }
    return sorted(n for n in wanted.keys() | found.keys() if wanted.get(n) != found.get(n))
