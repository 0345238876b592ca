"""Reader health from a status to the alarm, the API and the page, and away again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.application.liveness import watch_site
from core.domain.liveness import Memory
from tests.builders import SITE, a_warehouse
from tests.gateway_rig import NOW, Rig, a_rig, delivered
from tests.pages import serve_pages

SECOND = 1_000_000
FAULT = {
    "device": "r1",
    "state": "live",
    "alarms": ["antenna_fault", "skew"],
    "antennas": [
        {"antenna": 1, "state": "ok", "reads": 40, "tags": 3, "rssi_mean_dbm": -61.5,
         "last_read_at": NOW},
        {"antenna": 2, "state": "fault", "reads": 0, "tags": 0},
    ],
    "clock_skew_ms": 5_000.0,
}  # fmt: skip


def a_status(at: int, device: dict[str, Any], **more: Any) -> dict[str, Any]:
    header = {"schema": "status.v1", "site": "a", "agent": "dock-03", "boot": 7, "seq": 1000}
    return {**header, "sent_at": at, "state": "online", "devices": [device], **more}


async def alarms(rig: Rig, memory: Memory) -> list[tuple[str, str]]:
    async with rig.open_unit("a") as uow:
        await watch_site(uow, memory, now=rig.clock.now, mono=rig.clock.now, ids=rig.ids)
    rows = await rig.rows(
        "SELECT kind, subject FROM exception WHERE resolved_at IS NULL AND kind <> 'agent.silent'"
        " ORDER BY kind"
    )
    return [(row["kind"], row["subject"]) for row in rows]


async def test_a_status_raises_named_alarms_and_the_next_one_clears_them(
    database_url: str, tmp_path: Path
) -> None:
    async with a_rig(database_url, tmp_path) as rig:
        stepper = await rig.holder()
        memory = Memory(rig.clock.now - 60 * SECOND)
        config = {"config_version": 6, "config_offered": 7, "config_error": "config-value: x"}
        await rig.rows(
            "INSERT INTO agent_config (site_id, agent, version, document, author, created_at)"
            " VALUES ('a', 'dock-03', 7, '', 'ann', 1) RETURNING version"
        )

        said = a_status(NOW, FAULT, config_state="refused", **config)
        await stepper.feed(delivered(said, kind="status"))

        assert await alarms(rig, memory) == [
            ("agent.config", "agent/dock-03"),
            ("device.antenna", "device/dock-03/r1"),
            ("device.skew", "device/dock-03/r1"),
        ]
        row = (await rig.rows("SELECT state, error, reported_at FROM agent_config"))[0]
        assert tuple(row.values()) == ("refused", "config-value: x", NOW)

        rig.clock.pass_s(1)
        well = a_status(NOW + SECOND, {"device": "r1", "state": "live"})
        await stepper.feed(delivered(well, kind="status"))
        assert await alarms(rig, memory) == []


async def test_devices_show_health_over_http_and_on_the_page(database_url: str) -> None:
    async with serve_pages(database_url) as (api, _):
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
            for statement in (
                "INSERT INTO agent (site_id, agent, registered_at) VALUES ($1, 'dock-1', 1)",
                "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', 'r1')",
                "INSERT INTO agent_status (site_id, agent, state, boot, seq, sent_at, received_at,"
                " config_version, config_offered, config_state, config_error)"
                " VALUES ($1, 'dock-1', 'online', 1, 5, 1, 1, 6, 7, 'fallback', 'not-live')",
                "INSERT INTO agent_config (site_id, agent, version, document, author, created_at)"
                " VALUES ($1, 'dock-1', 7, '', 'ann', 1)",
            ):
                await uow.raw.execute(statement, SITE)
            await uow.raw.execute(
                "INSERT INTO device_state (site_id, agent, device, state, since, health)"
                " VALUES ($1, 'dock-1', 'r1', 'live', 1, $2::jsonb)",
                SITE,
                '{"alarms": ["antenna_fault"], "clock_skew_ms": 12.5, "antennas":'
                ' [{"antenna": 2, "state": "fault", "reads": 0, "tags": 0, "last_read_at": 1}]}',
            )
        client = await api.client("lead")
        (device,) = (await client.get("/v1/devices")).json()["items"]
        assert (device["alarms"], device["clock_skew_ms"]) == (["antenna_fault"], 12.5)
        assert device["antennas"] == [
            {"antenna": 2, "state": "fault", "reads": 0, "tags": 0, "rssi_mean_dbm": None,
             "last_read_at": "1970-01-01T00:00:00.000001Z"}
        ]  # fmt: skip
        assert (device["missing"], device["overflows"]) == ([], 0)
        (agent,) = (await client.get("/v1/agents")).json()["items"]
        assert (agent["config_version"], agent["config_wanted"]) == (6, 7)
        page = (await client.get("/devices")).text
        assert "antenna fault" in page
        assert "6 → 7" in page
        assert "not-live" in page
