"""The one place that asks the machine for time and fresh ids; others are handed these functions."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def now_us() -> int:
    """Wall clock: integer microseconds UTC."""
    return time.time_ns() // 1_000


def monotonic_us() -> int:
    """A clock that never jumps, for leases and timeouts."""
    return time.monotonic_ns() // 1_000


def new_id() -> UUID:
    """A version 7 UUID: sorts by the millisecond it was made in."""
    return id_at(now_us(), secrets.randbits(74))


def id_at(at: int, bits: int) -> UUID:
    """The version 7 UUID of an instant (microseconds) and 74 random bits (RFC 9562, 5.7)."""
    value = (at // 1_000 & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (bits >> 62 & 0xFFF) << 64
    value |= 0b10 << 62
    value |= bits & (1 << 62) - 1
    return UUID(int=value)
