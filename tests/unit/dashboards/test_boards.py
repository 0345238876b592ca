"""Boards as committed: byte-equal to the code, free of lint, valid for Grafana, limits as KPIs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.domain.kpis import BY_NAME
from dashboards.boards import alerts, catalogue
from dashboards.boards.words import LIMITS
from dashboards.lint import lint, panels_of, views_of
from dashboards.panels import Limits
from tests.services import require_examples

ROOT = Path(__file__).parents[3]
KPI = ROOT / "core" / "db" / "kpi"
SHIFT, PIPELINE = "10-operations/dl-shift.json", "50-platform/dl-pipeline.json"


def _views() -> dict[str, bool]:
    return views_of(path.read_text(encoding="utf-8") for path in sorted(KPI.glob("*.sql")))


def test_the_committed_boards_are_what_the_code_makes() -> None:
    assert catalogue.stale() == []
    assert sorted(catalogue.rendered()) == [SHIFT, PIPELINE]


def test_a_board_that_is_edited_missing_or_left_over_is_told(tmp_path: Path) -> None:
    assert catalogue.write(tmp_path) == [SHIFT, PIPELINE]
    (tmp_path / SHIFT).write_text("{}", encoding="utf-8")
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")

    assert catalogue.stale(tmp_path) == [SHIFT, "old.json"]
    assert catalogue.write(tmp_path) == ["old.json", SHIFT]
    assert catalogue.stale(tmp_path) == []


def test_the_boards_have_no_fault() -> None:
    assert lint(catalogue.rendered(), _views()) == []


def test_the_views_are_read_from_their_scripts() -> None:
    views = _views()

    assert views["passes_v1"] is True
    assert views["ledger_drift_v1"] is False
    assert {f"{name}_v1" for name in BY_NAME} <= views.keys()


def _sql(board: dict[str, Any], change: Callable[[str], str]) -> None:
    for panel in panels_of(board):
        for target in panel["targets"]:
            target["rawSql"] = change(target["rawSql"])


def _first(board: dict[str, Any]) -> Any:
    return next(iter(panels_of(board)))


def _drop(where: str) -> Callable[[dict[str, Any]], None]:
    return lambda board: _first(board).pop(where)


FAULTS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("rename", lambda b: _sql(b, lambda s: s.replace("orders_v1", "order_v1")), "does not exist"),
    ("other schema", lambda b: _sql(b, lambda s: s.replace("kpi.", "public.")), "outside schema"),
    ("star", lambda b: _sql(b, lambda s: re.sub("SELECT .*? FROM", "SELECT * FROM", s)), "SELECT"),
    ("site", lambda b: _sql(b, lambda s: s.replace("$site", "demo")), "ask for the site"),
    ("time", lambda b: _sql(b, lambda s: s.replace("$__unixEpochFrom()", "0")), "no time filter"),
    ("variable", lambda b: _sql(b, lambda s: s + " AND $zone = 1"), "variable zone"),
    ("title", _drop("title"), "no title"),
    ("description", _drop("description"), "no description"),
    ("unit", lambda b: _first(b)["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    ("no data", lambda b: _first(b)["fieldConfig"]["defaults"].pop("noValue"), "text for no data"),
    ("query", _drop("targets"), "no query"),
    ("source", lambda b: _first(b)["targets"][0]["datasource"].update(uid="x"), "source"),
    ("uid", lambda b: b.update(uid="A board!"), "readable name"),
    ("edited", lambda b: b.update(editable=True), "edited in the browser"),
    ("twice", lambda b: b.update(uid="dl-pipeline"), "uid 'dl-pipeline' is used 2 times"),
    ("same title", lambda b: b.update(title="Readers and pipeline"), "is used 2 times"),
]


@pytest.mark.parametrize(("name", "plant", "said"), FAULTS, ids=[f[0] for f in FAULTS])
def test_a_planted_fault_is_found(
    name: str, plant: Callable[[dict[str, Any]], object], said: str
) -> None:
    rendered = dict(catalogue.rendered())
    board = json.loads(rendered[SHIFT])
    plant(board)
    rendered[SHIFT] = json.dumps(board)

    assert [fault for fault in lint(rendered, _views()) if said in fault] != [], name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("commit_ms", "commit_us"), "gateway has no commit_us"),
        (('"agent" WHERE', '"agents" WHERE'), "its measurement does not exist"),
        (("$timeFilter", "true"), "no time filter"),
        (("\"site\" = '$site'", "true"), "ask for the site"),
    ],
)
def test_a_name_that_nothing_writes_is_found(change: tuple[str, str], said: str) -> None:
    rendered = dict(catalogue.rendered())
    rendered[PIPELINE] = rendered[PIPELINE].replace(
        json.dumps(change[0])[1:-1], json.dumps(change[1])[1:-1]
    )

    assert [fault for fault in lint(rendered, _views()) if said in fault] != []


def test_limits_of_boards_are_those_of_the_kpis() -> None:
    kpis = {name: BY_NAME[name] for name in LIMITS}

    assert {
        name: Limits(kpi.amber, kpi.red, kpi.higher_is_better) for name, kpi in kpis.items()
    } == LIMITS


def test_colours_begin_where_a_value_turns_bad() -> None:
    rising = [(s.value, s.color) for s in Limits(2, 5).steps()]
    falling = [(s.value, s.color) for s in Limits(98, 90, higher_is_better=True).steps()]

    assert rising == [(None, "green"), (2, "orange"), (5, "red")]
    assert falling == [(None, "red"), (90, "orange"), (98, "green")]
    assert [(s.value, s.color) for s in Limits(1, 1).steps()] == [(None, "green"), (1, "red")]
    assert [(s.value, s.color) for s in Limits().steps()] == [(None, "blue")]


def test_alert_rules_have_uids_of_their_own_and_a_board() -> None:
    uids = [rule.uid for rule in alerts.RULES]
    text = alerts.text()

    assert len(set(uids)) == len(uids)
    # Grafana fills in what follows a dollar sign in these files.
    assert "$" not in text
    rules = json.loads(text.partition("\n")[2])["groups"][0]["rules"]
    assert rules[0]["uid"] == uids[0]
    # Grafana refuses a rule that names a board's uid without a panel's id.
    assert {tuple(rule["annotations"]) for rule in rules} == {("summary", "board")}


@pytest.mark.parametrize("path", [SHIFT, PIPELINE])
def test_grafanas_own_schemas_accept_the_board(path: str) -> None:
    schemas = require_examples().parent / "grafana-schema"
    board = json.loads(catalogue.rendered()[path])

    _validate(schemas, "dashboard", "Dashboard", board)
    for panel in panels_of(board):
        kind = panel["type"].replace("-", "")
        _validate(schemas, kind, "Options", panel["options"])
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            _validate(schemas, kind, "FieldConfig", custom)


def _validate(schemas: Path, name: str, definition: str, document: Any) -> None:
    schema = json.loads((schemas / f"{name}.jsonschema.json").read_text(encoding="utf-8"))
    for loose, member in (("MatcherConfig", "options"), ("DynamicConfigValue", "value")):
        # Published as objects; Grafana takes any value there.
        if loose in schema["definitions"]:
            schema["definitions"][loose]["properties"][member] = {}
    validator = jsonschema.Draft7Validator({**schema, "$ref": f"#/definitions/{definition}"})
    faults = [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(document)]
    assert faults == [], (name, definition)
