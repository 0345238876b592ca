"""Calibration of a portal from labelled recordings: thresholds that err less, if any do.

Coordinate search over a few thresholds that a person can read; what was held out decides. The rules
stay unless the fit errs less on both parts, and on the held-out one no more in any kind of error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

STAYED = "stayed"
Replays = Callable[[Mapping[str, float]], Sequence["Crossing"]]
# A wrong direction books goods the wrong way, a false accept what never moved; a miss is seen.
COST = {"wrong_direction": 10, "false_accept": 4, "false_reject": 1}
ROUNDS = 2
HELD_OUT_OF_TEN = 4
CANDIDATES: Mapping[str, tuple[float, ...]] = {
    "floor_dbm": (-84.0, -81.0, -75.0, -72.0, -69.0, -66.0),
    "motion_db": (2.0, 4.0, 5.0),
    "static_sd_db": (0.3, 0.8, 1.1),
    "same_level_db": (1.5, 2.0, 4.5),
    "majority": (0.5, 0.7, 0.8),
    "alone": (0.8, 0.95),
    "expected_reads": (1.5, 5.0),
    "apart_us": (1_000_000, 3_000_000),
    "lookback_us": (4_000_000, 9_000_000),
}


@dataclass(frozen=True, slots=True)
class Label:
    """The truth of one tag in one run: `moved` in, out or stayed; times in microseconds UTC."""

    epc_key: str
    truth: str
    run: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """One tag that a pass carried: normal key, way, when."""

    epc_key: str
    direction: str
    at: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of (truth, answer) over labels."""

    counts: Mapping[tuple[str, str], int]

    @property
    def total(self) -> int:
        """All labels."""
        return sum(self.counts.values())

    def wrong(self, kind: str) -> int:
        """How many labels of one kind of error."""
        return sum(n for pair, n in self.counts.items() if kind_of(*pair) == kind)

    @property
    def cost(self) -> int:
        """The errors weighted."""
        return sum(COST[kind] * self.wrong(kind) for kind in COST)

    @property
    def right(self) -> int:
        """Labels answered as they are."""
        return sum(n for pair, n in self.counts.items() if kind_of(*pair) is None)


def kind_of(truth: str, answer: str) -> str | None:
    """The kind of error, None when the answer is right. `moved` is right in either way."""
    if truth == STAYED:
        return None if answer == STAYED else "false_accept"
    if answer == STAYED:
        return "false_reject"
    return None if truth in (answer, "moved") else "wrong_direction"


def confusion(labels: Iterable[Label], crossings: Sequence[Crossing]) -> Confusion:
    """What the passes said of each label; a tag carried both ways in its window counts as wrong."""
    by_tag: dict[str, list[Crossing]] = {}
    for crossing in crossings:
        by_tag.setdefault(crossing.epc_key, []).append(crossing)
    counts: dict[tuple[str, str], int] = {}
    for label in labels:
        ways = {
            c.direction for c in by_tag.get(label.epc_key, []) if label.since <= c.at <= label.until
        }
        answer = STAYED if not ways else ways.pop() if len(ways) == 1 else "both"
        counts[label.truth, answer] = counts.get((label.truth, answer), 0) + 1
    return Confusion(counts)


def split(labels: Sequence[Label], *, seed: str) -> tuple[list[Label], list[Label]]:
    """(training, held out), whole runs on one side; some two fifths of the runs of each truth."""
    truth_of = {label.run: label.truth for label in labels}
    held: set[str] = set()
    for truth in set(truth_of.values()):
        runs = sorted((r for r in truth_of if truth_of[r] == truth), key=lambda r: _order(seed, r))
        held.update(runs[: max(len(runs) * HELD_OUT_OF_TEN // 10, len(runs) > 1)])
    training = [label for label in labels if label.run not in held]
    return training, [label for label in labels if label.run in held]


def _order(seed: str, run: str) -> str:
    return hashlib.sha256(f"{seed}/{run}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found: `kept` are the thresholds to use, empty when the rules stay; and why."""

    kept: Mapping[str, float]
    tried: Mapping[str, float]
    reason: str
    rules: Confusion
    learned: Confusion
    training_cost: tuple[int, int]


def fit(
    training: Sequence[Label],
    held_out: Sequence[Label],
    replay: Replays,
    *,
    search: Replays | None = None,
) -> Fit:
    """Search on the training labels, judge on the held-out ones. `replay` runs the recordings;
    `search` may be a quicker one that only leads to candidates."""
    quick = search or replay
    rules = confusion(held_out, replay({}))
    best: dict[str, float] = {}
    first = cost = confusion(training, quick({})).cost
    for _ in range(ROUNDS):
        before = cost
        for name, values in CANDIDATES.items():
            for value in values if cost else ():
                trial = {**best, name: value}
                found = confusion(training, quick(trial)).cost
                if found < cost:
                    best, cost = trial, found
        if cost == before or not cost:
            break
    if not best:
        return Fit({}, {}, "nothing errs less than the rules", rules, rules, (first, first))
    learned = confusion(held_out, replay(best))
    reason = _objection(rules, learned)
    return Fit({} if reason else best, best, reason or "fitted", rules, learned, (first, cost))


def _objection(rules: Confusion, learned: Confusion) -> str:
    """Why the fit may not replace the rules; empty when it may."""
    if not rules.total:
        return "no run could be held out"
    for kind in COST:
        if learned.wrong(kind) > rules.wrong(kind):
            return f"more {kind.replace('_', ' ')}s on the held-out part than the rules"
    if learned.cost >= rules.cost:
        return "no better than the rules on the held-out part"
    return ""
