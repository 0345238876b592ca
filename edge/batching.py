"""Batching: readings of one agent to message bodies, in the order in which they happened.

A reading of another kind closes the open message first, so one sequence over all topics keeps a
beam between two reads in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from contracts.v1 import Observation, Scan, SensorReading

Kind = Literal["reads", "scans", "sensors"]
KINDS: tuple[Kind, ...] = ("reads", "scans", "sensors")
# inputs.md 2.1: an agent closes a message at 60 KiB; the header never needs more than 512 bytes.
MAX_BODY = 60 * 1024 - 512
MAX_READINGS = 500

Reading = Observation | Scan | SensorReading
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Message:
    """A closed message before it has its place: everything after `sent_at` is final.

    `done`: the journal's number of its last reading; `base`: no line before is needed for what
    is said after it.
    """

    kind: Kind
    tail: bytes
    readings: int
    done: int = 0
    base: int = 0


def head(kind: Kind, *, site: str, agent: str, boot: int, seq: int) -> bytes:
    """The header up to the value of `sent_at`; the same bytes on every resend."""
    return (
        f'{{"schema":"{kind}.v1","site":"{site}","agent":"{agent}"'
        f',"boot":{boot},"seq":{seq},"sent_at":'
    ).encode()


class Batcher:
    """The open message; `take` gives the closed ones."""

    def __init__(self, *, max_readings: int = MAX_READINGS, max_bytes: int = MAX_BODY) -> None:
        self._max_readings = min(max_readings, MAX_READINGS)
        self._max_bytes = min(max_bytes, MAX_BODY)
        self._kind: Kind = "reads"
        self._parts: list[bytes] = []
        self._size = 0
        self._close_at = 0
        self._closed: list[Message] = []
        self._done = 0
        self.oversize = 0

    def limit(self, max_readings: int) -> None:
        """Close messages at this many readings from now on."""
        self._max_readings = min(max_readings, MAX_READINGS)

    def add(
        self,
        kind: Kind,
        readings: Sequence[Reading],
        *,
        at: int,
        linger_us: int,
        places: Sequence[int] = (),
    ) -> None:
        """Append readings that share a kind; they are in a closed message after `linger_us`.

        `places`: the journal's number of each, if it has one.
        """
        if self._parts and kind != self._kind:
            self.close()
        self._kind = kind
        for index, reading in enumerate(readings):
            part = _encoder.encode(reading)
            if len(part) > self._max_bytes:
                self.oversize += 1
                continue
            if self._parts and self._size + len(part) + 1 > self._max_bytes:
                self.close()
            if not self._parts:
                self._close_at = at + linger_us
            self._close_at = min(self._close_at, at + linger_us)
            self._parts.append(part)
            self._size += len(part) + 1
            if places:
                self._done = places[index]
            if len(self._parts) >= self._max_readings:
                self.close()

    def step(self, at: int) -> None:
        """Close the open message when it has waited long enough."""
        if self._parts and at >= self._close_at:
            self.close()

    def close(self) -> None:
        """Close the open message now."""
        if not self._parts:
            return
        tail = b',"' + self._kind.encode() + b'":[' + b",".join(self._parts) + b"]}"
        self._closed.append(Message(self._kind, tail, len(self._parts), self._done))
        self._parts = []
        self._size = 0

    def take(self) -> list[Message]:
        """The messages closed since the last call, in order."""
        closed, self._closed = self._closed, []
        return closed

    def due(self) -> int | None:
        """When the open message must be closed, or None."""
        return self._close_at if self._parts else None
