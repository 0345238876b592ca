"""Configuration documents of agents in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from core.application.ports.agent_config import ConfigVersion
from core.domain.errors import not_found

_ROW = """
SELECT agent, version, document, author, created_at, state, error, reported_at FROM agent_config
WHERE site_id = $1 AND agent = $2
"""
NEWEST = _ROW + "ORDER BY version DESC LIMIT 1"
ONE = _ROW + "AND version = $3"
HISTORY = _ROW + "AND ($3::bigint IS NULL OR version < $3) ORDER BY version DESC LIMIT $4"
LAST_GOOD = _ROW + "AND version < $3 AND state = 'applied' ORDER BY version DESC LIMIT 1"
ADD = """
INSERT INTO agent_config (site_id, agent, version, document, author, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
LOCK = "SELECT agent FROM agent WHERE site_id = $1 AND agent = $2 FOR UPDATE"
KNOWN = "SELECT agent FROM agent WHERE site_id = $1 AND agent = $2"
DEVICES = "SELECT device FROM device WHERE site_id = $1 AND agent = $2 ORDER BY device"
WANTED = "SELECT agent, max(version) AS version FROM agent_config WHERE site_id = $1 GROUP BY agent"


class PgAgentConfigStore:
    """`AgentConfigStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def lock(self, agent: str) -> ConfigVersion | None:
        """See the port."""
        if await self._raw.fetchval(LOCK, self._site, agent) is None:
            raise not_found("agent")
        return await self._first(NEWEST, agent)

    async def add(
        self, agent: str, version: int, document: str, *, author: str, now: int
    ) -> ConfigVersion:
        """See the port."""
        await self._raw.execute(ADD, self._site, agent, version, document, author, now)
        return await self.one(agent, version)

    async def newest(self, agent: str) -> ConfigVersion | None:
        """See the port."""
        if await self._raw.fetchval(KNOWN, self._site, agent) is None:
            raise not_found("agent")
        return await self._first(NEWEST, agent)

    async def one(self, agent: str, version: int) -> ConfigVersion:
        """See the port."""
        found = await self._first(ONE, agent, version)
        if found is None:
            raise not_found("configuration")
        return found

    async def history(self, agent: str, *, limit: int, before: int | None) -> list[ConfigVersion]:
        """See the port."""
        rows = await self._raw.fetch(HISTORY, self._site, agent, before, limit)
        return [ConfigVersion(*row) for row in rows]

    async def last_good(self, agent: str, *, before: int) -> ConfigVersion | None:
        """See the port."""
        return await self._first(LAST_GOOD, agent, before)

    async def devices(self, agent: str) -> Sequence[str]:
        """See the port."""
        return [row["device"] for row in await self._raw.fetch(DEVICES, self._site, agent)]

    async def wanted(self) -> Mapping[str, int]:
        """See the port."""
        return {r["agent"]: r["version"] for r in await self._raw.fetch(WANTED, self._site)}

    async def _first(self, statement: str, *values: Any) -> ConfigVersion | None:
        row = await self._raw.fetchrow(statement, self._site, *values)
        return None if row is None else ConfigVersion(*row)
