"""KPIs read from their views: values with state, trends and rows; samples of what has no history.

Every reader (pages, interface, commands) gets the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.application.ports.kpi import Point, Rows
from core.application.ports.uow import UnitOfWork
from core.domain.errors import not_found
from core.domain.kpis import BY_NAME, KPIS, Kpi, Reading, State, judge, tuned

HOUR_US = 3_600_000_000
SAMPLE_US = 300_000_000
KEEP_DAYS = 90
ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI with the site's thresholds, its value and what that means."""

    kpi: Kpi
    reading: Reading
    state: State
    hours: int
    trend: Sequence[Point] = ()


async def read_kpis(
    uow: UnitOfWork, *, now: int, hours: int, with_trend: bool = False
) -> list[Figure]:
    """Every KPI of the catalogue over the last `hours`."""
    settings = await uow.kpi.settings()
    return [
        await _figure(uow, tuned(kpi, settings), now=now, hours=hours, with_trend=with_trend)
        for kpi in KPIS
    ]


async def read_kpi(uow: UnitOfWork, name: str, *, now: int, hours: int) -> Figure:
    """One KPI with its trend; `not-found` for a name the catalogue does not hold."""
    kpi = tuned(named(name), await uow.kpi.settings())
    return await _figure(uow, kpi, now=now, hours=hours, with_trend=True)


def named(name: str) -> Kpi:
    """The KPI of this name."""
    found = BY_NAME.get(name)
    if found is None:
        raise not_found("KPI")
    return found


async def rows_of(uow: UnitOfWork, name: str, *, now: int, hours: int, limit: int = ROWS) -> Rows:
    """The rows its value stands on, newest first."""
    since = now - hours * HOUR_US
    return await uow.kpi.rows(named(name), since=since, until=now + 1, limit=limit)


async def sample_kpis(uow: UnitOfWork, *, now: int) -> int:
    """Keep the values that have no history of their own; once for each five minutes."""
    values: dict[str, float] = {}
    for kpi in KPIS:
        if not kpi.has_window:
            reading = await uow.kpi.reading(kpi, since=now, until=now)
            if reading.value is not None:
                values[kpi.name] = reading.value
    at = now // SAMPLE_US * SAMPLE_US
    await uow.kpi.sample(values, at=at, keep_from=now - KEEP_DAYS * 24 * HOUR_US)
    return len(values)


async def _figure(uow: UnitOfWork, kpi: Kpi, *, now: int, hours: int, with_trend: bool) -> Figure:
    since, until = now - hours * HOUR_US, now + 1
    reading = await uow.kpi.reading(kpi, since=since, until=until)
    trend = await uow.kpi.trend(kpi, since=since, until=until) if with_trend else ()
    if with_trend and kpi.kind == "count":
        trend = counted(trend, since=since, until=until)
    return Figure(kpi, reading, judge(kpi, reading), hours, trend)


def counted(trend: Sequence[Point], *, since: int, until: int) -> list[Point]:
    """A count by the hour: an hour in which nothing happened is zero, not a gap."""
    known = {point.at: point for point in trend}
    first = since // HOUR_US * HOUR_US
    return [known.get(at, Point(at, 0.0)) for at in range(first, until, HOUR_US)]
