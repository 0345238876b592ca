"""Rules of webhooks: events, signature, when to try again. Arrival order is not promised.

The form is Standard Webhooks: `v1,` + base64 HMAC-SHA256 over id.timestamp.body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.domain.errors import Refused

EVENTS = (
    "order.received",
    "order.promised",
    "order.backordered",
    "order.on_hold",
    "order.released",
    "order.picked",
    "order.packed",
    "order.shipped",
    "order.cancelled",
    "order.exception",
    "shipment.label_created",
    "shipment.verified",
    "shipment.held",
    "shipment.tracking_updated",
    "receipt.completed",
    "receipt.discrepancy",
    "pass.undecided",
    "pass.exception",
    "stock.changed",
    "stock.low",
    "stock.expiring",
    "return.received",
    "return.dispositioned",
    "count.variance",
    "device.stale",
    "device.dead",
    "device.recovered",
    "tag.unexpected_exit",
)
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US
# Waits before the tries after the first: 5 s, 5 min, 30 min, then hours; ten tries in all.
WAITS_US = (
    5 * SECOND_US,
    300 * SECOND_US,
    1800 * SECOND_US,
    2 * HOUR_US,
    5 * HOUR_US,
    10 * HOUR_US,
    14 * HOUR_US,
    20 * HOUR_US,
    24 * HOUR_US,
)
TRIES = len(WAITS_US) + 1
LONGEST_WAIT_US = DAY_US
# The old secret still signs and is still taken for this long after a rotation.
ROTATION_US = DAY_US
CLOCK_WINDOW_S = 300
SEEN_US = DAY_US
MAX_SIGNATURES = 10
ENDPOINTS_PER_OWNER = 100

Failure = Literal[
    "ssrf-blocked",
    "redirect-refused",
    "response-too-large",
    "timeout",
    "tls",
    "unreachable",
    "status",
    "gone",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended: delivered when `failure` is None."""

    failure: Failure | None = None
    status: int | None = None
    retry_after_us: int | None = None


@dataclass(frozen=True, slots=True)
class NextTry:
    """What a failed delivery becomes: due again, or dead."""

    state: Literal["due", "dead"]
    due_at: int


def after_failure(*, attempts: int, retry_after_us: int | None, now: int) -> NextTry:
    """`attempts` counts the one that just failed. Retry-After is honoured up to 24 h."""
    if attempts >= TRIES:
        return NextTry("dead", now)
    asked = min(max(retry_after_us or 0, 0), LONGEST_WAIT_US)
    return NextTry("due", now + max(WAITS_US[attempts - 1], asked))


def make_secret(random: bytes) -> str:
    """A secret in the written form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(random).decode()


def sign(secret: str, *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature; `timestamp` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()


def live_secrets(
    secret: str, previous: str | None, rotated_at: int | None, *, now: int
) -> tuple[str, ...]:
    """The secrets that count now: two for a day after a rotation."""
    if previous is None or rotated_at is None or now - rotated_at > ROTATION_US:
        return (secret,)
    return (secret, previous)


def check_signature(
    *,
    secrets: Iterable[str],
    webhook_id: str | None,
    timestamp: str | None,
    signatures: str | None,
    body: bytes,
    now: int,
) -> str:
    """The id of a genuine call. Refuses `bad-request`, `timestamp`, `signature`, in this order."""
    given = (signatures or "").split(" ", MAX_SIGNATURES + 1)
    if len(given) > MAX_SIGNATURES:
        raise Refused("bad-request", f"Send at most {MAX_SIGNATURES} signatures.")
    told = _seconds(timestamp)
    if told is None or abs(now // SECOND_US - told) > CLOCK_WINDOW_S:
        raise Refused(
            "timestamp",
            "webhook-timestamp must be the time of sending in seconds since 1970, "
            f"at most {CLOCK_WINDOW_S} seconds off.",
        )
    fits = False
    if webhook_id:
        for secret in secrets:
            wanted = sign(secret, webhook_id=webhook_id, timestamp=told, body=body).encode()
            for one in given:
                fits |= hmac.compare_digest(wanted, one.encode("utf-8", "replace"))
    if not fits or not webhook_id:
        raise Refused(
            "signature",
            "No signature fits the body, the id and the time under a live secret of this channel.",
        )
    return webhook_id


def _seconds(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return int(text)
