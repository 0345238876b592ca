"""Dead letters settled by a person: driven again after a fix, refused while unfixed, given up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.gs1.epc import encode_sscc_96
from contracts.gs1.keys import sscc_from, sscc_key
from core.application.ports.tracking import DeadLetter
from core.domain.layout import AgentRow, DeviceRow, ReadPointRow
from tests.apis import Api, open_api
from tests.dock import PREFIX, a_layout

NOW = 1_795_000_000_000_000
SSCC = sscc_from(PREFIX, 5)
EPC = encode_sscc_96(SSCC, prefix_length=len(PREFIX))
TOPIC = "wh/v1/demo/agents/floor-1/reads"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with open_api(database_url) as made:
        async with made.open_unit("demo") as unit:
            await unit.layout.save(a_layout(), now=NOW)
        yield made


async def kept(api: Api, **changes: Any) -> int:
    """One reading of a known pallet that an unregistered reader sent."""
    reading = {
        "epc": EPC, "device": "stage-r", "antenna": 1, "rssi_dbm": -50, "occurred_at": NOW,
        **changes,
    }  # fmt: skip
    payload = json.dumps(reading).encode()
    letter = DeadLetter(
        topic=TOPIC, code="E_DEVICE_UNKNOWN", pointer="/reads/0/device", payload=payload,
        digest=hashlib.sha256(payload).digest(), received_at=NOW, agent="floor-1", boot=1, seq=7,
        index=0,
    )  # fmt: skip
    async with api.open_unit("demo") as unit:
        await unit.tracking.keep([letter])
        await unit.raw.execute(
            "INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, owner_id,"
            " created_at, changed_at)"
            " VALUES ('demo', gen_random_uuid(), $1, 'pallet', 'acme', 1, 1)"
            " ON CONFLICT DO NOTHING",
            sscc_key(SSCC),
        )
        return int(await unit.raw.fetchval("SELECT max(dead_letter_id) FROM dead_letter"))


async def register(api: Api) -> None:
    async with api.open_unit("demo") as unit:
        point = ReadPointRow(
            read_point="stage.in", agent="floor-1", device="stage-r", role="zone", antenna=1,
            location="STAGE-IN",
        )  # fmt: skip
        layout = a_layout()
        await unit.layout.save(
            type(layout)(
                name=layout.name,
                timezone=layout.timezone,
                agents=(AgentRow(agent="floor-1"),),
                devices=(DeviceRow(agent="floor-1", device="stage-r"),),
                read_points=(point,),
            ),
            now=NOW,
        )


async def settle(
    client: httpx.AsyncClient, letter: int, act: str, reason: str = "reader registered"
) -> httpx.Response:
    return await client.post(f"/v1/dead-letters/{letter}/{act}", json={"reason": reason})


async def position(api: Api) -> str | None:
    async with api.open_unit("demo") as unit:
        found = await unit.raw.fetchval(
            "SELECT l.code FROM position p JOIN location l USING (site_id, location_id)"
        )
    return None if found is None else str(found)


async def test_a_letter_still_refused_stays_kept_and_takes_effect_after_the_fix(api: Api) -> None:
    letter = await kept(api)
    async with await api.client("lead") as client:
        before = await settle(client, letter, "redrive")
        assert (before.status_code, before.json()["code"]) == (409, "state-conflict")
        assert "E_DEVICE_UNKNOWN" in before.json()["detail"]
        assert (await client.get("/v1/dead-letters?state=kept")).json()["items"][0]["id"] == letter

        await register(api)
        after = await settle(client, letter, "redrive")

        assert after.status_code == 200, after.text
        assert (after.json()["state"], after.json()["readings"]) == ("redriven", 1)
        assert after.json()["reason"] == "reader registered"
        assert await position(api) == "STAGE-IN"
        again = await settle(client, letter, "redrive")
        assert again.status_code == 409


async def test_a_late_reading_never_overrules_a_newer_position(api: Api) -> None:
    await register(api)
    letter = await kept(api)
    async with api.open_unit("demo") as unit:
        await unit.raw.execute(
            "INSERT INTO position (site_id, subject, location_id, confidence, since, last_seen_at)"
            " SELECT 'demo', $1, location_id, 1, $2, $2 FROM location WHERE code = 'DOCK-1'",
            sscc_key(SSCC),
            NOW + 1,
        )
    async with await api.client("lead") as client:
        assert (await settle(client, letter, "redrive")).status_code == 200

    assert await position(api) == "DOCK-1"


async def test_a_discarded_letter_keeps_its_bytes_and_its_reason(api: Api) -> None:
    letter = await kept(api, epc="zz")
    async with await api.client("lead") as client:
        missing = await client.post(f"/v1/dead-letters/{letter}/discard", json={})
        assert missing.json()["errors"][0]["code"] == "required"

        done = await settle(client, letter, "discard", "test tag")

        assert (done.json()["state"], done.json()["reason"]) == ("discarded", "test tag")
        assert done.json()["bytes"]
        assert (await settle(client, letter, "redrive")).status_code == 409
        assert (await client.get("/v1/dead-letters/9999")).status_code == 404
        assert (await client.get("/v1/dead-letters/1_0")).status_code == 404


async def test_a_picker_may_look_but_not_settle(api: Api) -> None:
    letter = await kept(api)
    async with await api.client("picker") as client:
        assert (await client.get("/v1/dead-letters")).status_code == 200
        assert (await settle(client, letter, "discard")).status_code == 403
