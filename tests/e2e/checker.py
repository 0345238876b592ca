"""The independent checker: what the readers sent against what was archived and booked.

It reads the emulators' frames, the archive segments and the database, and nothing of the product.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

Json = dict[str, Any]
Stream = tuple[str, int]
MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Read:
    """A raw read as a frame carried it; `sent` is when the frame left the socket."""

    epc: str
    antenna: int
    at: int
    sent: int


@dataclass(frozen=True, slots=True)
class Seen:
    """An archived observation."""

    epc: str
    antenna: int
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Reads that may be gone: sent from `start` to `end`, because of `why`."""

    start: int
    end: int
    why: str


@dataclass(slots=True)
class Frames:
    """The log of one reader."""

    reads: list[Read] = field(default_factory=list)
    ups: list[int] = field(default_factory=list)
    downs: list[int] = field(default_factory=list)
    silent: list[Hole] = field(default_factory=list)
    lights: list[tuple[int, int, int]] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What one device's reads came to."""

    reads: int = 0
    observed: int = 0
    excused: dict[str, int] = field(default_factory=dict)
    lost: list[Read] = field(default_factory=list)
    invented: list[Seen] = field(default_factory=list)
    longest_hold_us: int = 0


def lines(path: Path) -> Iterator[Json]:
    """JSON lines; a torn last one is left out."""
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            return


def frames_of(directory: Path, device: str) -> Frames:
    """One reader's log."""
    found = Frames()
    for line in lines(directory / f"frames-{device}.jsonl"):
        if "reads" in line:
            found.reads += [Read(e, a, at, line["t_us"]) for e, a, _, at in line["reads"]]
        elif "connection" in line:
            (found.ups if line["connection"] == "up" else found.downs).append(line["t_us"])
        elif "span" in line:
            found.silent.append(Hole(line["from_us"], line["to_us"], line["span"]))
        elif "gpo" in line:
            found.lights.append((line["t_us"], line["gpo"], line["state"]))
        elif "gpi" in line and line["sent"]:
            found.edges.append((line["t_us"], line["gpi"], line["state"]))
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """The text of each whole zstd frame; a torn last one is left out."""
    offset = 0
    while data[offset : offset + 4] == MAGIC:
        one = zstandard.ZstdDecompressor().decompressobj()
        try:
            text = one.decompress(data[offset:])
        except zstandard.ZstdError:
            return
        if not one.eof:
            return
        yield text
        offset = len(data) - len(one.unused_data)


def archived(directory: Path, cursors: Mapping[Stream, int]) -> dict[Stream, dict[int, Json]]:
    """Each message once, up to the cursor. The same place with another body is an error."""
    found: dict[Stream, dict[int, Json]] = defaultdict(dict)
    for segment in sorted(directory.rglob("*.jsonl.zst")):
        for text in unpacked(segment.read_bytes()):
            for raw in text.splitlines():
                line = json.loads(raw)
                stream, seq = (line["agent"], line["boot"]), line["seq"]
                if seq > cursors.get(stream, 0):
                    continue
                body = {k: v for k, v in line["message"].items() if k != "sent_at"}
                before = found[stream].setdefault(seq, body)
                if before != body:
                    raise AssertionError(f"two bodies at {stream} {seq}")
    return found


def holes_in(
    archive: Mapping[Stream, Mapping[int, Json]],
    cursors: Mapping[Stream, int],
    dead: Iterable[tuple[str, int, int]] = (),
) -> dict[Stream, list[int]]:
    """Per stream the places up to the cursor that neither archive nor dead letters hold."""
    have: dict[Stream, set[int]] = defaultdict(set)
    for stream, messages in archive.items():
        have[stream] |= messages.keys()
    for agent, boot, seq in dead:
        have[agent, boot].add(seq)
    missing = {s: sorted(set(range(1, top + 1)) - have[s]) for s, top in cursors.items()}
    return {stream: places for stream, places in missing.items() if places}


def seen_by(archive: Mapping[Stream, Mapping[int, Json]], device: str) -> list[Seen]:
    """All observations of a device."""
    return [
        Seen(one["epc"], one["antenna"], one["first_at"], one["last_at"], one.get("count", 1))
        for messages in archive.values()
        for message in messages.values()
        for one in message.get("reads", ())
        if one["device"] == device
    ]


def excuses(frames: Frames, kills: Sequence[int], hold_us: int) -> list[Hole]:
    """For each kill of the agent: from what it held until the reader had the next client."""
    found = []
    for at in kills:
        back = min((up for up in frames.ups if up > at), default=at + 60_000_000)
        found.append(Hole(at - hold_us, back, "agent killed"))
    return found


def compare(frames: Frames, seen: Sequence[Seen], holes: Sequence[Hole] = ()) -> Report:
    """Put each read into one observation of its EPC and antenna that spans it, up to its count."""
    report = Report(reads=len(frames.reads), observed=sum(one.count for one in seen))
    room: dict[tuple[str, int], list[list[Any]]] = defaultdict(list)
    for one in sorted(seen, key=lambda s: (s.last, s.first)):
        room[one.epc, one.antenna].append([one, one.count])
    for read in sorted(frames.reads, key=lambda r: r.at):
        for place in room[read.epc, read.antenna]:
            if place[1] and place[0].first <= read.at <= place[0].last:
                place[1] -= 1
                break
        else:
            hole = next((h for h in holes if h.start <= read.sent <= h.end), None)
            if hole is None:
                report.lost.append(read)
            else:
                report.excused[hole.why] = report.excused.get(hole.why, 0) + 1
    report.invented = [place[0] for places in room.values() for place in places if place[1]]
    return report


def held_before(frames: Frames, seen: Sequence[Seen], kills: Sequence[int]) -> int:
    """How long before its kill the oldest read was sent that is in no observation.

    What was sent after a kill and before the next client was held by nobody.
    """
    worst = 0
    for read in compare(frames, seen, excuses(frames, kills, 0)).lost:
        later = [at for at in kills if at >= read.sent]
        if later:
            worst = max(worst, min(later) - read.sent)
    return worst


def last_crossings(truth: Path, door: str) -> dict[str, str]:
    """Where each tag went the last time it crossed a door: epc → in or out."""
    found: dict[str, tuple[int, str]] = {}
    for line in lines(truth):
        if line.get("door") == door and line["kind"] == "crossed":
            before = found.get(line["tag"], (0, ""))
            found[line["tag"]] = max(before, (line["t_us"], line["direction"]))
    return {tag: direction for tag, (_, direction) in found.items()}
