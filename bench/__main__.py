"""`make bench`: runs every benchmark and prints its figures beside the limits of the same run.

A module of this package offers `run()`; it returns figures, or a report that knows its figures.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Figure

# In the order of a read's way.
FIRST = ("llrp", "edge", "codec", "gateway", "ledger", "orders", "verdict")


def main(words: list[str]) -> None:
    """Run the named benchmarks, or all of them, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", help="benchmarks; all of them without a name")
    parser.add_argument("--runs", type=int, help="repetitions, where a benchmark counts runs")
    parser.add_argument("--days", type=int, help="days of history, where a benchmark makes some")
    parser.add_argument("--per-day", type=int, help="readings a day of that history")
    wish = parser.parse_args(words)
    here = str(Path(__file__).parent)
    found = {m.name for m in pkgutil.iter_modules([here])} - {"figure", "__main__"}
    ordered = [n for n in FIRST if n in found] + sorted(found - set(FIRST))
    for name in wish.names or ordered:
        run = getattr(importlib.import_module(f"bench.{name}"), "run", None)
        if run is not None:
            known = inspect.signature(run).parameters
            given = {name: n for name, n in vars(wish).items() if n and name in known}
            for line in _lines(run(**given)):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


def _lines(result: object) -> Iterable[str]:
    figures = getattr(result, "figures", None)
    if callable(figures):
        result = figures()
    if isinstance(result, list):
        return [str(figure) for figure in result if isinstance(figure, Figure)]
    return [json.dumps(result)]


if __name__ == "__main__":
    main(sys.argv[1:])
