"""Bytes to structs and back. A message is judged in a fixed order; a bad reading costs itself only.

Bytes that are exactly what `encode` would write take the typed path; all others are read exactly.
"""

from __future__ import annotations

import hashlib
import re
from typing import TypeVar

import msgspec

from contracts.content import (
    CLOCK_SKEW,
    MAX_READINGS,
    BadReading,
    Content,
    ContractViolation,
    Header,
    content_of,
    corrected,
    raise_for,
)
from contracts.fields import (
    ACTIONS,
    COMMAND,
    CURSOR,
    HEADER,
    Field,
    missing,
    problem_of,
    word_problem,
    wrong_type,
    wrong_value,
)
from contracts.strict_json import JsonRefusedError, parse_exactly
from contracts.topics import UpKind, UpTopic
from contracts.v1 import Command, Cursor, PositionChanged, ReadBatch, ScanBatch, Up

__all__ = [
    "CLOCK_SKEW",
    "MAX_BYTES",
    "MAX_READINGS",
    "BadReading",
    "Content",
    "ContractViolation",
    "Header",
    "decode_command",
    "decode_content",
    "decode_cursor",
    "decode_header",
    "decode_up",
    "encode",
    "stored_digest",
]

MAX_BYTES = 65_536
SENT_OLDEST_US = 7 * 86_400_000_000
SENT_AHEAD_US = 86_400_000_000
SKEW_US = 5_000_000
SCHEMAS = {kind: f"{kind}.v1" for kind in ("reads", "scans", "sensors", "status")}
_READS = msgspec.json.Decoder(ReadBatch)
_SCANS = msgspec.json.Decoder(ScanBatch)
_ENCODER = msgspec.json.Encoder()
_SENT_AT = re.compile(
    rb'\s*\{\s*"schema"\s*:\s*"[^"\\]*"\s*,\s*"site"\s*:\s*"[^"\\]*"\s*,\s*"agent"\s*:\s*"[^"\\]*"'
    rb'\s*,\s*"boot"\s*:\s*[0-9]+\s*,\s*"seq"\s*:\s*[0-9]+\s*,\s*"sent_at"\s*:\s*([0-9]+)'
)
S = TypeVar("S")


def encode(message: Up | Cursor | Command | PositionChanged) -> bytes:
    """The one spelling of a message."""
    return _ENCODER.encode(message)


def stored_digest(payload: bytes) -> bytes:
    """32 bytes that identify a readable message whatever its `sent_at`: equal across resends."""
    if found := _SENT_AT.match(payload):
        return hashlib.sha256(payload[: found.start(1)] + payload[found.end(1) :]).digest()
    tree = _parsed(payload)
    tree.pop("sent_at", None)
    return hashlib.sha256(_ENCODER.encode(tree)).digest()


def decode_header(payload: bytes, topic: UpTopic) -> Header:
    """Checks (5) to (7): readable, header complete, of this topic."""
    if len(payload) > MAX_BYTES:
        raise ContractViolation(5, "E_SIZE")
    typed = _typed(payload, topic.kind)
    if typed is not None:
        header = _header(topic.kind, typed, typed, {})
    else:
        header = _exact_header(_parsed(payload), topic.kind)
    for name, value, due in (
        ("site", header.site, topic.site),
        ("agent", header.agent, topic.agent),
    ):
        if value != due:
            raise ContractViolation(7, "E_TOPIC_MISMATCH", f"/{name}")
    if header.schema != SCHEMAS[topic.kind] and header.schema in SCHEMAS.values():
        raise ContractViolation(7, "E_TOPIC_MISMATCH", "/schema")
    return header


def decode_content(header: Header, *, now: int, qos: int = 1) -> Content:
    """Checks (9) to (12): raises for the whole message, lists the readings that fail alone."""
    if qos == 0:
        raise ContractViolation(9, "E_QOS")
    if header.schema != SCHEMAS[header.kind]:
        raise ContractViolation(9, "E_VERSION", "/schema")
    ahead = 0
    if header.kind != "status" or header.tree.get("state") != "offline":
        if header.sent_at < now - SENT_OLDEST_US:
            raise ContractViolation(10, "E_TS_OLD", "/sent_at")
        if header.sent_at > now + SENT_AHEAD_US:
            raise ContractViolation(10, "E_TS_FUTURE", "/sent_at")
        ahead = header.sent_at - now
    content = content_of(header)
    return corrected(content, ahead) if ahead > SKEW_US else content


