"""The boards in a running Grafana: DOCKLEDGER_TEST_GRAFANA_URL names one with our provisioning.

Its log-in comes from DOCKLEDGER_GRAFANA_TOKEN or _USER and _PASSWORD.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboards.boards import alerts, catalogue
from dashboards.lint import panels_of

VARIABLE = "DOCKLEDGER_TEST_GRAFANA_URL"
SITE = os.environ.get("DOCKLEDGER_TEST_GRAFANA_SITE", "demo")


@pytest.fixture
def grafana() -> Iterator[httpx.Client]:
    """A logged-in client, or the skip that says what is not proven."""
    url = os.environ.get(VARIABLE)
    if not url:
        pytest.skip(f"Grafana: not proven here ({VARIABLE} is not set)")
    token = os.environ.get("DOCKLEDGER_GRAFANA_TOKEN")
    user = os.environ.get("DOCKLEDGER_GRAFANA_USER", "admin")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    auth = None if token else (user, os.environ.get("DOCKLEDGER_GRAFANA_PASSWORD", "admin"))
    with httpx.Client(base_url=url, headers=headers, auth=auth, timeout=30) as client:
        yield client


def _board(client: httpx.Client, uid: str) -> dict[str, Any]:
    answer = client.get(f"/api/dashboards/uid/{uid}")
    assert answer.status_code == 200, (uid, answer.text)
    found: dict[str, Any] = answer.json()
    return found


def test_every_board_is_there_as_it_was_committed(grafana: httpx.Client) -> None:
    for board in catalogue.boards():
        stands = _board(grafana, board.uid)

        wanted = json.loads(board.render())
        assert stands["dashboard"]["title"] == board.title
        assert [p["title"] for p in panels_of(stands["dashboard"])] == [
            p["title"] for p in panels_of(wanted)
        ]
        assert stands["meta"]["canSave"] is False or stands["meta"]["provisioned"] is False


def test_every_panel_answers_through_the_query_interface(grafana: httpx.Client) -> None:
    now_ms = int(time.time() * 1000)
    failed: dict[str, str] = {}
    asked = 0
    for board in catalogue.boards():
        for panel in panels_of(_board(grafana, board.uid)["dashboard"]):
            text = json.dumps(panel["targets"]).replace("$site", SITE)
            queries = [{**t, "intervalMs": 60_000, "maxDataPoints": 500} for t in json.loads(text)]
            body = {
                "from": str(now_ms - 12 * 3_600_000),
                "to": str(now_ms),
                "queries": queries,
            }
            answer = grafana.post("/api/ds/query", json=body)
            asked += 1
            results = answer.json().get("results", {}) if answer.status_code == 200 else {}
            errors = [str(r["error"]) for r in results.values() if r.get("error")]
            if not results or errors:
                failed[panel["title"]] = "; ".join(errors) or f"HTTP {answer.status_code}"

    assert failed == {}
    assert asked > 40


def test_every_alert_rule_is_evaluated_and_healthy(grafana: httpx.Client) -> None:
    answer = grafana.get("/api/prometheus/grafana/api/v1/rules")
    assert answer.status_code == 200, answer.text
    health = {
        rule["name"]: rule["health"]
        for group in answer.json()["data"]["groups"]
        for rule in group["rules"]
    }

    assert {rule.title: health.get(rule.title) for rule in alerts.RULES} == {
        rule.title: "ok" for rule in alerts.RULES
    }
