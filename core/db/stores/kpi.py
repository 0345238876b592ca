"""KPI values, trends and rows from the views of schema `kpi`; names come from the catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from core.application.ports.kpi import Point, Rows
from core.domain.kpis import Kpi, Reading

HOUR_US: Final = 3_600_000_000
_FRACTION = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_NOW = "(extract(epoch FROM now()) * 1e6)::bigint AS as_of"
_WINDOW = "site_id = $1 AND at_us >= $2 AND at_us < $3"
SAMPLE = """
INSERT INTO kpi_sample (site_id, name, sampled_at, value)
SELECT $1, k.name, $2, k.value FROM unnest($3::text[], $4::float8[]) AS k(name, value)
ON CONFLICT (site_id, name, sampled_at) DO UPDATE SET value = excluded.value
"""
COMMENT = """
SELECT obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'kpi' AND c.relname = $1
"""
QUEUES = """
SELECT 'pick_tasks' AS name, count(*) AS rows, min(created_at) AS oldest FROM pick_task
WHERE site_id = $1 AND state IN ('open', 'assigned')
UNION ALL
SELECT 'tasks', count(*), min(created_at) FROM task
WHERE site_id = $1 AND state IN ('open', 'assigned')
UNION ALL
SELECT 'promised_orders', count(*), min(promised_at) FROM fulfilment
WHERE site_id = $1 AND state = 'promised'
UNION ALL
SELECT 'webhooks', count(*), min(d.created_at) FROM webhook_delivery d
JOIN webhook_endpoint e USING (endpoint_id) WHERE e.site_id = $1 AND d.state = 'due'
UNION ALL
SELECT 'dead_letters', count(*), min(received_at) FROM dead_letter
WHERE site_id = $1 AND state = 'kept'
"""


class PgKpiStore:
    """`KpiStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def settings(self) -> Mapping[str, Any]:
        """See the port."""
        text = await self._raw.fetchval(
            "SELECT settings::text FROM site WHERE site_id = $1", self._site
        )
        found: Mapping[str, Any] = json.loads(text) if text else {}
        return found

    async def reading(self, kpi: Kpi, *, since: int, until: int) -> Reading:
        """See the port."""
        if kpi.has_window:
            row = await self._raw.fetchrow(_windowed(kpi), self._site, since, until)
        else:
            row = await self._raw.fetchrow(_momentary(kpi), self._site)
        if row is None:
            raise LookupError("an aggregate answers with one row")
        return _reading(kpi, dict(row))

    async def trend(self, kpi: Kpi, *, since: int, until: int) -> Sequence[Point]:
        """See the port."""
        if not kpi.has_window:
            rows = await self._raw.fetch(
                f"SELECT at_us / {HOUR_US} * {HOUR_US} AS at, avg(value) AS value"
                f" FROM kpi.trend_v1 WHERE {_WINDOW} AND name = $4 GROUP BY 1 ORDER BY 1",
                self._site,
                since,
                until,
                kpi.name,
            )
            return [Point(row["at"], row["value"]) for row in rows]
        rows = await self._raw.fetch(_hourly(kpi), self._site, since, until)
        return [Point(row["at"], _reading(kpi, dict(row)).value) for row in rows]

    async def rows(self, kpi: Kpi, *, since: int, until: int, limit: int) -> Rows:
        """See the port."""
        columns = [name for name in await self._columns(kpi) if name not in ("site_id", "at_us")]
        shown = ", ".join(f'"{name}"' for name in columns)
        if kpi.has_window:
            found = await self._raw.fetch(
                f"SELECT {shown} FROM kpi.{kpi.view} WHERE {_WINDOW}"
                f" ORDER BY at_us DESC LIMIT {limit + 1}",
                self._site,
                since,
                until,
            )
        else:
            found = await self._raw.fetch(
                f"SELECT {shown} FROM kpi.{kpi.view} WHERE site_id = $1"
                f" ORDER BY {shown} LIMIT {limit + 1}",
                self._site,
            )
        return Rows(columns, [tuple(row) for row in found[:limit]], len(found) > limit)

    async def comment(self, kpi: Kpi) -> str:
        """See the port."""
        return str(await self._raw.fetchval(COMMENT, kpi.view) or "")

    async def sample(self, values: Mapping[str, float], *, at: int, keep_from: int) -> None:
        """See the port."""
        await self._raw.execute(SAMPLE, self._site, at, list(values), list(values.values()))
        await self._raw.execute(
            "DELETE FROM kpi_sample WHERE site_id = $1 AND sampled_at < $2", self._site, keep_from
        )

    async def queues(self, *, now: int) -> Mapping[str, tuple[int, float]]:
        """See the port."""
        rows = await self._raw.fetch(QUEUES, self._site)
        return {
            row["name"]: (
                row["rows"],
                0.0 if row["oldest"] is None else max(0.0, (now - row["oldest"]) / 1e6),
            )
            for row in rows
        }

    async def _columns(self, kpi: Kpi) -> list[str]:
        rows = await self._raw.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass"
            " AND attnum > 0 ORDER BY attnum",
            f"kpi.{kpi.view}",
        )
        return [row["attname"] for row in rows]


def _aggregate(kpi: Kpi) -> str:
    if kpi.kind == "samples":
        fraction = _FRACTION.get(kpi.statistic)
        value = (
            "avg(value)::float8"
            if fraction is None
            else f"percentile_cont({fraction}) WITHIN GROUP (ORDER BY value)"
        )
        return f"{value} AS value, count(*) AS denominator"
    if kpi.kind == "count":
        return "coalesce(sum(numerator), 0)::float8 AS value"
    return "sum(numerator)::float8 AS numerator, sum(denominator)::float8 AS denominator"


def _windowed(kpi: Kpi) -> str:
    return (
        f"SELECT {_aggregate(kpi)}, max(at_us) AS latest_at, {_NOW}"
        f" FROM kpi.{kpi.view} WHERE {_WINDOW}"
    )


def _hourly(kpi: Kpi) -> str:
    return (
        f"SELECT at_us / {HOUR_US} * {HOUR_US} AS at, {_aggregate(kpi)}, {_NOW}"
        f" FROM kpi.{kpi.view} WHERE {_WINDOW} GROUP BY 1 ORDER BY 1"
    )


def _momentary(kpi: Kpi) -> str:
    if kpi.kind == "ratio_now":
        return f"SELECT {_aggregate(kpi)}, {_NOW} FROM kpi.{kpi.view} WHERE site_id = $1"
    # Rows that hold nothing are no value; no rows at all are zero cases.
    age = "max(age_min)::float8 AS age_min, " if kpi.stale_min is not None else ""
    return (
        "SELECT CASE WHEN count(*) = 0 THEN 0 ELSE sum(value)::float8 END AS value,"
        f" {age}{_NOW} FROM kpi.{kpi.view} WHERE site_id = $1"
    )


def _reading(kpi: Kpi, row: Mapping[str, Any]) -> Reading:
    value, denominator = row.get("value"), row.get("denominator")
    numerator = row.get("numerator")
    if numerator is not None and denominator:
        value = kpi.scale * numerator / denominator
    return Reading(
        value=value,
        as_of=row["as_of"],
        numerator=numerator,
        denominator=denominator,
        latest_at=row.get("latest_at"),
        age_min=row.get("age_min"),
    )
