"""The past over HTTP: floor at an instant from the ledger's lines, readings from the archive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.api.fields import instant_text
from core.api.history import EVIDENCE, POSITION_DAYS
from core.application.history import DAY_US, SETTLED_US, mark_stock
from gateway.archive import HOUR_US, Archive, Entry
from gateway.archive_reader import ArchiveReader, write_index
from runtime.clock import now_us
from tests.apis import Api, open_api
from tests.builders import SITE, a_move, a_warehouse

EPC, OTHER = "3034257BF7194E4000001A85", "3034257BF7194E4000000002"
KEY = "01/80614141123458/21/6789"
NOW = now_us() // HOUR_US * HOUR_US
BEGIN = NOW - 3 * HOUR_US


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    reader = ArchiveReader(tmp_path, site=SITE)
    async with open_api(database_url, extras={EVIDENCE: reader, POSITION_DAYS: 7}) as made:
        yield made


async def get(api: Api, path: str, status: int = 200, **client: Any) -> Any:
    async with await api.client(client.pop("role", "lead"), **client) as http:
        answer: httpx.Response = await http.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def past(api: Api, at: int) -> dict[str, Any]:
    found: dict[str, Any] = (await get(api, f"/v1/map/at?at={instant_text(at)}"))["sections"]
    return found


async def test_stock_stands_where_the_ledger_had_it_then(api: Api) -> None:
    async with api.open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        for at, quantity, source, target in (
            (BEGIN, 5, "SUPPLIER", "DOCK-1"),
            (BEGIN + 10, 3, "DOCK-1", "A-01-01-2"),
            (BEGIN + 20, 2, "A-01-01-2", "CUSTOMER"),
        ):
            move = a_move(house, quantity, origin=source, target=target, key=str(at))
            await uow.stock.post([move], recorded_at=at)

    stood = [(await past(api, BEGIN + at))["stock"] for at in (-1, 0, 10, 19, 20)]

    assert stood == [
        {},
        {"DOCK-1": 5},
        {"A-01-01-2": 3, "DOCK-1": 2},
        {"A-01-01-2": 3, "DOCK-1": 2},
        {"A-01-01-2": 1, "DOCK-1": 2},
    ]


async def test_a_mark_of_midnight_gives_the_same_stock_before_and_behind_it(api: Api) -> None:
    midnight = (NOW - SETTLED_US) // DAY_US * DAY_US
    async with api.open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        for number, at in enumerate((midnight - 20, midnight, midnight + 20)):
            move = a_move(house, 1 + number, key=str(at))
            await uow.stock.post([move], recorded_at=at)
    moments = [midnight + step for step in (-21, -20, -1, 0, 19, 20)]
    plain = [(await past(api, at))["stock"] for at in moments]

    async with api.open_unit(SITE) as uow:
        made = [await mark_stock(uow, now=NOW, kept_us=7 * DAY_US) for _ in range(2)]
        # From here on only the mark knows what stood.
        await uow.raw.execute("UPDATE quant SET on_hand = 90")
    marked = [(await past(api, at))["stock"] for at in moments]

    assert made == [1, 0]
    assert [one.get("A-01-01-1", 0) for one in plain] == [0, 1, 1, 3, 3, 6]
    assert marked == plain
    async with api.open_unit(SITE) as uow:
        assert await uow.history.forget_marks(before=NOW + 1) == 1
        assert await uow.raw.fetchval("SELECT count(*) FROM stock_mark_row") == 0


async def test_positions_passes_and_exceptions_are_those_that_stood(api: Api) -> None:
    async with api.open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await uow.raw.execute(
            "INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, created_at,"
            " changed_at) VALUES ($1, gen_random_uuid(), '00/1', 'pallet', 1, 1)",
            SITE,
        )
        for code, since, until in (
            ("DOCK-1", BEGIN, BEGIN + 10),
            ("STAGE-IN", BEGIN + 10, None),
        ):
            await uow.raw.execute(
                "INSERT INTO position_change (site_id, since, until, subject, to_location_id,"
                " confidence) VALUES ($1, $2, $3, '00/1', $4, 0.8)",
                SITE, since, until, house.places[code].location_id,
            )  # fmt: skip
        await uow.raw.execute(
            "INSERT INTO exception (site_id, exception_id, kind, subject, message, opened_at,"
            " resolved_at) VALUES ($1, gen_random_uuid(), 'pass.wrong_door', 'x', 'm', $2, $3)",
            SITE, BEGIN + 5, BEGIN + 15,
        )  # fmt: skip

    stood = [await past(api, BEGIN + at) for at in (-1, 5, 10, 15)]

    assert [one["positions"] for one in stood] == [
        {}, {"DOCK-1": 1}, {"STAGE-IN": 1}, {"STAGE-IN": 1},
    ]  # fmt: skip
    seen = [[row["seen_location"] for row in one["units"].values()] for one in stood]
    assert seen == [[], ["DOCK-1"], ["STAGE-IN"], ["STAGE-IN"]]
    assert [len(one["exceptions"]) for one in stood] == [0, 1, 1, 0]


async def test_what_is_no_longer_kept_or_yet_to_come_is_said(api: Api) -> None:
    old, new = instant_text(NOW - 8 * 24 * HOUR_US), instant_text(NOW + 2 * HOUR_US)
    ancient = instant_text(NOW - 31 * 24 * HOUR_US)

    gone = await get(api, f"/v1/map/at?at={old}", 410)
    future = await get(api, f"/v1/map/at?at={new}", 422)
    lost = await get(api, f"/v1/observations?epc={EPC}&since={ancient}", 410)
    long = await get(api, f"/v1/observations?epc={EPC}&since={old}&until={instant_text(NOW)}", 422)

    assert [one["code"] for one in (gone, future, lost, long)] == [
        "no-longer-kept", "validation", "no-longer-kept", "validation",
    ]  # fmt: skip
    assert "7 days" in gone["detail"]
    assert long["errors"][0] == {
        "pointer": "?until",
        "code": "range",
        "detail": "until must lie after since, by an hour at most.",
    }


def an_entry(seq: int, *reads: tuple[str, int], received_at: int) -> Entry:
    message = {
        "schema": "reads.v1",
        "reads": [{"epc": e, "device": "r1", "antenna": 1, "occurred_at": at} for e, at in reads],
    }
    return Entry("dock-1", 1, seq, received_at, json.dumps(message).encode())


async def test_readings_of_an_hour_come_once_and_in_time_whenever_they_arrived(
    api: Api, tmp_path: Path
) -> None:
    archive = Archive(tmp_path, site=SITE, cell="site", epoch=1, on_close=write_index)
    first = an_entry(1, (EPC, BEGIN + 7), (OTHER, BEGIN + 8), received_at=BEGIN + 9)
    archive.append([first], now=BEGIN + 9)
    archive.append([first, an_entry(2, (EPC, BEGIN + HOUR_US), received_at=0)], now=BEGIN + 10)
    # Spooled while the link was down: it is told two hours after it occurred.
    archive.append([an_entry(3, (EPC, BEGIN + 5), received_at=0)], now=BEGIN + 2 * HOUR_US)
    archive.append([an_entry(4, (EPC, BEGIN + 6), received_at=0)], now=BEGIN + 2 * HOUR_US)
    async with api.open_unit(SITE) as uow:
        await a_warehouse(uow)
        await uow.raw.execute(
            "INSERT INTO cursor (site_id, agent, boot, seq, epoch, updated_at)"
            " VALUES ($1, 'dock-1', 1, 3, 1, 1)",
            SITE,
        )
    asked = f"/v1/observations?epc={EPC}&since={instant_text(BEGIN)}"

    found = await get(api, asked)
    archive.close()
    indexed = await get(api, asked)
    later = await get(api, f"/v1/observations?epc={KEY}&since={instant_text(BEGIN + HOUR_US)}")

    assert [(row["seq"], row["occurred_at"]) for row in found["items"]] == [
        (3, instant_text(BEGIN + 5)),
        (1, instant_text(BEGIN + 7)),
    ]
    assert indexed == found
    assert (found["key"], found["more"]) == (KEY, False)
    assert [row["seq"] for row in later["items"]] == [2]


async def test_another_owners_tag_does_not_exist(api: Api) -> None:
    async with api.open_unit(SITE) as uow:
        await a_warehouse(uow)

    asked = f"/v1/observations?epc={EPC}&since={instant_text(BEGIN)}"

    assert (await get(api, asked, 404, owners=("other",)))["code"] == "not-found"
