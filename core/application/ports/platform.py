"""What the interfaces need of platform storage: keys, sessions, idempotency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as stored: only the digest of its secret is kept."""

    key_id: UUID
    name: str
    prefix: str
    digest: bytes
    role: str
    sites: tuple[str, ...]
    owners: tuple[str, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer that an idempotency key already has."""

    fingerprint: bytes
    status: int | None
    body: bytes | None


class KeyStore(Protocol):
    """Looks keys and sessions up, each in one round trip; a revoked key is gone at once."""

    async def by_prefix(self, prefix: str) -> KeyRecord | None:
        """The live key with this prefix."""

    async def by_session(self, digest: bytes, *, now: int) -> KeyRecord | None:
        """The live key behind a browser session."""


class PlatformStore(Protocol):
    """Keys, sessions and idempotency inside a transaction."""

    async def add_key(self, key: KeyRecord, *, now: int) -> None:
        """Keep a new key."""

    async def keys(self) -> Sequence[KeyRecord]:
        """The live keys, by name."""

    async def revoke_key(self, key_id: UUID, *, now: int) -> bool:
        """Revoke; False when there is no such live key."""

    async def add_session(self, digest: bytes, key_id: UUID, *, now: int, expires_at: int) -> None:
        """Open a browser session for a key."""

    async def end_session(self, digest: bytes) -> None:
        """Close a browser session."""

    async def claim(
        self, *, key_id: str, route: str, key: str, fingerprint: bytes, now: int
    ) -> StoredAnswer | None:
        """Take an idempotency key: None when it is ours now, else what is stored under it.

        A concurrent holder is waited for; `Contention` when it does not finish in time.
        """

    async def answer(self, *, key_id: str, route: str, key: str, status: int, body: bytes) -> None:
        """Keep the answer in the transaction of its effect."""
