"""Kill -9 of every process in turn under load: no read is lost, no move stands twice.

DOCKLEDGER_SEED repeats the order of kills of a printed seed, DOCKLEDGER_KILLS says how many, and
DOCKLEDGER_SOAK=1 kills longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from runtime.clock import now_us
from simulators.api import Api
from simulators.floor import Floor
from simulators.lead import Lead
from tests.e2e.book import Book, against_truth, doubled, read_book
from tests.e2e.checker import (
    Hole,
    archived,
    compare,
    excuses,
    frames_of,
    held_before,
    holes_in,
    last_crossings,
    lines,
    seen_by,
)
from tests.e2e.stack import Json, Stack, a_stack, all_live, say
from tests.waiting import eventually

SOAK = os.environ.get("DOCKLEDGER_SOAK") == "1"
KILLS = int(os.environ.get("DOCKLEDGER_KILLS") or (40 if SOAK else 12))
PACE_S = 6.0 if SOAK else 5.0
# The ring keeps what the smoother holds; this is for what a starved agent left in its socket.
HOLD_US = 270_000
AGENT_OF = {"dock-1-r": "dock-1", "dock-2-r": "dock-2", "conv-1-r": "floor-1", "stage-r": "floor-1"}
OPEN_US = 5_000_000
PATIENCE_S = 40.0
TURNS = ("edge-dock-1", "gateway", "broker", "api", "postgres", "edge-dock-2", "edge-floor-1")


@pytest.mark.slow
async def test_nothing_is_lost_and_nothing_doubled_over_kills_in_turn() -> None:
    seed = int(os.environ.get("DOCKLEDGER_SEED") or time.time_ns() % 1_000_000)
    say(f"seed {seed}: {KILLS} kills, one every {PACE_S:.0f} s")
    async with a_stack(seed=7, speed=100.0, orders_an_hour=60.0) as stack:
        await eventually(lambda: crossed(stack), within=40, every=0.5)
        kills = await kill_in_turn(stack, random.Random(seed))
        await all_live(stack, within=60)
        await quiet(stack)
        code, said = await stack.command("verify", "--config", str(stack.demo.config))
        read_at = now_us()
        book = await read_book(stack.database_url)
        archive = archived(stack.home / "archive", book.cursors)

        wrong: list[str] = []
        for device in AGENT_OF:
            frames, seen = frames_of(stack.truth, device), seen_by(archive, device)
            own = kills[f"edge-{AGENT_OF[device]}"]
            holes = excuses(frames, own, HOLD_US)
            still = Hole(read_at - OPEN_US, read_at + OPEN_US, "still open at the end")
            report = compare(frames, seen, [*holes, still])
            held = held_before(frames, [*seen], own)
            say(
                f"{device}: {report.reads} reads, {len(report.lost)} lost,"
                f" {len(report.invented)} doubled, excused {report.excused},"
                f" held at most {held / 1000:.0f} ms, without connection"
                f" {sum(hole.end - hole.start for hole in frames.silent) / 1e6:.1f} s"
            )
            wrong += [f"{device} lost {read}" for read in report.lost[:5]]
            wrong += [f"{device} doubled {one}" for one in report.invented[:5]]
        compared, unlike = unlike_truth(stack, book)
        twice = doubled(book.moves)
        count = sum(len(times) for times in kills.values())
        say(
            f"seed {seed}: {count} kills, {len(book.moves)} moves, {len(twice)} doubled,"
            f" {compared} tags and cartons compared with the truth, {len(unlike)} unlike,"
            f" passes {dict(book.passes)}"
        )

    assert wrong == []
    assert holes_in(archive, book.cursors, book.dead) == {}
    assert twice == []
    assert unlike == []
    assert compared > 30
    assert (code, said) == (0, "0 drift: the book agrees with its moves\n")
    assert count == KILLS


def crossed(stack: Stack) -> bool:
    """Whether the first load went through a door."""
    truth = stack.truth / "truth.jsonl"
    return truth.exists() and any(line["kind"] == "crossed" for line in lines(truth))


async def kill_in_turn(stack: Stack, rng: random.Random) -> dict[str, list[int]]:
    """Kill the processes in turn at uneven intervals; the instants by process."""
    kills: dict[str, list[int]] = defaultdict(list)
    turns = [TURNS[n % len(TURNS)] for n in range(KILLS)]
    rng.shuffle(turns)
    began, pace = time.monotonic(), PACE_S
    for number, child in enumerate(turns):
        due = began + pace * (number + rng.uniform(0.1, 0.9))
        await asyncio.sleep(max(due - time.monotonic(), 0))
        await eventually(partial(stack.live, child), within=30)
        with contextlib.suppress(AssertionError):
            await eventually(partial(reading, stack, WATCHED.get(child, DOORS)), within=pace)
        kills[child].append(stack.kill9(child))
    return kills


DOORS = ("dock-1-r", "dock-2-r")
WATCHED = {"edge-dock-1": DOORS[:1], "edge-dock-2": DOORS[1:], "edge-floor-1": ("conv-1-r",)}


async def reading(stack: Stack, readers: Sequence[str]) -> bool:
    """Whether one of these readers tells reads just now: a kill should hurt."""
    files = [stack.truth / f"frames-{name}.jsonl" for name in readers]
    before = [size(file) for file in files]
    await asyncio.sleep(0.15)
    return any(size(file) > was + 200 for file, was in zip(files, before, strict=True))


async def quiet(stack: Stack) -> None:
    """Nobody begins work, loads come to rest, the lead settles, every reading is in the ledger.

    A forklift driver whose load did not count carries it back and tries again: at rest is who is
    through with that, or for longer than the patience of all.
    """
    await stack.control("/crew", {"running": False})
    lead = LastLead(stack)
    before: tuple[int, ...] = ()
    since = time.monotonic()

    async def rests() -> bool:
        nonlocal before, since
        await lead.work()
        now = tuple(size(stack.truth / f"{name}.jsonl") for name in RESTING)
        if now != before:
            before, since = now, time.monotonic()
        rest = time.monotonic() - since
        if rest < 8.0 or not await settled(stack):
            return False
        return rest > PATIENCE_S or not unlike_truth(stack, await read_book(stack.database_url))[1]

    await eventually(rests, within=120, every=0.5)


def unlike_truth(stack: Stack, book: Book) -> tuple[int, list[str]]:
    """Tags and cartons compared, and those whose book is not what happened."""
    truth = stack.truth / "truth.jsonl"
    return against_truth(book, last_crossings(truth, "dock-1"), last_crossings(truth, "dock-2"))


class LastLead(Lead):
    """The simulated lead, who goes on settling from the truth when everybody else rests."""

    def __init__(self, stack: Stack) -> None:
        key = (stack.demo.folder / "manager.key").read_text().strip()
        world = SimpleNamespace(clock=time.time, journal=Truth(stack.truth / "truth.jsonl"))
        super().__init__(cast(Floor, SimpleNamespace(api=Api(stack.demo.url, key), world=world)))


class Truth:
    """The journal of what really happened, as it is now."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def lines(self) -> list[Json]:
        """All lines so far."""
        return list(lines(self._file))


RESTING = ("truth", "frames-dock-1-r", "frames-dock-2-r")


def size(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


async def settled(stack: Stack) -> bool:
    """No pass waits for anybody and every agent's stream is in the ledger."""
    with contextlib.suppress(httpx.HTTPError):
        waits = [
            *await stack.items("/v1/passes", state="undecided"),
            *await stack.items("/v1/passes", state="open"),
            *await stack.items("/v1/passes", booking="proposed"),
        ]
        agents = (await stack.get("/v1/agents"))["items"]
        return not waits and all(row["spooled"] == 0 for row in agents)
    return False
