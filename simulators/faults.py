"""Faults of readers on request: death, a cut network, clock steps, a pulled cable, doubled reports.

Each lasts until `heal`; a fault on a reader that does not exist is refused by its code.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.reader import SimReader
from simulators.world import World

KINDS = (
    "reader_dies",
    "network_cut",
    "reader_hangs_up",
    "clock_jump",
    "antenna_unplugged",
    "duplicate_reports",
    "heal",
)
JUMP_S = -5.0


class FaultError(Exception):
    """The request cannot be done; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def apply_fault(world: World, request: Mapping[str, object]) -> None:
    """Do what {kind, reader, seconds?, antenna?} says."""
    kind = request.get("kind")
    reader = world.readers.get(str(request.get("reader")))
    if reader is None:
        raise FaultError("no-such-reader")
    if kind not in KINDS:
        raise FaultError("no-such-fault")
    seconds, antenna = request.get("seconds"), request.get("antenna")
    if kind == "clock_jump":
        step = float(seconds) if isinstance(seconds, int | float) else JUMP_S
        reader.offset_us += round(step * 1_000_000)
    elif kind == "antenna_unplugged":
        await reader.unplug(antenna if isinstance(antenna, int) else 1)
    elif kind == "duplicate_reports":
        reader.duplicating = True
    elif kind == "reader_dies":
        await reader.server.die()
    elif kind == "reader_hangs_up":
        await reader.server.hang_up()
    elif kind == "network_cut":
        reader.server.cut()
    else:
        await heal(reader, host=world.settings.host)


async def heal(reader: SimReader, *, host: str) -> None:
    """Undo every fault of a reader."""
    reader.offset_us = 0
    reader.duplicating = False
    for port in sorted(reader.unplugged):
        await reader.plug(port)
    reader.server.heal()
    if not reader.server.listening:
        await reader.server.listen(host)
