"""Rates per key and per address: token buckets in memory, bounded in number."""

from __future__ import annotations

from collections import OrderedDict

_KEPT = 10_000


class Buckets:
    """`take(name, now)` is True while `name` stays within `per_minute`."""

    def __init__(self, per_minute: int) -> None:
        self._capacity = float(per_minute)
        self._per_us = per_minute / 60_000_000
        self._levels: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, name: str, now: int) -> bool:
        """Take one token; False when there is none."""
        level = self.level(name, now)
        if level < 1:
            return False
        self._levels[name] = (level - 1, now)
        self._levels.move_to_end(name)
        if len(self._levels) > _KEPT:
            self._levels.popitem(last=False)
        return True

    def level(self, name: str, now: int) -> float:
        """Tokens that `name` has now."""
        level, seen = self._levels.get(name, (self._capacity, now))
        return min(self._capacity, level + max(0, now - seen) * self._per_us)
