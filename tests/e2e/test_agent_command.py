"""`dockledger agent config` against a served application: documents, refusals, exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run
from tests.apis import SITE, open_api
from tests.builders import a_warehouse
from tests.sockets import listening

ONE = '[[edge.device]]\nname = "r1"\ndriver = "llrp"\nhost = "10.0.0.1"\n'
BAD = ONE + 'password = "x"\n'


async def test_a_configuration_is_put_checked_read_and_taken_back_from_the_shell(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, one, bad = tmp_path / "key", tmp_path / "one.toml", tmp_path / "bad.toml"
    one.write_text(ONE)
    bad.write_text(BAD)
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
            for statement in (
                "INSERT INTO agent (site_id, agent, registered_at) VALUES ($1, 'dock-1', 1)",
                "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', 'r1')",
            ):
                await uow.raw.execute(statement, SITE)
        key.write_text(await api.key("manager"), encoding="utf-8")
        async with listening(api) as port:
            where = ["--api", f"http://127.0.0.1:{port}", "--key-file", str(key)]

            async def shell(*words: str) -> tuple[int, Any]:
                code = await asyncio.to_thread(run, ["agent", "config", *words, *where, "--json"])
                told = capsys.readouterr()
                return code, json.loads(told.out or told.err)

            code, tried = await shell("put", "dock-1", str(one), "--dry-run")
            assert (code, tried["state"], tried["version"]) == (0, "checked", 1)
            code, refused = await shell("put", "dock-1", str(bad))
            assert (code, refused["code"]) == (3, "config-refused")
            assert "config-secret-inline" in refused["detail"]
            code, made = await shell("put", "dock-1", str(one), "--based-on", "0")
            assert (code, made["version"], made["state"]) == (0, 1, "offered")
            code, late = await shell("put", "dock-1", str(one), "--based-on", "0")
            assert (code, late["code"]) == (3, "precondition-failed")
            code, back = await shell("rollback", "dock-1", "--to", "0")
            assert (code, back["version"], back["document"]) == (0, 2, "")
            code, page = await shell("history", "dock-1")
            assert (code, [row["version"] for row in page["items"]]) == (0, [2, 1])

            words = ["agent", "config", "get", "dock-1", "--version", "1", *where]
            assert await asyncio.to_thread(run, words) == 0
            assert capsys.readouterr().out == ONE
            words = ["agent", "config", "history", "dock-1", *where]
            assert await asyncio.to_thread(run, words) == 0
            first, second = capsys.readouterr().out.splitlines()
            assert first.endswith("manager:*  offered  (local file)")
            assert second.endswith("manager:*  offered")


@pytest.mark.parametrize(
    ("text", "exit_code", "code"),
    [
        (ONE, 0, ""),
        ("", 0, ""),
        (BAD, 2, "config-secret-inline"),
        ('site = "b"\n', 2, "config-local-only"),
        (b"\xff", 2, "config-encoding"),
        (b"#" * 40_000, 2, "config-too-large"),
    ],
)
def test_a_document_is_checked_without_api_and_agent(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | bytes,
    exit_code: int,
    code: str,
) -> None:
    file = tmp_path / "document.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert run(["agent", "config", "validate", str(file), "--json"]) == exit_code
    told = capsys.readouterr()
    if exit_code:
        assert json.loads(told.err)["code"] == code
    else:
        assert json.loads(told.out)["devices"] == (["r1"] if text else [])
