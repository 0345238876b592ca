"""The queries that boards share: SQL on the views of schema `kpi`, InfluxQL on the measurements.

Facts are cut to the board's time by `at_us`, which the tables below have an index on.
"""

from __future__ import annotations

from typing import Final, Literal

from dashboards.measurements import Measurement
from dashboards.panels import Ready, influxql, sql

SITE: Final = "site_id = '$site'"
BETWEEN: Final = (
    "at_us BETWEEN 1000000::bigint * $__unixEpochFrom() AND 1000000::bigint * $__unixEpochTo()"
)
FEW: Final = 30
Mean = Literal["mean", "max", "sum", "last", "min"]


def rate(view: str) -> Ready:
    """What was done for each hour; its cases are what was done."""
    return ratio(view, scale=1.0, cases="sum(numerator)")


def ratio(view: str, *, scale: float = 100.0, cases: str = "sum(denominator)") -> Ready:
    """A share with its number of cases as its name; grey when they are few."""
    return sql(
        f"SELECT now() AS time, {_name(cases)} AS metric,"
        f" ({scale} * sum(numerator) / nullif(sum(denominator), 0))::float8 AS value"
        f" FROM kpi.{view} WHERE {SITE} AND {BETWEEN} HAVING count(*) > 0",
        fmt="time_series",
    )


def ratio_now(view: str) -> Ready:
    """A share of this moment."""
    return sql(
        f"SELECT now() AS time, {_name('sum(denominator)')} AS metric,"
        f" (100.0 * sum(numerator) / nullif(sum(denominator), 0))::float8 AS value"
        f" FROM kpi.{view} WHERE {SITE} HAVING count(*) > 0",
        fmt="time_series",
    )


def quantile(view: str, fraction: float) -> Ready:
    """A quantile of samples with their number as its name; grey when they are few."""
    return sql(
        f"SELECT now() AS time, {_name('count(*)')} AS metric,"
        f" percentile_cont({fraction}) WITHIN GROUP (ORDER BY value) AS value"
        f" FROM kpi.{view} WHERE {SITE} AND {BETWEEN} HAVING count(*) > 0",
        fmt="time_series",
    )


def mean(view: str) -> Ready:
    """The mean of samples with their number as its name; grey when they are few."""
    return sql(
        f"SELECT now() AS time, {_name('count(*)')} AS metric, avg(value)::float8 AS value"
        f" FROM kpi.{view} WHERE {SITE} AND {BETWEEN} HAVING count(*) > 0",
        fmt="time_series",
    )


def _name(cases: str) -> str:
    return f"CASE WHEN {cases} < {FEW} THEN 'only ' ELSE '' END || ({cases})::bigint || ' cases'"


def count(view: str) -> Ready:
    """How many facts there were; zero is a value."""
    return sql(
        f"SELECT coalesce(sum(numerator), 0)::float8 AS value FROM kpi.{view}"
        f" WHERE {SITE} AND {BETWEEN}"
    )


def level(view: str) -> Ready:
    """A sum of this moment; no rows are zero, a row without a value is no data."""
    return sql(
        "SELECT CASE WHEN count(*) = 0 THEN 0 ELSE sum(value)::float8 END AS value"
        f" FROM kpi.{view} WHERE {SITE}"
    )


def per_bucket(view: str, what: str, name: str, *, ref: str = "A", bucket_s: int = 3600) -> Ready:
    """An aggregate for each span of time, one line for each value of `name`."""
    span = f"{bucket_s}000000"
    return sql(
        f"SELECT to_timestamp(at_us / {span} * {bucket_s}) AS time, {name} AS metric,"
        f" ({what})::float8 AS value FROM kpi.{view} WHERE {SITE} AND {BETWEEN}"
        " GROUP BY 1, 2 ORDER BY 1",
        fmt="time_series",
        ref=ref,
    )


def listed(view: str, columns: str, order: str, *, facts: bool = False, limit: int = 50) -> Ready:
    """The first rows of a view."""
    time = f" AND {BETWEEN}" if facts else ""
    return sql(
        f"SELECT {columns} FROM kpi.{view} WHERE {SITE}{time} ORDER BY {order} LIMIT {limit}"
    )


def summed(view: str, name: str, unit: str) -> Ready:
    """A sum of this moment for each value of a column, the largest first."""
    return sql(
        f"SELECT {name}, sum(value)::float8 AS {unit} FROM kpi.{view} WHERE {SITE}"
        f" GROUP BY {name} ORDER BY {unit} DESC"
    )


def series(
    measurement: Measurement,
    field: str,
    how: Mean = "mean",
    *,
    by: str | None = None,
    alias: str | None = None,
    ref: str = "A",
) -> Ready:
    """A field over time; a span without points is a gap. `LookupError` for an unknown name."""
    known(measurement, field, by)
    group = "" if by is None else f', "{by}"'
    return influxql(
        f'SELECT {how}("{field}") AS "{field}" FROM "{measurement.name}"'
        f" WHERE $timeFilter AND \"site\" = '$site'"
        f" GROUP BY time($__interval){group} fill(null)",
        alias=alias or (f"$tag_{by}" if by else field),
        ref=ref,
    )


def quantile_series(
    measurement: Measurement, field: str, percent: int, *, by: str, ref: str = "A"
) -> Ready:
    """A percentile of a field over time for each value of a tag."""
    known(measurement, field, by)
    return influxql(
        f'SELECT percentile("{field}", {percent}) AS "p{percent}" FROM "{measurement.name}"'
        f" WHERE $timeFilter AND \"site\" = '$site'"
        f' GROUP BY time($__interval), "{by}" fill(null)',
        alias=f"$tag_{by} p{percent}",
        ref=ref,
    )


def total(measurement: Measurement, field: str, how: Mean = "sum") -> Ready:
    """One value over the board's time."""
    known(measurement, field, None)
    return influxql(
        f'SELECT {how}("{field}") AS "{field}" FROM "{measurement.name}"'
        f" WHERE $timeFilter AND \"site\" = '$site'"
    )


def known(measurement: Measurement, field: str, tag: str | None) -> None:
    """What the writer does not write cannot be shown."""
    if field not in measurement.fields or (tag is not None and tag not in measurement.tags):
        raise LookupError(f"{measurement.name} has no {field} by {tag}")
