"""`dockledger order` and `stock` against a served application: answers, codes, exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.application.ledger import post_moves
from runtime.cli.main import run
from runtime.clock import new_id, now_us
from tests.apis import open_api
from tests.builders import SITE, a_move, a_warehouse
from tests.sockets import listening

ORDER = {"external_order_id": "SO-1", "channel": "web", "lines": [{"sku": "SKU-1", "quantity": 2}]}


@dataclass
class Shell:
    """Commands against one served application."""

    folder: Path
    where: list[str]

    async def __call__(self, *words: str) -> int:
        """The exit code of a command."""
        return await asyncio.to_thread(run, [*words, *self.where])

    def order(self, **changes: object) -> str:
        """A file with an order."""
        path = self.folder / "order.json"
        path.write_text(json.dumps({**ORDER, **changes}), encoding="utf-8")
        return str(path)


@pytest.fixture
async def shell(database_url: str, tmp_path: Path) -> AsyncIterator[Shell]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow)
            await post_moves(uow, [a_move(house, 5)], now=now_us(), ids=new_id)
        key = tmp_path / "order.key"
        key.write_text(await api.key("integrator", owners=("acme",)), encoding="utf-8")
        async with listening(api) as port:
            where = ["--api", f"http://127.0.0.1:{port}", "--key-file", str(key)]
            yield Shell(tmp_path, where)


async def test_an_order_is_placed_shown_and_listed(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("order", "submit", shell.order(), "--json") == 0
    placed = json.loads(capsys.readouterr().out)
    assert placed["status"] == "promised"

    assert await shell("order", "submit", shell.order(), "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == placed["id"]
    assert await shell("order", "show", placed["id"]) == 0
    assert "SKU-1            ordered 2  promised 2" in capsys.readouterr().out
    assert await shell("order", "list") == 0
    assert "web/SO-1" in capsys.readouterr().out
    assert await shell("stock", "available", "SKU-1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["available"] == 3


async def test_a_refusal_exits_3_with_its_code(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("order", "submit", shell.order(lines=[])) == 3
    error = capsys.readouterr().err
    assert error.startswith("dockledger: validation: ")
    assert "/lines: length" in error


async def test_an_api_that_is_away_exits_4(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.where[1] = "http://127.0.0.1:1"
    assert await shell("order", "list") == 4
    assert capsys.readouterr().err == (
        "dockledger: unavailable: the api role does not answer; check --api\n"
    )
