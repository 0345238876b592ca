"""API keys and browser sessions: a prefix finds the row, a digest is compared, no clear text."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from core.application.ports.platform import KeyRecord, KeyStore
from core.domain.errors import Refused, not_found

SCHEME = "dlk"
SESSION_COOKIE = "dockledger_session"
SESSION_US = 12 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key, its role, and the sites, owners and channels it covers (`*` = all)."""

    key_id: str
    name: str
    role: str
    sites: tuple[str, ...]
    owners: tuple[str, ...]
    channels: tuple[str, ...]

    def may_use_channel(self, channel: str) -> bool:
        """Whether orders of this channel may come in by this key."""
        return "*" in self.channels or channel in self.channels

    def covers_owner(self, owner: str | None) -> bool:
        """Whether this caller may see stock and documents of an owner."""
        return "*" in self.owners or owner in self.owners


def caller_of(record: KeyRecord) -> Caller:
    """The caller behind a key."""
    return Caller(
        str(record.key_id), record.name, record.role, record.sites, record.owners, record.channels
    )


def digest(secret: str) -> bytes:
    """What is kept of a secret: SHA-256 (a key has 256 random bits, so no salt or stretching)."""
    return hashlib.sha256(secret.encode()).digest()


def make_key(
    key_id: UUID,
    *,
    name: str,
    role: str,
    sites: tuple[str, ...],
    owners: tuple[str, ...],
    channels: tuple[str, ...],
    token: Callable[[int], bytes],
) -> tuple[str, KeyRecord]:
    """A new key in clear (shown once) and its record. `token(n)` gives n random bytes."""
    prefix = base64.b32encode(token(5)).decode().lower()
    secret = base64.urlsafe_b64encode(token(32)).decode().rstrip("=")
    clear = f"{SCHEME}_{prefix}_{secret}"
    return clear, KeyRecord(key_id, name, prefix, digest(clear), role, sites, owners, channels)


async def authenticate(keys: KeyStore, header: str | None, cookie: str | None, now: int) -> Caller:
    """The caller of a request; raises `Refused("unauthenticated")`."""
    record = None
    if header is not None:
        scheme, _, clear = header.partition(" ")
        parts = clear.split("_", 2)
        if scheme.lower() == "bearer" and len(parts) == 3 and parts[0] == SCHEME:
            record = await keys.by_prefix(parts[1])
            if record is not None and not hmac.compare_digest(record.digest, digest(clear)):
                record = None
    elif cookie is not None:
        record = await keys.by_session(digest(cookie), now=now)
    if record is None:
        raise Refused(
            "unauthenticated", "Send a live key in the header `Authorization: Bearer KEY`."
        )
    return caller_of(record)


def pick_site(caller: Caller, site: str | None, *, served: str) -> str:
    """The site of a request: named, or the only one the key covers, or the one served here."""
    wanted = site or (caller.sites[0] if caller.sites and "*" not in caller.sites else served)
    if wanted != served and wanted not in caller.sites:
        raise Refused("forbidden", "The key does not cover this site.")
    if "*" not in caller.sites and wanted not in caller.sites:
        raise Refused("forbidden", "The key does not cover this site.")
    if wanted != served:
        raise not_found("site")
    return wanted
