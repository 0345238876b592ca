"""The manager's page: every KPI with value, trend and threshold; one KPI with its rows.

Sparklines are drawn on the server: the page needs no script of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.deps import context
from core.api.kpi import csv_text, hours_of, plain
from core.application.kpi import HOUR_US, Figure, named, read_kpi, read_kpis, rows_of
from core.application.ports.kpi import Point, Rows
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused
from core.domain.kpis import cases
from core.web.render import BUILDING, HEADERS, only, read, scope_of, show
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
WIDTH, HEIGHT = 160, 36
SHOWN_ROWS = 200
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Orders",
        (
            "orders",
            "open_orders",
            "orders_at_risk",
            "order_cycle",
            "on_time_shipment",
            "lines_per_hour",
            "backorder_rate",
        ),
    ),
    (
        "Doors",
        (
            "door_visits",
            "perfect_visit",
            "passes",
            "perfect_pass_rate",
            "undecided_share",
            "stray_share",
            "verdict_latency",
            "event_latency",
            "dock_to_stock",
        ),
    ),
    (
        "Stock and work",
        (
            "inventory",
            "space_utilisation",
            "low_stock",
            "pick_face_stockouts",
            "short_picks",
            "work_waiting",
            "exceptions_open",
        ),
    ),
    ("The book and the devices", ("ledger_drift", "oversell", "dead_letters", "agents", "devices")),
)


@router.get("/kpi")
async def overview(request: Request, hours: str | None = None) -> Response:
    """All of them, in groups."""
    _whole_building(request)
    window, now = hours_of(hours), context(request).clock()

    async def find(unit: UnitOfWork) -> list[Figure]:
        return await read_kpis(unit, now=now, hours=window, with_trend=True)

    cards = {f.kpi.name: card(f, now=now) for f in await read(request, find)}
    groups = [(title, [cards[name] for name in names]) for title, names in GROUPS]
    return await show(request, "kpi.html", groups=groups, hours=window)


@router.get("/kpi/{name}.csv")
async def as_csv(request: Request, name: str, hours: str | None = None) -> Response:
    """The rows behind one KPI as a file."""
    _whole_building(request)
    window, now = hours_of(hours), context(request).clock()

    async def find(unit: UnitOfWork) -> Rows:
        return await rows_of(unit, name, now=now, hours=window)

    rows = await read(request, find)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{named(name).name}.csv"'}
    return Response(
        csv_text(rows.columns, rows.rows), headers=headers, media_type="text/csv; charset=utf-8"
    )


@router.get("/kpi/{name}")
async def one(request: Request, name: str, hours: str | None = None) -> Response:
    """One KPI: what it means, its trend, the newest rows behind it."""
    _whole_building(request)
    window, now = hours_of(hours), context(request).clock()

    async def find(unit: UnitOfWork) -> tuple[Figure, Rows, str]:
        figure = await read_kpi(unit, name, now=now, hours=window)
        rows = await rows_of(unit, name, now=now, hours=window, limit=SHOWN_ROWS)
        return figure, rows, await unit.kpi.comment(figure.kpi)

    figure, rows, comment = await read(request, find)
    return await show(
        request,
        "one_kpi.html",
        k=card(figure, now=now),
        columns=rows.columns,
        rows=[[_written(value) for value in row] for row in rows.rows],
        truncated=rows.truncated,
        definition=" ".join(comment.split()),
        hours=window,
    )


def _whole_building(request: Request) -> None:
    if scope_of(only(request, *BUILDING)) is not None:
        raise Refused("forbidden", "KPIs count all owners; this key covers some of them only.")


def card(figure: Figure, *, now: int) -> dict[str, Any]:
    """What a card shows of a KPI."""
    kpi, reading = figure.kpi, figure.reading
    limits = [
        (word, f"{'≤' if kpi.higher_is_better else '≥'} {limit:g}")
        for word, limit in (("amber", kpi.amber), ("red", kpi.red))
        if limit is not None
    ]
    return {
        "name": kpi.name,
        "title": kpi.title,
        "unit": kpi.unit,
        "value": None if reading.value is None else f"{reading.value:,.{kpi.decimals}f}",
        "state": figure.state,
        "as_of": reading.as_of,
        "latest_at": reading.latest_at,
        "window": kpi.has_window,
        "cases": cases(kpi, reading) if kpi.kind in ("ratio", "samples", "ratio_now") else None,
        "limits": limits,
        "spark": sparkline(figure.trend, since=now - figure.hours * HOUR_US, until=now),
        "part": kpi.part,
    }


def sparkline(trend: Sequence[Point], *, since: int, until: int) -> dict[str, Any] | None:
    """Coordinates of a trend; an hour without a value is a gap, never a line across it."""
    known = [(p.at, p.value) for p in trend if p.value is not None]
    if not known:
        return None
    low, high = min(v for _, v in known), max(v for _, v in known)
    span = high - low or 1.0
    pieces: list[list[str]] = []
    last = None
    for at, value in known:
        if last is None or at - last > HOUR_US:
            pieces.append([])
        x = WIDTH * max(0.0, min(1.0, (at - since) / max(1, until - since)))
        y = 3 + (HEIGHT - 6) * (1 - (value - low) / span)
        pieces[-1].append(f"{x:.1f},{y:.1f}")
        last = at
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "lines": [" ".join(piece) for piece in pieces if len(piece) > 1],
        "dots": [piece[0].split(",") for piece in pieces if len(piece) == 1],
        "low": f"{low:,.4g}",
        "high": f"{high:,.4g}",
    }


def _written(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(plain(value))
