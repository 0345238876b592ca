"""CSV as imports take it: RFC 4180, UTF-8, exact header. Rows keep their text verbatim.

What is wrong with the file as a whole is refused at once; rows are judged by the importer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.errors import FieldError, Refused

MAX_ROWS = 100_000
MAX_ERRORS = 100
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


@dataclass(frozen=True, slots=True)
class RowError(FieldError):
    """A wrong cell: `row` 1 is the first after the header."""

    row: int = 0
    column: str | None = None


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row by column name; `number` counts from 1 after the header."""

    number: int
    cells: dict[str, str]


def parse_csv(
    data: bytes, *, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[list[CsvRow], list[RowError]]:
    """The rows, and an error for each whose cell count differs. Raises `Refused("csv-…")`."""
    if not data:
        raise Refused("csv-empty", "The file is empty. Send a header and at least one row.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("csv-encoding", "The file is not UTF-8. Save it as UTF-8.") from None
    lines = _split(text)
    header = lines[0] if lines else []
    known = {*required, *optional}
    if set(header) - known or set(required) - set(header) or len(set(header)) != len(header):
        wanted = ",".join([*required, *(f"[{name}]" for name in optional)])
        raise Refused("csv-header", f"The header must be exactly: {wanted}")
    if len(lines) == 1:
        raise Refused("csv-no-rows", "The file has a header but no rows.")
    if len(lines) - 1 > MAX_ROWS:
        raise Refused("too-many-rows", f"The file has more than {MAX_ROWS} rows. Split it.")
    rows, errors = [], []
    for number, cells in enumerate(lines[1:], start=1):
        if len(cells) != len(header):
            errors.append(row_error(number, None, "row-columns", "The row has other columns."))
        else:
            rows.append(CsvRow(number, dict(zip(header, cells, strict=True))))
    return rows, errors


def _split(text: str) -> list[list[str]]:
    """Records of cells. A line end is LF, CRLF or CR; a last one ends the file, not a row."""
    records: list[list[str]] = []
    cells: list[str] = []
    place, length = 0, len(text)
    while place < length:
        cell, place = _cell(text, place)
        cells.append(cell)
        if place < length and text[place] == ",":
            place += 1
            if place == length:
                cells.append("")
            continue
        records.append(cells)
        cells = []
        place += 2 if text.startswith("\r\n", place) else 1
    if cells:
        records.append(cells)
    return records


_PLAIN = re.compile(r'[^,\r\n"]*')


def _cell(text: str, place: int) -> tuple[str, int]:
    """The cell that starts here and where it ends."""
    if not text.startswith('"', place):
        found = _PLAIN.match(text, place)
        end = found.end() if found is not None else place
        if text.startswith('"', end):
            raise _syntax()
        return text[place:end], end
    parts = []
    place += 1
    while True:
        end = text.find('"', place)
        if end < 0:
            raise _syntax()
        parts.append(text[place:end])
        if not text.startswith('""', end):
            break
        parts.append('"')
        place = end + 2
    end += 1
    if end < len(text) and text[end] not in ",\r\n":
        raise _syntax()
    return "".join(parts), end


def _syntax() -> Refused:
    return Refused("csv-syntax", "A quote is open at the end, or inside a cell without quotes.")


def row_error(row: int, column: str | None, code: str, detail: str) -> RowError:
    """An error of one cell, or of a whole row."""
    pointer = f"/{row}" if column is None else f"/{row}/{column}"
    return RowError(pointer, code, detail, row, column)


def refuse_rows(errors: list[RowError], columns: Sequence[str]) -> None:
    """Raise the first error in file order as the code of all; nothing when there is none."""
    if not errors:
        return
    place = {name: n for n, name in enumerate(columns)}
    ordered = sorted(errors, key=lambda e: (e.row, place.get(e.column or "", -1)))
    first = ordered[0]
    raise Refused(
        first.code,
        "Some rows are wrong and nothing was imported; see errors.",
        errors=tuple(ordered[:MAX_ERRORS]),
    )


def text_code(value: str, *, high: int, pattern: re.Pattern[str] | None = None) -> str | None:
    """The field code of a text cell, or None when it is good."""
    if not value.strip():
        return "required"
    if value != value.strip():
        return "whitespace"
    if len(value) > high:
        return "length"
    if pattern is not None:
        return None if pattern.fullmatch(value) else "charset"
    return "charset" if any(ord(char) < 32 or ord(char) == 127 for char in value) else None


def code_of_sku(value: str) -> str | None:
    """The field code of a SKU cell."""
    return text_code(value, high=64, pattern=_CODE)


def whole_number(value: str, *, low: int, high: int) -> int | str:
    """The number of a cell, or the field code of what is wrong with it."""
    if not value.strip():
        return "required"
    if _INTEGER.fullmatch(value) is None:
        return "integer"
    number = int(value)
    return number if low <= number <= high else "range"
