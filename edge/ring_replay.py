"""What a killed agent was about to say: the ring's lines done again, up to where they end. No I/O.

An observation that the spool holds is known by its number, so nothing is told twice; a run whose
beginning is not kept is left out, so nothing is made up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from contracts.v1 import Scan, SensorReading
from edge.batching import Kind, Reading
from edge.journal import Mark
from edge.ring_file import Block, EmittedLine, KeptLine, ReadLine, ToldLine
from edge.runs import Run, observe

Key = tuple[str, bytes, int | None]
Verdict = Literal["whole", "torn", "newer"]

_scan = msgspec.json.Decoder(Scan)
_sensor = msgspec.json.Decoder(SensorReading)


@dataclass(frozen=True, slots=True)
class Pending:
    """A reading that was told and is not in the spool; `place` is its number."""

    kind: Kind
    reading: Reading
    place: int


@dataclass(frozen=True, slots=True)
class Held:
    """A run that was open; `offset` corrects its device's times."""

    device: str
    run: Run
    offset: int


@dataclass(slots=True)
class Recovered:
    """What is to be said again. `last` is the last line the ring or the spool knows.

    `torn`: the ring ends before what the spool holds (a power cut). `newer`: it knows of more than
    the spool, which is an older copy. Neither is replayed: it could double what was sent.
    """

    last: int
    verdict: Verdict = "whole"
    pending: list[Pending] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    @property
    def reads(self) -> int:
        """How many raw reads that is."""
        runs = sum(held.run.count for held in self.held)
        return runs + sum(getattr(one.reading, "count", 0) for one in self.pending)


def recover(blocks: Iterable[Block], mark: Mark) -> Recovered:
    """Do the lines from `mark.base` on again."""
    state = _State(mark)
    end = mark.base - 1
    for block in blocks:
        if block.first > end + 1:
            # What was open before a gap may have been told within it.
            state.forget()
        for number, line in enumerate(block.lines, block.first):
            if number > end:
                state.take(number, line, block.devices)
        end = max(end, block.first + len(block.lines) - 1)
    last = max(end, mark.done, state.kept)
    if state.kept > mark.done:
        return Recovered(last, "newer")
    if end < mark.done:
        return Recovered(last, "torn")
    return Recovered(last, "whole", state.pending, state.held())


class _State:
    def __init__(self, mark: Mark) -> None:
        self._done = mark.done
        self._open: dict[Key, Run] = {}
        self._key_of: dict[int, Key] = {}
        self._offsets: dict[str, int] = {}
        self.pending: list[Pending] = []
        self.kept = 0

    def forget(self) -> None:
        self._open.clear()
        self._key_of.clear()

    def held(self) -> list[Held]:
        runs = sorted(self._open.items(), key=lambda item: item[1].place)
        return [Held(key[0], run, self._offsets[key[0]]) for key, run in runs]

    def take(
        self,
        number: int,
        line: ReadLine | EmittedLine | ToldLine | KeptLine,
        devices: list[str],
    ) -> None:
        if isinstance(line, ReadLine):
            self._read(number, line, devices[line.device])
        elif isinstance(line, EmittedLine):
            self._emitted(number, line)
        elif isinstance(line, ToldLine):
            if number > self._done:
                decoder = _scan if line.kind == "scans" else _sensor
                self.pending.append(Pending(line.kind, decoder.decode(line.body), number))
        else:
            self.kept = max(self.kept, line.done)

    def _read(self, number: int, line: ReadLine, device: str) -> None:
        key = (device, line.epc, line.antenna)
        self._offsets[device] = line.offset
        if line.begins:
            self._open[key] = Run(line.read(), 0, 0.0, number)
            self._key_of[number] = key
        elif key in self._open:
            self._open[key].add(line.read())

    def _emitted(self, number: int, line: EmittedLine) -> None:
        key = self._key_of.pop(line.run, None)
        if key is None:
            return
        run = self._open.pop(key)
        if number > self._done:
            self.pending.append(Pending("reads", observe(key[0], run, line.offset), number))
