"""Portal verdicts on simulated traces that nothing was tuned on, expected lists off.

`python -m bench portal` is the short run; `python -m bench.portal 1000` takes so many loads a row,
`--cross 0 5 --beams yes` only these rows. Seeds derive from the commit id or the name after
`--seeds`; `tuning` is the range that rules may be tuned on.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from uuid import UUID

from bench.portal_air import Air, Moved, Telling
from core.application.decisions import PassCall
from gateway.tracker import Tracker
from tests.unit.gateway.lane import Lane, a_registry

Row = tuple[float, bool]
ROWS: tuple[Row, ...] = (
    *((share, True) for share in (0.0, 0.01, 0.05, 0.20)),
    *((share, False) for share in (0.0, 0.05)),
)
A_RUN = 10
SHORT = 40
JOBS = 2


@dataclass
class Score:
    """Counts of one row. A load is wrong when it is booked at a door or a way it did not go."""

    cross: float
    beams: bool
    loads: int = 0
    right: int = 0
    wrong: int = 0
    undecided: int = 0
    missed: int = 0
    unheard: int = 0
    pallets: int = 0
    pallets_right: int = 0
    perfect: int = 0
    stayed: int = 0
    stayed_moved: int = 0
    tags: int = 0
    tags_lost: int = 0
    tags_wrong: int = 0
    standing: int = 0
    standing_moved: int = 0
    near: int = 0
    near_moved: int = 0
    cross_heard: int = 0
    lost_by: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count another part of the same row in."""
        for one in fields(self)[2:]:
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def line(self) -> dict[str, object]:
        """The row as shares in percent beside its counts."""
        heard = self.loads - self.unheard
        return {
            "cross_pct": round(100 * self.cross, 1),
            "beams": self.beams,
            "loads": self.loads,
            "right_pct": _percent(self.right, heard),
            "wrong": self.wrong + self.stayed_moved,
            "undecided_pct": _percent(self.undecided, heard),
            "missed_pct": _percent(self.missed, heard),
            "unheard": self.unheard,
            "pallets_right_pct": _percent(self.pallets_right, self.pallets),
            "perfect_pct": _percent(self.perfect, heard),
            "not_crossing_loads": self.stayed,
            "standing_rejected_pct": _percent(self.standing - self.standing_moved, self.standing),
            "near_rejected_pct": _percent(self.near - self.near_moved, self.near),
            "false_rejects_pct": _percent(self.tags_lost, self.tags),
            "tags_wrong": self.tags_wrong,
            "tags_cross_read_pct": _percent(self.cross_heard, self.tags),
            "lost_by": dict(self.lost_by.most_common()),
        }


