"""Keys, sessions and idempotency in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.application.ports.platform import KeyRecord, StoredAnswer
from core.domain.errors import Unavailable

_KEY = "k.key_id, k.name, k.prefix, k.digest, k.role, k.sites, k.owners, k.channels"
BY_PREFIX = f"SELECT {_KEY} FROM api_key k WHERE k.prefix = $1 AND k.revoked_at IS NULL"
BY_SESSION = f"""
SELECT {_KEY} FROM session s JOIN api_key k USING (key_id)
WHERE s.digest = $1 AND s.expires_at > $2 AND k.revoked_at IS NULL
"""
CLAIM = """
INSERT INTO idempotency (key_id, route, idempotency_key, fingerprint, created_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1
"""
STORED = """
SELECT fingerprint, response_status, response_body FROM idempotency
WHERE key_id = $1 AND route = $2 AND idempotency_key = $3
"""
ANSWER = """
UPDATE idempotency SET response_status = $4, response_body = $5
WHERE key_id = $1 AND route = $2 AND idempotency_key = $3
"""
ADD_KEY = """
INSERT INTO api_key (key_id, name, prefix, digest, role, sites, owners, channels, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


def _record(row: Any) -> KeyRecord:
    return KeyRecord(
        UUID(int=row["key_id"].int),
        row["name"],
        row["prefix"],
        bytes(row["digest"]),
        row["role"],
        tuple(row["sites"]),
        tuple(row["owners"]),
        tuple(row["channels"]),
    )


# Opening a connection fails with the driver's errors or, wrapped, with those of SQLAlchemy.
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)


class PgKeyStore:
    """`KeyStore` outside a transaction: one statement on a pooled connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_prefix(self, prefix: str) -> KeyRecord | None:
        """See the port."""
        return await self._one(BY_PREFIX, prefix)

    async def by_session(self, digest: bytes, *, now: int) -> KeyRecord | None:
        """See the port."""
        return await self._one(BY_SESSION, digest, now)

    async def _one(self, query: str, *arguments: object) -> KeyRecord | None:
        try:
            async with self._engine.connect() as connection:
                proxied = await connection.get_raw_connection()
                raw: Any = proxied.driver_connection
                row = await raw.fetchrow(query, *arguments)
        except _AWAY as error:
            raise Unavailable("the database cannot be reached") from error
        except PoolTimeoutError as error:
            raise Unavailable("every connection is in use") from error
        return None if row is None else _record(row)


class PgPlatformStore:
    """`PlatformStore` inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any]) -> None:
        self._raw = raw

    async def add_key(self, key: KeyRecord, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            ADD_KEY,
            key.key_id,
            key.name,
            key.prefix,
            key.digest,
            key.role,
            list(key.sites),
            list(key.owners),
            list(key.channels),
            now,
        )

    async def keys(self) -> Sequence[KeyRecord]:
        """See the port."""
        rows = await self._raw.fetch(
            f"SELECT {_KEY} FROM api_key k WHERE k.revoked_at IS NULL ORDER BY k.name, k.key_id"
        )
        return [_record(row) for row in rows]

    async def revoke_key(self, key_id: UUID, *, now: int) -> bool:
        """See the port."""
        done = await self._raw.execute(
            "UPDATE api_key SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL",
            key_id,
            now,
        )
        return str(done) == "UPDATE 1"

    async def add_session(self, digest: bytes, key_id: UUID, *, now: int, expires_at: int) -> None:
        """See the port."""
        await self._raw.execute(
            "INSERT INTO session (digest, key_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            digest,
            key_id,
            now,
            expires_at,
        )

    async def end_session(self, digest: bytes) -> None:
        """See the port."""
        await self._raw.execute("DELETE FROM session WHERE digest = $1", digest)

    async def claim(
        self, *, key_id: str, route: str, key: str, fingerprint: bytes, now: int
    ) -> StoredAnswer | None:
        """See the port."""
        if await self._raw.fetchval(CLAIM, key_id, route, key, fingerprint, now):
            return None
        row = await self._raw.fetchrow(STORED, key_id, route, key)
        if row is None:
            raise Unavailable("the first call with this key was undone; send it again")
        body = row["response_body"]
        return StoredAnswer(
            bytes(row["fingerprint"]), row["response_status"], None if body is None else bytes(body)
        )

    async def answer(self, *, key_id: str, route: str, key: str, status: int, body: bytes) -> None:
        """See the port."""
        await self._raw.execute(ANSWER, key_id, route, key, status, body)
