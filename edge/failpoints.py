"""Failpoints: named places where a fault run kills the process (`FAULT=edge_before_send:kill`).

Unset, a failpoint is one comparison; a name that no code passes is refused at start.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

NAMES = frozenset(
    {
        "edge_before_commit",
        "edge_after_commit",
        "edge_before_send",
        "edge_after_send",
        "edge_before_delete",
        "edge_before_ring",
        "edge_new_segment",
        "edge_after_ring",
    }
)

Hit = Callable[[str], None]


def no_faults(name: str) -> None:
    """The failpoints of a run without faults."""


def kill_at(environment: Mapping[str, str]) -> Hit:
    """Failpoints as `FAULT` asks: kill -9 when the named place is passed for the nth time.

    `FAULT=name:kill` kills at the first pass, `FAULT=name:kill:5` at the fifth. Several are
    separated by commas; names of other roles are left to them.
    """
    due: dict[str, int] = {}
    for fault in filter(None, environment.get("FAULT", "").split(",")):
        name, _, rest = fault.partition(":")
        action, _, count = rest.partition(":")
        if not name.startswith("edge_"):
            continue
        if name not in NAMES or action != "kill" or not (count or "1").isdigit():
            raise ValueError(f"FAULT names no edge failpoint; known are {', '.join(sorted(NAMES))}")
        due[name] = int(count or 1)
    if not due:
        return no_faults

    def hit(name: str) -> None:
        if name in due:
            due[name] -= 1
            if due[name] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hit
