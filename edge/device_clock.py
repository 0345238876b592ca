"""Device clock: how far a reader's clock is from the agent's, from arrivals alone.

The offset is the smallest (arrival - device time) of a sliding window; raw times of two readers are
never compared. A jump of either clock starts the window anew and is flagged.
"""

from __future__ import annotations

from collections import deque

BUCKET_US = 10_000_000
BUCKETS = 6
# A smallest delay in this band cannot be told from transport, so the clocks are held to agree.
AGREE_US = 50_000
JUMP_US = 1_000_000
SETTLE_US = 1_000_000


class DeviceClock:
    """Offset of one device: corrected time = device time + `offset`."""

    __slots__ = (
        "_anchor",
        "_current",
        "_floor",
        "_latest",
        "_settled_at",
        "_started",
        "_turn_at",
        "_window",
        "jumps",
        "offset",
    )

    def __init__(self) -> None:
        self.offset = 0
        self.jumps = 0
        self._started = False
        self._latest = self._anchor = self._floor = self._current = 0
        self._turn_at = self._settled_at = 0
        self._window: deque[int] = deque(maxlen=BUCKETS)

    def jumped(self, device_us: int, arrival_us: int, at: int) -> bool:
        """Whether this sample shows that the device's or the agent's clock was set."""
        if not self._started:
            return False
        drift = arrival_us - at - self._anchor
        return (
            device_us < self._latest - JUMP_US
            or drift > JUMP_US
            or drift < -JUMP_US
            or arrival_us - device_us < self._floor - JUMP_US
        )

    def sample(self, device_us: int, arrival_us: int, at: int) -> None:
        """Take one reading's pair of times; `at` is the agent's monotonic clock."""
        delay = arrival_us - device_us
        if not self._started:
            self._begin(delay, device_us, arrival_us, at)
            return
        if device_us > self._latest:
            self._latest = device_us
        if at >= self._turn_at:
            self._anchor = arrival_us - at
            self._turn(delay, at)
        elif delay < self._current:
            self._current = delay
            if delay < self._floor:
                self._floor = delay
                self._correct(at)

    def restart(self, device_us: int, arrival_us: int, at: int) -> None:
        """Forget the window after a jump and count it."""
        self.jumps += 1
        self._begin(arrival_us - device_us, device_us, arrival_us, at)

    def _begin(self, delay: int, device_us: int, arrival_us: int, at: int) -> None:
        self._started = True
        self._window.clear()
        self._latest = device_us
        self._anchor = arrival_us - at
        self._floor = self._current = delay
        self._turn_at = at + BUCKET_US
        self._settled_at = at + SETTLE_US
        self._correct(at)

    def _turn(self, delay: int, at: int) -> None:
        self._window.append(self._current)
        self._current = delay
        self._turn_at = at + BUCKET_US
        self._floor = min(delay, min(self._window))
        self._correct(at)

    def _correct(self, at: int) -> None:
        # The first second may hold nothing but late deliveries of a clock that agrees.
        settling = at < self._settled_at and abs(self._floor) < JUMP_US
        agrees = 0 <= self._floor <= AGREE_US
        self.offset = 0 if settling or agrees else self._floor
