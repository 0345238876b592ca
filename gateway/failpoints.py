"""Failpoints of the gateway: where a fault run kills it (`FAULT=before_commit:kill`).

Unset, a failpoint is one call of an empty function; a name that no code passes is refused at start.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

NAMES = frozenset({"before_commit", "after_commit", "before_apply", "before_cursor"})

Hit = Callable[[str], None]


def no_faults(name: str) -> None:
    """The failpoints of a run without faults."""


def kill_at(environment: Mapping[str, str]) -> Hit:
    """`FAULT=name:kill[:n]` kills at the nth passing; names of other roles are left alone."""
    due: dict[str, int] = {}
    for fault in filter(None, environment.get("FAULT", "").split(",")):
        name, _, rest = fault.partition(":")
        action, _, count = rest.partition(":")
        if name not in NAMES:
            continue
        if action != "kill" or not (count or "1").isdigit():
            raise ValueError("FAULT is name:kill or name:kill:n")
        due[name] = int(count or 1)
    if not due:
        return no_faults

    def hit(name: str) -> None:
        if name in due:
            due[name] -= 1
            if due[name] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hit
