"""KPIs over HTTP: values with thresholds and state, the rows behind one, both as JSON or CSV.

They count the whole building, so a key that covers some owners only may not read them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import context, json_answer, owners_scope, transact
from core.api.roles import STAFF, allow
from core.application.kpi import ROWS, Figure, read_kpi, read_kpis, rows_of
from core.application.ports.kpi import Rows
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.kpis import cases

router = APIRouter(dependencies=[Depends(check_query)], tags=["kpis"])
allow(STAFF | {"auditor"}, "GET /v1/kpis", "GET /v1/kpis/{name}")
HOURS, MOST_HOURS = 24, 2_160
_COLUMNS = (
    "name",
    "title",
    "value",
    "unit",
    "state",
    "as_of",
    "numerator",
    "denominator",
    "hours",
    "amber",
    "red",
)


@router.get("/v1/kpis", summary="Every KPI with value, threshold and state")
async def list_kpis(
    request: Request, hours: str | None = None, site: str | None = None
) -> Response:
    """Over the last `hours` (1 to 2160, default 24); with `Accept: text/csv` as CSV."""
    _whole_building(request)
    window, now = hours_of(hours), context(request).clock()

    async def read(unit: UnitOfWork) -> list[Figure]:
        return await read_kpis(unit, now=now, hours=window)

    items = [shown_figure(figure) for figure in await transact(request, read, site=site)]
    if _wants_csv(request):
        rows = [[item[name] for name in _COLUMNS] for item in items]
        return csv_answer(csv_text(_COLUMNS, rows))
    return json_answer({"items": items, "next_cursor": None})


@router.get("/v1/kpis/{name}", summary="One KPI, its trend and the rows behind it")
async def get_kpi(
    request: Request, name: str, hours: str | None = None, site: str | None = None
) -> Response:
    """At most 5,000 rows, the newest first; with `Accept: text/csv` the rows as CSV."""
    _whole_building(request)
    window, now = hours_of(hours), context(request).clock()

    async def read(unit: UnitOfWork) -> tuple[Figure, Rows, str]:
        figure = await read_kpi(unit, name, now=now, hours=window)
        rows = await rows_of(unit, name, now=now, hours=window, limit=ROWS)
        return figure, rows, await unit.kpi.comment(figure.kpi)

    figure, rows, comment = await transact(request, read, site=site)
    if _wants_csv(request):
        return csv_answer(csv_text(rows.columns, rows.rows))
    found = {
        **shown_figure(figure),
        "definition": " ".join(comment.split()),
        "trend": [{"at": instant(p.at), "value": p.value} for p in figure.trend],
        "rows": [dict(zip(rows.columns, map(plain, row), strict=True)) for row in rows.rows],
        "truncated": rows.truncated,
    }
    return json_answer(found)


def _whole_building(request: Request) -> None:
    if owners_scope(request) is not None:
        raise Refused("forbidden", "KPIs count all owners; the key covers some of them only.")


def _wants_csv(request: Request) -> bool:
    return "text/csv" in request.headers.get("accept", "")


def hours_of(text: str | None) -> int:
    """The window asked for."""
    if text is None:
        return HOURS
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_HOURS:
        return int(text)
    detail = f"hours is a whole number from 1 to {MOST_HOURS}."
    raise Refused("validation", detail, errors=(FieldError("?hours", "range", detail),))


def shown_figure(figure: Figure) -> dict[str, Any]:
    """A figure as the interface shows it."""
    kpi, reading = figure.kpi, figure.reading
    return {
        "name": kpi.name,
        "title": kpi.title,
        "value": reading.value,
        "unit": kpi.unit,
        "state": figure.state,
        "as_of": instant(reading.as_of),
        "latest_at": None if reading.latest_at is None else instant(reading.latest_at),
        "numerator": reading.numerator,
        "denominator": reading.denominator,
        "cases": cases(kpi, reading) if kpi.kind in ("ratio", "samples", "ratio_now") else None,
        "hours": figure.hours if kpi.has_window else None,
        "amber": kpi.amber,
        "red": kpi.red,
        "higher_is_better": kpi.higher_is_better,
    }


def instant(us: int) -> str:
    """Microseconds as RFC 3339 UTC."""
    seconds, rest = divmod(us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def plain(value: Any) -> Any:
    """A value of the database as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    return value


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a header; text that a spreadsheet would run as a formula is quoted away."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_cell(plain(value)) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def csv_answer(text: str) -> Response:
    """CSV as an answer that is not kept."""
    return Response(
        text, media_type="text/csv; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
