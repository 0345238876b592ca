"""What every board must keep: names that exist, a time filter, units, descriptions, one uid each.

It reads the JSON that Grafana will read, so it also judges what was edited by hand.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Final

from dashboards.measurements import MEASUREMENTS
from dashboards.panels import INFLUX, POSTGRES

UID: Final = re.compile(r"[a-z][a-z0-9-]{2,39}")
_VIEW: Final = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+\.)?([a-z_0-9]+)", re.I)
_SCRIPT_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW kpi\.(\w+) AS(.*?);", re.S)
_QUOTED: Final = re.compile(r'"([^"]+)"')
_VARIABLE: Final = re.compile(r"(?<!\$)\$\{?(\w+)")
_BUILT_IN: Final = re.compile(r"__\w+|timeFilter|tag_\w+")
Views = Mapping[str, bool]


def views_of(scripts: Iterable[str]) -> dict[str, bool]:
    """The views that SQL scripts define; true for those whose rows are facts with `at_us`."""
    return {
        name: "at_us" in body for script in scripts for name, body in _SCRIPT_VIEW.findall(script)
    }


def lint(rendered: Mapping[str, str], views: Views) -> list[str]:
    """What is wrong with the boards, one line each; `rendered` is JSON by path."""
    boards = {path: json.loads(text) for path, text in rendered.items()}
    found = [*_repeated("uid", boards), *_repeated("title", boards)]
    for path, board in boards.items():
        found += [f"{path}: {fault}" for fault in _board(board, views)]
    return found


def _repeated(what: str, boards: Mapping[str, Any]) -> Iterator[str]:
    counted = Counter(str(board.get(what)) for board in boards.values())
    for value, times in counted.items():
        if times > 1:
            yield f"{what} {value!r} is used {times} times"


def _board(board: Mapping[str, Any], views: Views) -> Iterator[str]:
    if not UID.fullmatch(str(board.get("uid"))):
        yield "the uid is no readable name of at most 40 characters"
    if board.get("editable") is not False:
        yield "the board may be edited in the browser"
    if not board.get("description"):
        yield "the board has no description"
    names = {v["name"] for v in board.get("templating", {}).get("list", [])}
    if "site" not in names:
        yield "the board has no variable for the site"
    panels = list(panels_of(board))
    titles = Counter(panel.get("title") for panel in panels)
    yield from (f"title {title!r} stands on {n} panels" for title, n in titles.items() if n > 1)
    for panel in panels:
        for fault in _panel(panel, views, names):
            yield f"{panel.get('title')!r}: {fault}"


def panels_of(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every panel that shows something, those in collapsed rows too."""
    for panel in board.get("panels") or []:
        if panel.get("type") == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def _panel(panel: Mapping[str, Any], views: Views, variables: Set[str]) -> Iterator[str]:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    said = {
        "title": panel.get("title"),
        "description": panel.get("description"),
        "unit": defaults.get("unit"),
        "text for no data": defaults.get("noValue"),
    }
    yield from (f"no {name}" for name, value in said.items() if not value)
    if not panel.get("targets"):
        yield "no query"
    if "stacking" in json.dumps(defaults) and '"mode": "none"' not in json.dumps(defaults):
        yield "it is stacked"
    for target in panel.get("targets") or []:
        kind = target.get("datasource", {})
        if kind.get("uid") == POSTGRES.uid:
            yield from _sql(str(target.get("rawSql", "")), views)
        elif kind.get("uid") == INFLUX.uid:
            yield from _influxql(str(target.get("query", "")))
        else:
            yield "its source is neither of ours"
        for name in _VARIABLE.findall(json.dumps(target)):
            if name not in variables and not _BUILT_IN.fullmatch(name):
                yield f"variable {name} does not exist"


def _sql(text: str, views: Views) -> Iterator[str]:
    if re.search(r"SELECT\s+\*", text, re.I):
        yield "SELECT * breaks when a column is added"
    if "site_id = '$site'" not in text:
        yield "it does not ask for the site"
    for schema, view in _VIEW.findall(text):
        if schema != "kpi.":
            yield f"{schema}{view} is outside schema kpi"
        elif view not in views:
            yield f"view {view} does not exist"
        elif views[view] and "$__unixEpochFrom()" not in text and "$__timeFilter(" not in text:
            yield f"{view} holds facts and there is no time filter"


def _influxql(text: str) -> Iterator[str]:
    if re.search(r"SELECT\s+\*", text, re.I):
        yield "SELECT * breaks when a field is added"
    if "$timeFilter" not in text:
        yield "there is no time filter"
    if "\"site\" = '$site'" not in text:
        yield "it does not ask for the site"
    read = re.search(r'FROM "([^"]+)"', text)
    measurement = next((m for m in MEASUREMENTS if read and m.name == read[1]), None)
    if measurement is None:
        yield "its measurement does not exist"
        return
    known = {measurement.name, *measurement.tags, *measurement.fields}
    named = re.sub(r'AS "[^"]+"', "", text)
    yield from (
        f"{measurement.name} has no {name}" for name in _QUOTED.findall(named) if name not in known
    )
