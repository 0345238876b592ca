"""`dockledger reader list` against a served application: states, and never heard is no zero."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from core.application.ports.tracking import AgentStatusRow, DeviceReport
from runtime.cli.main import run
from tests.apis import open_api
from tests.builders import SITE, a_warehouse
from tests.sockets import listening

AT = 1_795_000_000_000_000


async def test_devices_are_listed_with_state_and_last_read(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "lead.key"
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
            for name in ("r1", "r2"):
                await uow.raw.execute(
                    "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', $2)",
                    SITE,
                    name,
                )
            status = AgentStatusRow(
                agent="dock-1",
                state="degraded",
                boot=1,
                seq=0,
                sent_at=AT,
                received_at=AT,
                devices=[DeviceReport("r1", "live")],
            )
            await uow.tracking.agent_status([status], now=AT)
        key.write_text(await api.key("lead"), encoding="utf-8")

        async with listening(api) as port:
            words = ["reader", "list", "--api", f"http://127.0.0.1:{port}", "--key-file", str(key)]
            code = await asyncio.to_thread(run, words)
            lines = capsys.readouterr().out.splitlines()
            assert await asyncio.to_thread(run, [*words, "--json"]) == code == 1
            listed = json.loads(capsys.readouterr().out)["items"]

    assert [line.split() for line in lines] == [
        ["dock-1/r1", "live", "last", "read", "never"],
        ["dock-1/r2", "unknown", "last", "read", "never"],
    ]
    assert [(one["device"], one["state"]) for one in listed] == [("r1", "live"), ("r2", None)]
