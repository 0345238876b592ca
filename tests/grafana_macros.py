"""What Grafana puts into the queries of the boards: variables, time range, interval."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.boards import catalogue
from dashboards.lint import panels_of

_LEFT = re.compile(r"\$\w*|\$\{")


@dataclass(frozen=True)
class PanelQuery:
    """One query of one panel as it stands in the board's JSON."""

    board: str
    panel: str
    source: str
    text: str
    fmt: str
    ref: str


def queries(source: str) -> Iterator[PanelQuery]:
    """Every query of the committed boards for this data source."""
    for path in sorted(catalogue.rendered()):
        board = json.loads((catalogue.RENDERED / path).read_text(encoding="utf-8"))
        for panel in panels_of(board):
            for target in panel["targets"]:
                uid = target["datasource"]["uid"]
                if uid == source:
                    text = target.get("rawSql") or target["query"]
                    fmt = target.get("format") or target["resultFormat"]
                    yield PanelQuery(board["uid"], panel["title"], uid, text, fmt, target["refId"])


def expand_sql(text: str, *, site: str, since_s: int, until_s: int) -> str:
    """SQL as Grafana's PostgreSQL source would send it."""
    for macro, value in (
        ("$__unixEpochFrom()", str(since_s)),
        ("$__unixEpochTo()", str(until_s)),
        ("$site", site),
    ):
        text = text.replace(macro, value)
    if _LEFT.search(text):
        raise ValueError("a macro is left")
    return text


def expand_influxql(
    text: str, *, site: str, since_s: int, until_s: int, interval_s: int = 60
) -> str:
    """InfluxQL as Grafana's InfluxDB source would send it."""
    for macro, value in (
        ("$timeFilter", f"time >= {since_s}s AND time <= {until_s}s"),
        ("$__interval", f"{interval_s}s"),
        ("$site", site),
    ):
        text = text.replace(macro, value)
    if _LEFT.search(text):
        raise ValueError("a macro is left")
    return text
