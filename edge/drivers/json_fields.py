"""Fields of JSON messages to the normal form. Pure; nothing is guessed from how a value looks."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Final, cast

from contracts.strict_json import JsonRefusedError, parse_exactly
from edge.drivers.refusals import Item, RefusedError

MAX_BYTES: Final = 1 << 20
EARLIEST_US: Final = 1_262_304_000_000_000
LATEST_US: Final = 4_102_444_800_000_000
_ISO: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))",
    re.ASCII,
)
_HEX: Final = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_BASE64URL: Final = re.compile(r"([A-Za-z0-9_-]+)(={0,2})", re.ASCII)
_TID: Final = re.compile(r"(?:[0-9A-Fa-f]{4}){2,32}", re.ASCII)
_PC: Final = re.compile(r"[0-9A-Fa-f]{4}", re.ASCII)
Tree = dict[str, object]


def document(payload: bytes) -> object:
    """One JSON document, read exactly."""
    if len(payload) > MAX_BYTES:
        raise RefusedError("E_SIZE")
    try:
        return parse_exactly(payload)
    except JsonRefusedError as refusal:
        raise RefusedError(refusal.code) from None


def tree_of(value: object, where: str) -> Tree:
    """An object, else E_FIELD_TYPE."""
    if not isinstance(value, dict):
        raise RefusedError("E_FIELD_TYPE", where)
    return cast(Tree, value)


def entries(value: object) -> Iterator[object]:
    """A document, or each element of a batch."""
    if isinstance(value, list):
        yield from value
    else:
        yield value


def each(payload: bytes, take: Callable[[Tree], Iterator[Item]]) -> Iterator[Item]:
    """What `take` makes of each event of a message; what is refused costs itself only."""
    try:
        batch = document(payload)
    except RefusedError as error:
        yield error.refused
        return
    for event in entries(batch):
        try:
            yield from take(tree_of(event, "event"))
        except RefusedError as error:
            yield error.refused


def epc_hex(value: object, where: str) -> bytes:
    """An EPC printed as hex in either case."""
    if not isinstance(value, str):
        raise RefusedError("E_FIELD_TYPE", where)
    if value and not _HEX.fullmatch(value):
        raise RefusedError("E_EPC_HEX", where)
    if len(value) % 4 or not 8 <= len(value) <= 124:
        raise RefusedError("E_EPC_LEN", where)
    return bytes.fromhex(value)


def epc_base64(value: object, where: str) -> bytes:
    """An EPC as URL-safe base64, padded or not; the other alphabet is refused, never dropped."""
    if not isinstance(value, str):
        raise RefusedError("E_FIELD_TYPE", where)
    found = _BASE64URL.fullmatch(value) if len(value) <= 128 else None
    if value and found is None:
        raise RefusedError("E_EPC_BASE64" if len(value) <= 128 else "E_EPC_LEN", where)
    text, padding = found.groups() if found else ("", "")
    lacking = -len(text) % 4
    if lacking == 3 or (padding and len(padding) != lacking):
        raise RefusedError("E_EPC_BASE64", where)
    try:
        epc = base64.urlsafe_b64decode(text + "=" * lacking)
    except (binascii.Error, ValueError):
        raise RefusedError("E_EPC_BASE64", where) from None
    if base64.urlsafe_b64encode(epc).decode().rstrip("=") != text:
        raise RefusedError("E_EPC_BASE64", where)
    if len(epc) % 2 or not 4 <= len(epc) <= 62:
        raise RefusedError("E_EPC_LEN", where)
    return epc


def same_epc(found: list[bytes], missing: str) -> bytes:
    """The one EPC that all fields give."""
    if not found:
        raise RefusedError("E_FIELD_MISSING", missing)
    if any(epc != found[0] for epc in found):
        raise RefusedError("E_EPC_CONFLICT")
    return found[0]


def iso_us(value: object, where: str) -> int:
    """ISO 8601 with an offset to us UTC; nanoseconds are cut, no float is passed."""
    if not isinstance(value, str):
        raise RefusedError("E_FIELD_TYPE", where)
    found = _ISO.fullmatch(value)
    if found is None:
        raise RefusedError("E_TIME", where)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, off_hour, off_minute = found.groups()[6:]
    try:
        at = dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=dt.UTC)
    except ValueError:
        raise RefusedError("E_TIME", where) from None
    if second > 60 or (sign and (int(off_hour) > 14 or int(off_minute) > 59)):
        raise RefusedError("E_TIME", where)
    seconds = (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1)
    if sign:
        offset = int(off_hour) * 3600 + int(off_minute) * 60
        seconds -= offset if sign == "+" else -offset
    us = (seconds + max(second - 59, 0)) * 1_000_000 + int((fraction or "0").ljust(9, "0")) // 1000
    return checked_us(us, where)


def checked_us(us: int, where: str) -> int:
    """A time of this century, else another unit was sent."""
    if not EARLIEST_US <= us < LATEST_US:
        raise RefusedError("E_TIME", where)
    return us


def antenna(value: object, where: str) -> int | None:
    """A port from 1, or None where none was reported."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError("E_FIELD_TYPE", where)
    if not 1 <= value <= 64:
        raise RefusedError("E_FIELD_RANGE", where)
    return value


def number(
    value: object, low: float, high: float, *, divisor: int = 1, open_end: bool = False
) -> float | None:
    """A number of the range; anything else, error text too, is not reported."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if abs(value) > 1e15:
        return None
    scaled = value / divisor
    return scaled if low <= scaled <= high and not (open_end and scaled == high) else None


def whole(value: object, low: int, high: int) -> int | None:
    """An integer of the range, else None."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        return None
    return value


def count(value: object) -> int:
    """Reads merged into this one; 1 where it is not told."""
    return whole(value, 1, 1_000_000) or 1


def tid(value: object) -> str | None:
    """A TID in hex, else None."""
    return value.upper() if isinstance(value, str) and _TID.fullmatch(value) else None


def pc(value: object) -> str | None:
    """The protocol control word in hex, else None."""
    return value.upper() if isinstance(value, str) and _PC.fullmatch(value) else None
