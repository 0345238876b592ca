"""Files that Grafana reads at its start: one uid for a source everywhere, rules as coded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from dashboards.boards import alerts, catalogue
from dashboards.panels import INFLUX, POSTGRES

ROOT = Path(__file__).parents[3]
FILES = ROOT / "dashboards" / "provisioning"


def _read(kind: str) -> Any:
    return yaml.safe_load((FILES / kind / "dockledger.yaml").read_text(encoding="utf-8"))


def test_the_sources_are_those_that_the_boards_name() -> None:
    sources = {source["uid"]: source for source in _read("datasources")["datasources"]}

    assert {uid: source["type"] for uid, source in sources.items()} == {
        POSTGRES.uid: POSTGRES.type_val,
        INFLUX.uid: INFLUX.type_val,
    }
    # The reader of boards sees schema kpi alone; secrets come from files.
    assert sources[str(POSTGRES.uid)]["user"] == "dockledger_kpi"
    for source in sources.values():
        assert source["editable"] is False
        assert source["secureJsonData"]["password"].startswith("$__file{/run/secrets/")


def test_boards_come_from_files_and_cannot_be_edited_in_the_browser() -> None:
    (provider,) = _read("dashboards")["providers"]

    assert provider["allowUiUpdates"] is False
    assert provider["options"]["foldersFromFilesStructure"] is True
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    mounted = mounts["services"]["grafana"]["volumes"]
    assert f"./dashboards/rendered:{provider['options']['path']}:ro" in mounted
    assert "./dashboards/provisioning:/etc/grafana/provisioning:ro" in mounted


def test_the_committed_alert_rules_are_what_the_code_says() -> None:
    text = (FILES / "alerting" / "dockledger.yaml").read_text(encoding="utf-8")

    assert text == alerts.text()
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    assert [rule["uid"] for rule in rules] == [rule.uid for rule in alerts.RULES]
    for rule in rules:
        steps = {step["refId"]: step["model"] for step in rule["data"]}
        assert steps["A"]["datasource"]["uid"] == POSTGRES.uid
        assert (steps["B"]["type"], steps["C"]["type"]) == ("reduce", "threshold")
        assert rule["condition"] == "C"


def test_silence_of_devices_and_of_the_check_is_an_alarm() -> None:
    silent = {rule.uid for rule in alerts.RULES if rule.no_data == "Alerting"}

    assert silent == {"dl-agent-silent", "dl-device-not-live", "dl-ledger-drift"}


def test_an_alert_opens_a_board_that_exists() -> None:
    uids = {json.loads(text)["uid"] for text in catalogue.rendered().values()}

    assert alerts.SHIFT in uids