def decode_up(
    payload: bytes, *, topic: UpTopic, now: int, qos: int = 1, retain: bool = False
) -> tuple[Header, Content]:
    """Every check that needs neither registry nor cursor, for one message alone."""
    if retain:
        raise ContractViolation(4, "E_RETAINED")
    header = decode_header(payload, topic)
    return header, decode_content(header, now=now, qos=qos)


def decode_cursor(payload: bytes, *, site: str, agent: str) -> Cursor:
    """An agent's cursor. What a newer gateway adds is ignored."""
    tree = _down(payload, "cursor.v1", site=site, agent=agent)
    raise_for(11, missing(tree, CURSOR) or wrong_type(tree, CURSOR) or wrong_value(tree, CURSOR))
    return _convert(tree, Cursor)


def decode_command(payload: bytes, *, site: str, agent: str) -> Command:
    """An agent's order. What it does not know it refuses, since it could not obey it whole."""
    tree = _down(payload, "command.v1", site=site, agent=agent)
    raise_for(11, missing(tree, COMMAND))
    raise_for(11, word_problem(tree, "action", ACTIONS, "E_FIELD_RANGE"))
    raise_for(11, problem_of(tree, _named(*HEADER, *COMMAND, *ACTIONS[str(tree["action"])])))
    return _convert(tree, Command)


def _named(*fields: Field) -> tuple[Field, ...]:
    return tuple(field._replace(low=0) if field.name == "seq" else field for field in fields)


def _convert(tree: dict[str, object], kind: type[S]) -> S:
    return msgspec.convert(tree, kind)


def _parsed(payload: bytes) -> dict[str, object]:
    try:
        tree = parse_exactly(payload)
    except JsonRefusedError as refusal:
        raise ContractViolation(5, refusal.code) from refusal
    if not isinstance(tree, dict):
        raise ContractViolation(6, "E_FIELD_TYPE")
    return tree


def _down(payload: bytes, schema: str, *, site: str, agent: str) -> dict[str, object]:
    if len(payload) > 2 * MAX_BYTES:
        raise ContractViolation(5, "E_SIZE")
    tree = _parsed(payload)
    _header_fields(tree, least_seq=0)
    for name, due in (("schema", schema), ("site", site), ("agent", agent)):
        if tree[name] != due:
            code = "E_VERSION" if name == "schema" else "E_TOPIC_MISMATCH"
            raise ContractViolation(7, code, f"/{name}")
    return tree


def _typed(payload: bytes, kind: UpKind) -> ReadBatch | ScanBatch | None:
    """The typed message when the bytes are exactly our own spelling of it."""
    message: ReadBatch | ScanBatch
    try:
        if kind == "reads":
            message = _READS.decode(payload)
        elif kind == "scans":
            message = _SCANS.decode(payload)
        else:
            return None
        same = _ENCODER.encode(message) == payload
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not same or message.schema != SCHEMAS[kind]:
        return None
    # Only an escape can hide U+0000, and one byte is found faster than six.
    if b"\\" in payload and b"\\u0000" in payload:
        return None
    return message


def _header_fields(tree: dict[str, object], *, least_seq: int) -> None:
    for field in HEADER:
        if field.name == "seq":
            field = field._replace(low=least_seq)
        one = (field,)
        raise_for(6, missing(tree, one) or wrong_type(tree, one) or wrong_value(tree, one))


class _HeaderFields(msgspec.Struct, frozen=True):
    schema: str
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int


def _exact_header(tree: dict[str, object], kind: UpKind) -> Header:
    _header_fields(tree, least_seq=0 if kind == "status" else 1)
    fields = msgspec.convert(tree, _HeaderFields)
    return _header(kind, fields, None, tree)


def _header(
    kind: UpKind,
    fields: _HeaderFields | ReadBatch | ScanBatch,
    typed: ReadBatch | ScanBatch | None,
    tree: dict[str, object],
) -> Header:
    return Header(
        kind=kind,
        schema=fields.schema,
        site=fields.site,
        agent=fields.agent,
        boot=fields.boot,
        seq=fields.seq,
        sent_at=fields.sent_at,
        typed=typed,
        tree=tree,
    )
