"""The ledger check in SQL: all invariants in one repeatable-read snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import asyncpg

from core.application.ports.verify import Finding
from core.db.stores.verify_sql import CHECKS, RECORD


class PgVerifyStore:
    """`VerifyStore` on one raw connection."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def findings(self, *, limit: int) -> Sequence[Finding]:
        """See the port. The whole list is one statement, so it sees one snapshot."""
        parts = [
            f"SELECT '{name}' AS invariant, subject, fact"
            f" FROM (SELECT * FROM ({query}) AS q LIMIT {int(limit)}) AS c{place}"
            for place, (name, query) in enumerate(CHECKS.items())
        ]
        rows = await self._raw.fetch(" UNION ALL ".join(parts), self._site)
        return [Finding(row["invariant"], row["subject"], row["fact"]) for row in rows]

    async def record(self, findings: Sequence[Finding], *, started_at: int, at: int) -> None:
        """See the port."""
        listed = json.dumps([asdict(finding) for finding in findings])
        await self._raw.execute(RECORD, self._site, started_at, at, len(findings), listed)
