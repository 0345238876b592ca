"""Readings decoded and judged per second, beside the bare typed decode of the same bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import msgspec

from bench.figure import Figure
from contracts.codec import decode_content, decode_header, encode
from contracts.topics import UpTopic
from contracts.v1 import Observation, ReadBatch

NOW = 1_795_000_000_000_000
BATCH = 100
TAGS = 2_000
ROUNDS = 7
SECONDS = 0.3


def _batches() -> list[bytes]:
    """Batches as an agent sends them; the tags come back, as tags in a building do."""
    payloads = []
    for first in range(0, TAGS, BATCH):
        reads = [
            Observation(
                epc=f"3074257BF7194E40{tag:08X}",
                device="dock-1-r",
                antenna=1 + tag % 2,
                rssi_dbm=-61.5,
                occurred_at=NOW + tag,
                count=7,
                first_at=NOW - 100_000,
                last_at=NOW + 100_000,
                rssi_mean_dbm=-63.25,
                rssi_spread_db=1.4,
            )
            for tag in range(first, first + BATCH)
        ]
        batch = ReadBatch(
            site="demo", agent="dock-1", boot=1, seq=1, sent_at=NOW + 200_000, reads=reads
        )
        payloads.append(encode(batch))
    return payloads


def _rate(payloads: list[bytes], decode: Callable[[bytes], object]) -> float:
    """The best of some rounds, in readings per second."""
    best = 0.0
    for _ in range(ROUNDS):
        done, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < SECONDS / ROUNDS:
            for payload in payloads:
                decode(payload)
            done += len(payloads) * BATCH
        best = max(best, done / spent)
    return best


def run() -> list[Figure]:
    """Figures: full decode, exact decode of a foreign spelling, and the limit both are under."""
    topic = UpTopic("demo", "dock-1", "reads")
    payloads = _batches()
    foreign = [json.dumps(json.loads(payload)).encode() for payload in payloads]
    bare = msgspec.json.Decoder(ReadBatch)

    def full(payload: bytes) -> object:
        return decode_content(decode_header(payload, topic), now=NOW)

    decoded, limit, exact = (
        _rate(payloads, full),
        _rate(payloads, bare.decode),
        _rate(foreign[:4], full),
    )
    size = len(payloads[0]) / BATCH
    return [
        Figure(
            "codec",
            decoded,
            "readings/s",
            limit,
            f"strict decode of {size:.0f} bytes a reading; limit: bare msgspec decode",
        ),
        Figure(
            "codec, foreign spelling",
            exact,
            "readings/s",
            limit,
            "the exact reader, for messages that are not spelled as we do; same limit",
        ),
    ]
