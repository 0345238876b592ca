"""Reading the evidence archive: each message once, up to the cursor; an index EPC → frames."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import zstandard

from contracts.gs1.epc import EpcError, key_of
from core.application.ports.tracking import StreamKey
from gateway.archive import Line

INDEX_SUFFIX = ".index.json"
_decoder = msgspec.json.Decoder(Line)
_MAGIC = b"\x28\xb5\x2f\xfd"


class _Read(msgspec.Struct):
    epc: str


class _Reads(msgspec.Struct):
    reads: list[_Read] = []


def frames(segment: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, text) of each whole frame; a torn last frame is left out."""
    data = segment.read_bytes()
    offset = 0
    while offset < len(data) and data[offset : offset + 4] == _MAGIC:
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        try:
            text = unpacker.decompress(data[offset:])
        except zstandard.ZstdError:
            return
        if not unpacker.eof:
            return
        yield offset, text
        offset = len(data) - len(unpacker.unused_data)


def lines(segment: Path) -> Iterator[tuple[int, Line]]:
    """(frame offset, line) of a segment in the order of writing."""
    for offset, text in frames(segment):
        for line in text.splitlines():
            yield offset, _decoder.decode(line)


def segments(directory: Path, *, site: str) -> list[Path]:
    """The site's segments, oldest hour first."""
    folder = directory / site
    return sorted(folder.glob("*.jsonl.zst"), key=_place) if folder.is_dir() else []


def _place(segment: Path) -> tuple[str, str, int]:
    hour, _, rest = segment.name.removesuffix(".jsonl.zst").partition("-")
    cell, _, epoch = rest.rpartition("-")
    return hour, cell, int(epoch) if epoch.isdigit() else 0


def archived(
    directory: Path, *, site: str, cursors: Mapping[StreamKey, int] | None = None
) -> Iterator[Line]:
    """Every archived message once, in the order of writing; beyond a given cursor, none."""
    last: dict[StreamKey, int] = {}
    for segment in segments(directory, site=site):
        for _, line in lines(segment):
            stream = StreamKey(line.agent, line.boot)
            beyond = cursors is not None and line.seq > cursors.get(stream, 0)
            if beyond or line.seq <= last.get(stream, 0):
                continue
            last[stream] = line.seq
            yield line


def keys_of(line: Line) -> set[str]:
    """The normal keys of the tags in an archived message; what is no EPC is left out."""
    try:
        found = msgspec.json.decode(line.message, type=_Reads)
    except msgspec.MsgspecError:
        return set()
    keys = set()
    for read in found.reads:
        try:
            keys.add(key_of(read.epc))
        except EpcError:
            continue
    return keys


def write_index(segment: Path) -> None:
    """Beside a closed segment: each tag's frame offsets."""
    index: dict[str, list[int]] = {}
    for offset, line in lines(segment):
        for key in keys_of(line):
            offsets = index.setdefault(key, [])
            if not offsets or offsets[-1] != offset:
                offsets.append(offset)
    path = segment.with_name(segment.name + INDEX_SUFFIX)
    path.write_text(json.dumps(index, sort_keys=True), encoding="utf-8")


def find(segment: Path, epc_key: str) -> list[Line]:
    """The archived messages of a segment that name a tag, by its index where there is one."""
    index = segment.with_name(segment.name + INDEX_SUFFIX)
    offsets: set[int] | None = None
    if index.is_file():
        offsets = set(json.loads(index.read_text(encoding="utf-8")).get(epc_key, []))
    return [
        line
        for offset, line in lines(segment)
        if (offsets is None or offset in offsets) and epc_key in keys_of(line)
    ]
