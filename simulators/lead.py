"""The shift lead: settles what the portals could not decide, confirms proposals, reads exceptions.

The lead stood at the door: an undecided pass is settled by what really happened there.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from simulators.api import ApiRefusedError, Json, text
from simulators.floor import Floor
from simulators.journal import Line

log = logging.getLogger("simulators.lead")

LOOK_S = 2.0
READ_S = 60.0
SLACK_US = 15_000_000


class Lead:
    """One lead for all doors."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def work(self) -> None:
        """Look at open decisions once."""
        api = self._floor.api
        for one in await api.items("/v1/passes", state="undecided"):
            seen = self._what_happened(one)
            if seen is not None:
                await self._do(f"/v1/passes/{text(one, 'id')}/settle", {"state": seen})
        for one in await api.items("/v1/passes", booking="proposed"):
            seen = self._what_happened(one)
            act = "confirm" if seen == text(one, "state") else "dismiss"
            if seen is not None:
                await self._do(f"/v1/passes/{text(one, 'id')}/{act}", {})
        await asyncio.sleep(LOOK_S)

    async def read_exceptions(self) -> None:
        """Take note of the exceptions that stood for a while."""
        await self._floor.spend(READ_S)
        for one in await self._floor.api.items("/v1/exceptions", open="true"):
            if not one.get("acknowledged_at"):
                await self._do(f"/v1/exceptions/{text(one, 'id')}/acknowledge", {})

    async def _do(self, path: str, body: Json) -> None:
        try:
            await self._floor.api.post(path, body)
        except ApiRefusedError as refusal:
            log.info("lead_refused", extra={"path": path, "code": refusal.code})

    def _what_happened(self, one: Json) -> str | None:
        """The true direction of the load that passed this door then; None while it still moves."""
        opened = _us(text(one, "opened_at"))
        closed = _us(text(one, "closed_at")) or opened
        if not opened:
            return None
        door = text(one, "portal")
        now = int(self._floor.world.clock() * 1_000_000)
        near: list[tuple[int, Line]] = []
        for line in self._floor.world.journal.lines:
            at = line.get("t_us")
            if line.get("door") != door or not isinstance(at, int):
                continue
            if opened - SLACK_US <= at <= closed + SLACK_US:
                near.append((abs(at - (opened + closed) // 2), line))
        if not near:
            # Nothing crossed here: a glimpse of the neighbour's load or of a stray.
            return "not_crossed" if now - closed > 2 * SLACK_US else None
        line = min(near, key=lambda found: found[0])[1]
        if line.get("kind") != "crossed":
            return "not_crossed"
        return "in" if line.get("direction") == "in" else "out"


def _us(stamp: str) -> int:
    """Microseconds of an RFC 3339 time, 0 when there is none."""
    if not stamp:
        return 0
    return int(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1_000_000)
