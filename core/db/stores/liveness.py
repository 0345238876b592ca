"""Signs of life in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from core.domain.liveness import AgentFact, CellFact

AGENTS = """
SELECT s.agent, a.cell, s.state, s.boot, s.seq, s.received_at, c.seq AS cursor,
  coalesce((SELECT json_object_agg(d.device, d.state) FROM device_state d
    JOIN device r USING (site_id, agent, device)
    WHERE d.site_id = s.site_id AND d.agent = s.agent), '{}')::text AS devices,
  coalesce((SELECT json_object_agg(d.device, d.health) FROM device_state d
    WHERE d.site_id = s.site_id AND d.agent = s.agent AND d.health ? 'alarms'), '{}')::text
    AS health,
  s.config_state, s.config_offered, s.config_error
FROM agent_status s JOIN agent a USING (site_id, agent)
LEFT JOIN cursor c ON c.site_id = s.site_id AND c.agent = s.agent AND c.boot = s.boot
WHERE s.site_id = $1 AND a.state = 'active' ORDER BY s.agent
"""
CELLS = "SELECT cell, epoch, beats FROM cell_beat WHERE site_id = $1 ORDER BY cell"
STANDING = """
SELECT kind, subject FROM exception
WHERE site_id = $1 AND kind = ANY($2) AND resolved_at IS NULL
"""
TURN = """
UPDATE device_state d SET state = k.state, since = $2
FROM unnest($3::text[], $4::text[], $5::text[]) AS k(agent, device, state)
WHERE d.site_id = $1 AND d.agent = k.agent AND d.device = k.device AND d.state <> k.state
"""


def _fact(row: dict[str, Any]) -> AgentFact:
    config = tuple(row.pop(f"config_{name}") for name in ("state", "offered", "error"))
    parsed = {name: json.loads(row.pop(name)) for name in ("devices", "health")}
    return AgentFact(**row, **parsed, config=config)


class PgLivenessStore:
    """`LivenessStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def agents(self) -> Sequence[AgentFact]:
        """See the port."""
        rows = await self._raw.fetch(AGENTS, self._site)
        return [_fact(dict(row)) for row in rows]

    async def cells(self) -> Sequence[CellFact]:
        """See the port."""
        rows = await self._raw.fetch(CELLS, self._site)
        return [CellFact(row["cell"], row["epoch"], row["beats"]) for row in rows]

    async def standing(self, kinds: Sequence[str]) -> set[tuple[str, str]]:
        """See the port."""
        rows = await self._raw.fetch(STANDING, self._site, list(kinds))
        return {(row["kind"], row["subject"]) for row in rows}

    async def turn_devices(self, states: Mapping[tuple[str, str], str], *, now: int) -> None:
        """See the port."""
        if not states:
            return
        await self._raw.execute(
            TURN,
            self._site,
            now,
            [agent for agent, _ in states],
            [device for _, device in states],
            list(states.values()),
        )
