"""Go-back-N: what may be sent now and when to go back. Pure; `at` is the monotonic clock.

Only a cursor moves `acked`; a broker's acknowledgement means nothing here.
"""

from __future__ import annotations

import random
from typing import Literal

WINDOW = 1_000
STALL_US = 5_000_000
STALLED_TRIES = 3
MAX_STALL_US = 60_000_000
# A cursor that repeats while the oldest message has been on its way this long points at a gap.
GAP_US = 250_000
STALE_CURSOR_US = 60_000_000

Outcome = Literal["advanced", "same", "back", "stale"]


class Window:
    """The state of one stream on the sender's side."""

    def __init__(self, *, rng: random.Random) -> None:
        self._rng = rng
        self.waiting = True
        self.acked = 0
        self.next_seq = 1
        self.highest_sent = 0
        self.go_backs = 0
        self._tries = 0
        self._hint = False
        self._oldest_sent_at = 0
        self._stall_at = 0
        self._paused_until = 0
        self._newest_word = 0

    def wait(self) -> None:
        """A new connection: nothing goes out until the cursor is known."""
        self.waiting = True
        self._hint = False

    def restart(self) -> None:
        """A new stream."""
        self.acked = self.highest_sent = 0
        self.next_seq = 1
        self._tries = 0
        self._newest_word = 0
        self.wait()

    def pause(self, *, until: int) -> None:
        """The gateway asks for patience."""
        self._paused_until = until

    def is_stale(self, seq: int, *, sent_at: int) -> bool:
        """Whether this is an older word that was overtaken on its way."""
        return seq < self.acked and 0 <= self._newest_word - sent_at < STALE_CURSOR_US

    def on_cursor(self, seq: int, *, sent_at: int, at: int) -> Outcome:
        """Take the cursor of this stream; the caller has checked that it is within the spool."""
        if self.is_stale(seq, sent_at=sent_at):
            return "stale"
        late = 0 < self._newest_word - sent_at < STALE_CURSOR_US
        self._newest_word = self._newest_word if late else sent_at
        if self.waiting:
            self.waiting = False
            back = seq < self.acked
            self._tries = 0 if seq > self.acked else self._tries
            self._go_to(seq, at)
            return "back" if back else "advanced"
        if seq > self.acked:
            self.acked = seq
            self.next_seq = max(self.next_seq, seq + 1)
            self._tries = 0
            self._hint = False
            self._oldest_sent_at = at
            self._stall_at = at + STALL_US
            return "advanced"
        if seq < self.acked:
            self._go_to(seq, at)
            return "back"
        self._hint = self.next_seq > self.acked + 1
        return "same"

    def _go_to(self, seq: int, at: int) -> None:
        self.acked = seq
        self.next_seq = seq + 1
        self._hint = False
        self._oldest_sent_at = at
        self._stall_at = at + self._stall()

    def _stall(self) -> int:
        wait = min(STALL_US << min(self._tries, 8), MAX_STALL_US)
        return wait if self._tries == 0 else int(wait * self._rng.uniform(0.75, 1.0))

    @property
    def stalled(self) -> bool:
        """Whether the cursor stood still over several resends: the messages do not get through."""
        return self._tries >= STALLED_TRIES

    def step(self, at: int) -> bool:
        """Go back to the cursor if the stream has stalled; True when it did."""
        if self.waiting or self.next_seq == self.acked + 1 or at < self._paused_until:
            return False
        gap_after = min(GAP_US << min(self._tries, 8), MAX_STALL_US)
        gap = self._hint and at - self._oldest_sent_at >= gap_after
        if not gap and at < self._stall_at:
            return False
        self._tries += 1
        self.go_backs += 1
        self._go_to(self.acked, at)
        return True

    def sendable(self, *, last: int, at: int, limit: int) -> tuple[int, int]:
        """(first seq, how many) to send now, given the last seq spooled."""
        if self.waiting or at < self._paused_until:
            return self.next_seq, 0
        room = self.acked + WINDOW - self.next_seq + 1
        return self.next_seq, max(0, min(last - self.next_seq + 1, room, limit))

    def offer(self, seq: int) -> None:
        """Messages up to `seq` are about to go out; the ledger may know them from now on."""
        self.highest_sent = max(self.highest_sent, seq)

    def sent(self, seq: int, *, at: int) -> None:
        """Message `seq` was handed to the broker."""
        if seq == self.acked + 1:
            self._oldest_sent_at = at
            self._stall_at = at + self._stall()
        self.next_seq = max(self.next_seq, seq + 1)

    def due(self, at: int) -> int | None:
        """When `step` or `sendable` may have something to do by themselves."""
        if self.waiting:
            return None
        if at < self._paused_until:
            return self._paused_until
        if self.next_seq == self.acked + 1:
            return None
        if self._hint:
            gap_after = min(GAP_US << min(self._tries, 8), MAX_STALL_US)
            return min(self._stall_at, self._oldest_sent_at + gap_after)
        return self._stall_at
