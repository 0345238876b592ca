"""`make bench`: runs every benchmark and prints its figures with their in-run limits."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them, one after the other."""
    found = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]))
    for name in names or [name for name in found if not name.startswith("_")]:
        run = getattr(importlib.import_module(f"bench.{name}"), "run", None)
        if run is None or _needs_arguments(run):
            continue
        sys.stdout.write(json.dumps({"bench": name, **run()}) + "\n")
        sys.stdout.flush()


def _needs_arguments(run: Callable[..., object]) -> bool:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = inspect.signature(run).parameters.values()
    return any(p.default is p.empty and p.kind not in kinds for p in needed)


if __name__ == "__main__":
    main(sys.argv[1:])