def commit_id() -> str:
    """The commit that is measured."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
    )
    return found.stdout.strip()


def seeds(name: str) -> Iterator[int]:
    """Endless seeds of this name: a commit id, or `tuning`."""
    for number in itertools.count():
        digest = hashlib.sha256(f"{name}/{number}".encode()).digest()
        yield int.from_bytes(digest[:6], "big")


def calls_of(telling: Telling, *, beams: bool) -> list[PassCall]:
    """The final calls of both doors."""
    lane = Lane(Tracker(a_registry(beams=beams), ids=_ids(), early=False))
    heard = telling.heard()
    lane.hear_all([one for one in heard if beams or hasattr(one[0].what, "epc")])
    lane.rest(6.0)
    return lane.calls()


def _ids() -> Callable[[], UUID]:
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers))


def scores_of(seed: int, rows: Sequence[Row]) -> list[Score]:
    """One run of traces, told once for each row."""
    air = Air(seed, loads=A_RUN)
    found = []
    for cross, beams in rows:
        telling = Telling(air, cross)
        score = Score(cross, beams)
        count(score, telling, calls_of(telling, beams=beams))
        found.append(score)
    return found


def measure(name: str, loads: int, *, rows: Sequence[Row] = ROWS, jobs: int = JOBS) -> list[Score]:
    """Rows over at least so many crossing loads; the same seeds in the same order for each."""
    totals = [Score(cross, beams) for cross, beams in rows]
    for scores in _in_order(partial(scores_of, rows=rows), seeds(name), jobs):
        for total, score in zip(totals, scores, strict=True):
            total.add(score)
        if totals[0].loads >= loads:
            break
    return totals


def _in_order(
    score: Callable[[int], list[Score]], drawn: Iterator[int], jobs: int
) -> Iterator[list[Score]]:
    if jobs == 1:
        yield from map(score, drawn)
        return
    with ProcessPoolExecutor(jobs) as pool:
        while True:
            yield from pool.map(score, itertools.islice(drawn, 2 * jobs))


def count(score: Score, telling: Telling, calls: Iterable[PassCall]) -> None:
    """Compare what was called with what was moved."""
    air = telling.air
    booked: dict[str, list[tuple[str, str]]] = {}
    asked: set[str] = set()
    why: dict[tuple[str, str], str] = {}
    near = {key for one in air.moved if one.kind in ("near", "turned_back") for key in one.keys}
    for call in calls:
        for key, tag in call.tags.items():
            crossed = tag.crossed and call.direction in ("in", "out")
            if key in air.standing:
                score.standing += 1
                score.standing_moved += crossed
            elif key in near:
                score.near += 1
                score.near_moved += crossed
            if crossed:
                booked.setdefault(key, []).append((call.portal, call.direction))
            elif tag.crossed and call.direction == "undecided":
                asked.add(key)
            why[key, call.portal] = tag.reason or call.direction
    for one in air.moved:
        _load(score, telling, one, booked, asked, why)


def _load(
    score: Score,
    telling: Telling,
    one: Moved,
    booked: dict[str, list[tuple[str, str]]],
    asked: set[str],
    why: dict[tuple[str, str], str],
) -> None:
    air = telling.air
    heard = {key for key in one.keys if air.reads[key]}
    crosses = one.kind in ("in", "out")
    truth = [(one.door, one.kind)]
    right = {key for key in heard if booked.get(key) == truth}
    wrong = {key for key in heard if set(booked.get(key, [])) - (set(truth) if crosses else set())}
    if not crosses:
        score.stayed += 1
        score.stayed_moved += 2 * len(wrong) > len(heard)
        if wrong:
            score.failures.append(f"{air.seed} {one.door} {one.kind}: {len(wrong)} booked")
        return
    score.loads += 1
    score.tags += len(heard)
    score.tags_wrong += len(wrong)
    lost = {key for key in heard if key not in booked}
    score.tags_lost += len(lost)
    score.lost_by.update(why.get((key, one.door), "unseen") for key in lost)
    score.cross_heard += len(one.keys & telling.crossed_over)
    if not heard:
        score.unheard += 1
        return
    score.pallets += one.pallet
    score.perfect += right == heard
    if 2 * len(wrong) >= len(heard):
        score.wrong += 1
        outcome = "wrong"
    elif 2 * len(right) >= len(heard):
        score.right += 1
        score.pallets_right += one.pallet
        return
    elif 2 * len(asked & heard) >= len(heard):
        score.undecided += 1
        outcome = "undecided"
    else:
        score.missed += 1
        outcome = "missed"
    said = Counter(why.get((key, one.door), "unseen") for key in heard)
    score.failures.append(
        f"{air.seed} {one.door} {one.kind} {one.speed_mps:.1f} m/s {outcome}:"
        f" {len(heard)}/{len(one.keys)} heard, {dict(said)}"
    )


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 100.0


def report(
    loads: int, *, name: str, rows: Sequence[Row] = ROWS, jobs: int = JOBS, verbose: bool = False
) -> dict[str, object]:
    """The table: cross-read shares with beams, and the plain door without beams."""
    scores = measure(name, loads, rows=rows, jobs=jobs)
    lines = [one.line() | ({"failures": one.failures} if verbose else {}) for one in scores]
    return {"seeds_from": name, "rows": lines}


def run() -> dict[str, object]:
    """The short table."""
    return {"portal": report(SHORT, name=commit_id())}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.portal", description=__doc__)
    parser.add_argument("loads", type=int, nargs="?", default=SHORT)
    parser.add_argument("--cross", type=float, nargs="+", help="only these shares, percent")
    parser.add_argument("--beams", choices=("yes", "no"))
    parser.add_argument("--seeds", default=None, help="name the seeds derive from")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("-v", action="store_true", help="name each failure")
    args = parser.parse_args()
    rows = [
        (share, beams)
        for share, beams in ROWS
        if (args.cross is None or round(100 * share) in args.cross)
        and (args.beams is None or beams == (args.beams == "yes"))
    ]
    if not rows:
        parser.error(f"no such row; rows are {ROWS}")
    name = args.seeds or commit_id()
    table = report(args.loads, name=name, rows=rows, jobs=args.jobs, verbose=args.v)
    sys.stdout.write(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
