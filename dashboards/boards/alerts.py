"""Alert rules: symptoms that need a person now, from the same views as the boards.

A list of faults is fine when it is empty; a liveness query has a row for each expected one and
alarms when it has none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from dashboards.panels import POSTGRES

FOLDER = "50-platform"
EXPRESSION = "__expr__"
SHIFT = "dl-shift"


@dataclass(frozen=True, slots=True)
class Rule:
    """It fires while a row's `value` is above `above` for `wait`."""

    uid: str
    title: str
    sql: str
    summary: str
    severity: Literal["warning", "critical"]
    wait: str
    above: float = 0
    no_data: Literal["OK", "Alerting"] = "OK"


RULES = (
    Rule(
        "dl-agent-silent",
        "An agent is silent",
        "SELECT site_id, agent, value FROM kpi.agents_v1",
        "An edge agent is offline or was not heard: its door reads nothing into the ledger.",
        "critical",
        "30s",
        no_data="Alerting",
    ),
    Rule(
        "dl-device-not-live",
        "A reader or sensor is not live",
        "SELECT site_id, agent, device, value FROM kpi.devices_v1",
        "A device is stale, dead or was never heard.",
        "warning",
        "1m",
        no_data="Alerting",
    ),
    Rule(
        "dl-ledger-drift",
        "The ledger disagrees with itself",
        "SELECT site_id, CASE WHEN value > 0 OR coalesce(age_min, 1000) > 130 THEN 1 ELSE 0 END"
        " AS value FROM kpi.ledger_drift_v1",
        "dockledger verify found drift, or the last check is too old to say.",
        "critical",
        # A site that is new is checked for the first time after five minutes.
        "10m",
        no_data="Alerting",
    ),
    Rule(
        "dl-oversell",
        "Items are promised beyond stock",
        "SELECT site_id, count(*) AS value FROM kpi.oversell_v1 GROUP BY site_id",
        "The site promised more of an item than it holds.",
        "critical",
        "1m",
    ),
    Rule(
        "dl-orders-at-risk",
        "Orders will miss their cut-off",
        "SELECT site_id, sum(value) AS value FROM kpi.orders_at_risk_v1 GROUP BY site_id",
        "Open orders will be ready less than 30 minutes before their ship_by.",
        "warning",
        "5m",
    ),
    Rule(
        "dl-dead-letters",
        "Readings are kept outside the ledger",
        "SELECT site_id, agent, code, value FROM kpi.dead_letters_v1",
        "Readings were refused with a reason code and wait to be driven again or given up.",
        "warning",
        "5m",
    ),
)


def text() -> str:
    """The file of provisioning: JSON, which is YAML."""
    rules = [_rule(rule) for rule in RULES]
    group = {
        "orgId": 1,
        "name": "dockledger",
        "folder": FOLDER,
        "interval": "30s",
        "rules": rules,
    }
    document = {"apiVersion": 1, "groups": [group]}
    return "# Made by `dockledger boards render`.\n" + json.dumps(document, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "for": rule.wait,
        "noDataState": rule.no_data,
        "execErrState": "Alerting",
        "annotations": {"summary": rule.summary, "board": f"/d/{SHIFT}"},
        "labels": {"severity": rule.severity, "product": "dockledger"},
        "data": [
            _query(rule.sql),
            _step("B", "reduce", {"expression": "A", "reducer": "last"}),
            _step("C", "threshold", {"expression": "B", "conditions": [_above(rule.above)]}),
        ],
    }


def _query(sql: str) -> dict[str, Any]:
    model = {
        "refId": "A",
        "datasource": {"type": POSTGRES.type_val, "uid": POSTGRES.uid},
        "editorMode": "code",
        "format": "table",
        "rawQuery": True,
        "rawSql": sql,
    }
    return {
        "refId": "A",
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": POSTGRES.uid,
        "model": model,
    }


def _step(ref: str, kind: str, model: dict[str, Any]) -> dict[str, Any]:
    source = {"type": EXPRESSION, "uid": EXPRESSION}
    return {
        "refId": ref,
        "datasourceUid": EXPRESSION,
        "model": {"refId": ref, "type": kind, "datasource": source, **model},
    }


def _above(value: float) -> dict[str, Any]:
    return {"evaluator": {"type": "gt", "params": [value]}}
