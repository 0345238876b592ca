"""Opening the ring at an agent's start, and saying whether it is replayed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from edge.failpoints import Hit, no_faults
from edge.journal import Mark
from edge.ring import Ring, at_once
from edge.ring_file import last_line, read_ring
from edge.ring_replay import Recovered, recover
from edge.ring_segments import DEFAULT_BOUNDS, Bounds
from edge.spool import Offload, Spool

log = logging.getLogger(__name__)


def ring_folder(spool: Path) -> Path:
    """Where the ring of the agent with this spool lies."""
    return spool.with_name(spool.name + ".ring")


async def open_ring(
    folder: Path,
    *,
    spool: Spool,
    offload: Offload,
    now_us: Callable[[], int],
    bounds: Bounds = DEFAULT_BOUNDS,
    soon: Callable[[Callable[[], None]], object] = at_once,
    hit: Hit = no_faults,
) -> tuple[Ring, Recovered]:
    """The ring, and what a killed agent was about to say; `spool.mark` is set from here on.

    A spool that never met this ring takes nothing from it, nor does one that is older than the
    ring or knows of more than it.
    """
    mark = spool.mark
    if mark is None:
        found = Recovered(await offload(lambda: last_line(folder)))
    else:
        known = mark
        found = await offload(lambda: recover(read_ring(folder, from_line=known.base), known))
    if mark is None or found.verdict != "whole":
        await spool.put_mark(Mark(found.last, found.last + 1))
    if found.verdict != "whole":
        log.error("ring_not_replayed", extra={"why": found.verdict, "line": found.last})
    elif found.pending or found.held:
        what = {"reads": found.reads, "readings": len(found.pending) + len(found.held)}
        log.warning("ring_replayed", extra=what)
    ring = Ring(folder, last=found.last, now_us=now_us, bounds=bounds, soon=soon, hit=hit)
    return ring, found
