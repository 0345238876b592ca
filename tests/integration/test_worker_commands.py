"""Platform commands: keys and verify on the database, webhooks and dead letters over HTTP."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import asyncpg
import httpx
import pytest

from runtime.cli.main import run
from tests.brokers import NatsBroker
from tests.roles import RoleSite, role_site


@pytest.fixture
def site(
    tmp_path: Path, database_url: str, broker: NatsBroker, monkeypatch: pytest.MonkeyPatch
) -> RoleSite:
    monkeypatch.setenv("DOCKLEDGER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOCKLEDGER_KEY", raising=False)
    return role_site(tmp_path, database_url, broker)


def _execute(url: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())


def test_verify_says_no_on_drift_and_names_it(
    site: RoleSite, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "--config", str(site.config), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"drift": 0, "findings": []}
    _execute(
        database_url,
        "INSERT INTO outbox_place (site_id, sink, place, updated_at)"
        " VALUES ('demo', 'webhooks', '9223372036854775807'::xid8, 1)",
    )

    assert run(["verify", "--config", str(site.config), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["invariant"], found["subject"]) == ("I7-outbox", "webhooks")


def test_verify_without_a_database_is_try_again(
    site: RoleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.folder / "database").write_text("postgresql://127.0.0.1:1/none")

    assert run(["verify", "--config", str(site.config)]) == 4
    assert capsys.readouterr().err.startswith("dockledger: unavailable: ")


def test_a_key_from_the_command_line_opens_the_api_until_it_is_revoked(
    site: RoleSite, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = str(site.config), site.folder / "manager.key"
    made = ["key", "create", "--config", config, "--name", "boss", "--role", "manager"]
    assert run([*made, "--out", str(file), "--json"]) == 0
    key = json.loads(capsys.readouterr().out)
    assert key["key"] is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run([*made, "--out", str(file)]) == 2
    assert run(["key", "list", "--config", config, "--json"]) == 0
    listed = capsys.readouterr().out
    assert [row["name"] for row in json.loads(listed)["items"]] == ["boss"]
    assert file.read_text().strip() not in listed

    with site.role("api"):
        asyncio.run(_up(site))
        asked = ["--api", site.url, "--key-file", str(file), "--json"]
        assert run(["webhook", "list", *asked]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == []
        bad = ["webhook", "add", "https://127.0.0.1/", "--event", "order.shipped"]
        assert run([*bad, "--owner", "acme", *asked]) == 3
        assert json.loads(capsys.readouterr().err)["code"] == "webhook-url-forbidden"
        assert run(["dead-letter", "list", *asked]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == []
        assert run(["dead-letter", "redrive", "1", "--reason", "mended", *asked]) == 3
        assert json.loads(capsys.readouterr().err)["code"] == "not-found"
        assert run(["key", "revoke", key["id"], "--config", config]) == 0
        capsys.readouterr()
        assert run(["webhook", "list", *asked]) == 3
        assert json.loads(capsys.readouterr().err)["code"] == "unauthenticated"
    assert run(["key", "revoke", key["id"], "--config", config]) == 3


async def _up(site: RoleSite) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(f"{site.url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--name", "x", "--role", "king"],
        ["create", "--name", "", "--role", "lead"],
        ["revoke", "not-an-id"],
    ],
)
def test_a_wrong_key_command_is_a_usage_error(
    site: RoleSite, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["key", *arguments, "--config", str(site.config)]) == 2
    assert capsys.readouterr().err.startswith("dockledger: usage: ")
