"""Rates: a token bucket per agent and kind of message. What is over the rate waits in the spool."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Readings a second, and how many may come at once."""

    per_second: float
    burst: float


READS = Rate(5_000, 10_000)
SCANS_AND_SENSORS = Rate(500, 1_000)


class Bucket:
    """Tokens that refill with time; `at` is a monotonic clock in microseconds."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at: int | None = None

    def take(self, count: int, *, at: int) -> int:
        """0 when `count` tokens were there and are taken, else the wait for them in ms."""
        if self._at is not None and at > self._at:
            grown = self._tokens + (at - self._at) * self._rate.per_second / SECOND_US
            self._tokens = min(self._rate.burst, grown)
        self._at = at
        if self._tokens >= count:
            self._tokens -= count
            return 0
        return max(1, int((count - self._tokens) * 1_000 / self._rate.per_second))


class Rates:
    """The buckets of all agents."""

    def __init__(self, *, reads: Rate = READS, others: Rate = SCANS_AND_SENSORS) -> None:
        self._reads = reads
        self._others = others
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def take(self, agent: str, kind: str, count: int, *, at: int) -> int:
        """As `Bucket.take` for one message of an agent."""
        is_reads = kind == "reads"
        bucket = self._buckets.get((agent, is_reads))
        if bucket is None:
            bucket = Bucket(self._reads if is_reads else self._others)
            self._buckets[agent, is_reads] = bucket
        return bucket.take(count, at=at)
