"""`dockledger inbox` and `tag` against a served application: decisions, codes, exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contracts.gs1.encode import encode_sgtin_96
from core.application.ports.tracking import HeldTag
from runtime.cli.main import run
from tests.apis import Api, open_api
from tests.builders import SITE, a_warehouse, stock_up
from tests.sockets import listening

GTIN = "09521101001006"
EPCS = [encode_sgtin_96(GTIN, str(n), prefix_length=7) for n in (1, 2, 3)]
KEYS = [f"01/{GTIN}/21/{n}" for n in (1, 2, 3)]
WHY = ["--reason", "seen on the floor"]


def a_stranger(epc: str, *, seen_at: int) -> HeldTag:
    """A tag that nothing here knows."""
    return HeldTag(
        epc=epc,
        code="Q_EPC_UNKNOWN",
        agent="dock-1",
        device="r1",
        antenna=1,
        first_seen_at=seen_at,
        last_seen_at=seen_at,
        count=1,
    )


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with open_api(database_url) as made:
        async with made.open_unit(SITE) as uow:
            await stock_up(uow, await a_warehouse(uow), 1)
            held = [a_stranger(epc, seen_at=5 + n // 2) for n, epc in enumerate(EPCS)]
            await uow.tracking.hold(held)
        yield made


async def test_unknown_tags_are_decided_and_followed_from_the_shell(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "lead.key"
    key.write_text(await api.key("lead", owners=("acme",)), encoding="utf-8")

    async with listening(api) as port:
        where = ["--api", f"http://127.0.0.1:{port}", "--key-file", str(key), "--json"]

        async def shell(*words: str) -> tuple[int, Any]:
            code = await asyncio.to_thread(run, [*words, *where])
            told = capsys.readouterr()
            return code, json.loads(told.out or told.err)

        code, listed = await shell("inbox", "list")
        assert (code, [one["epc"] for one in listed["items"]]) == (0, [EPCS[2], *EPCS[:2]])
        assert [one["key"] for one in listed["items"]] == [KEYS[2], *KEYS[:2]]
        bind = ["inbox", "bind", EPCS[0], *WHY, "--sku", "SKU-1", "--at", "A-01-01-1"]
        code, bound = await shell(*bind)
        assert (code, bound["carried_by"]["location"]) == (0, "A-01-01-1")
        assert await shell(*bind) == (0, bound)
        code, full = await shell("inbox", "bind", EPCS[1], *bind[3:])
        assert (code, full["code"]) == (3, "no-untagged-stock")
        code, aside = await shell("inbox", "ignore", EPCS[1].lower(), *WHY)
        assert (code, aside["state"], aside["decided_by"]) == (0, "ignored", "lead:acme")
        _, left = await shell("inbox", "list")
        assert [one["epc"] for one in left["items"]] == [EPCS[2]]
        assert (await shell("inbox", "watch", EPCS[1], *WHY))[1]["state"] == "held"

        code, new = await shell("tag", "retag", KEYS[0], EPCS[2], *WHY)
        assert (code, new["key"], new["carried_by"]["location"]) == (0, KEYS[2], "A-01-01-1")
        code, gone = await shell("tag", "kill", KEYS[0], *WHY)
        assert (code, gone["code"]) == (3, "epc-retired")
        assert (await shell("tag", "kill", EPCS[2], *WHY))[1]["state"] == "retired"
        code, told = await shell("tag", "show", KEYS[2])
        assert [event["what"] for event in told["history"]] == [
            "bound", "retagged", "bound", "killed",
        ]  # fmt: skip
        assert (await shell("tag", "settle", KEYS[2], "copy", *WHY))[0] == 3
        assert (await shell("tag", "show", KEYS[1]))[0] == 3


async def test_pages_of_the_inbox_hold_each_entry_once(api: Api) -> None:
    seen: list[str] = []
    async with await api.client("picker") as client:
        cursor = ""
        while True:
            page = (await client.get(f"/v1/inbox?limit=1{cursor}")).json()
            seen += [one["epc"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        foreign = (await client.get("/v1/tags/" + KEYS[0])).status_code
        wrong = await client.get("/v1/inbox?state=burnt")

    assert seen == [EPCS[2], *EPCS[:2]]
    assert (foreign, wrong.status_code, wrong.json()["errors"][0]["code"]) == (404, 422, "choice")


async def test_the_layout_document_sets_and_keeps_the_travel_rule(api: Api) -> None:
    fastest = {"between": ["dock-1", "A-01-01-1"], "seconds": 40}
    site = {"id": SITE, "name": "Demo"}
    async with await api.client("manager") as client:

        async def put(**more: Any) -> int:
            answer = await client.post("/v1/imports/layout", json={"site": {**site, **more}})
            return answer.status_code

        wrong = await put(travel={"speed_m_s": 0})
        alike = await put(travel={"minimum": [{"between": ["dock-1", "dock-1"], "seconds": 1}]})
        first = await put(travel={"speed_m_s": 4, "minimum": [fastest]})
        again = await put()

    assert (wrong, alike, first, again) == (422, 422, 200, 200)
    async with api.open_unit(SITE) as uow:
        rule = (await uow.tracking.registry()).travel
    assert rule is not None
    assert (rule.speed_m_s, rule.reach_m) == (4.0, 15.0)
    assert rule.minimum_s == {frozenset(("dock-1", "A-01-01-1")): 40.0}
