"""Broker accounts: hashes, rights, blocks of others kept, refusals that change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from runtime.access import gateway_user, mosquitto_acl
from runtime.cli import device
from runtime.mqtt_accounts import AccountError, AccountFiles, covers, is_password, mosquitto_hash
from runtime.mqtt_auth_http import auth_app

RUN = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> AccountFiles:
    """A broker that knows its gateway."""
    made = AccountFiles(tmp_path / "passwords", tmp_path / "acl")
    made.acl.write_text("# ours\n\n" + mosquitto_acl([gateway_user("a")]))
    made.passwords.write_text(f"gateway:{mosquitto_hash('word', salt=b'x' * 12)}\n")
    return made


def _token(count: int) -> bytes:
    return bytes(range(count))


def _state(files: AccountFiles) -> tuple[str, str]:
    return files.passwords.read_text(), files.acl.read_text()


def test_a_hash_of_mosquitto_passwd_is_read() -> None:
    # Made by `mosquitto_passwd` 2.0.11 from the password "word".
    line = (
        "$7$101$g6ZsitgCx4J5NWFi$"
        "qS9aGucikhI0COpSk1WrNE4waQkMcfV8R8JcjWA6hq06y3YorgRbN0J2lLE8FfCaPVhBsbzD4LXKs6FKdvN+8A=="
    )
    assert is_password("word", line)
    for wrong in ("", "$7$", "$6$101$a$b", "$7$x$YQ==$YQ==", "$7$101$!!$", line[:-4]):
        assert not is_password("word", wrong)
    assert not is_password("Word", line)


def test_add_rotate_and_revoke_touch_one_device_only(files: AccountFiles) -> None:
    before = _state(files)
    first = files.add("a", "dock-1", token=_token, certificate=False)
    assert first is not None
    assert files.may_log_in("dock-1", first)
    assert files.may("dock-1", "publish", "wh/v1/a/agents/dock-1/reads")
    for action, topic in (
        ("publish", "wh/v1/a/agents/dock-2/reads"),
        ("publish", "wh/v1/b/agents/dock-1/reads"),
        ("publish", "wh/v1/a/agents/dock-1/cursor"),
        ("publish", "wh/v1/a/agents/+/reads"),
        ("subscribe", "wh/v1/a/agents/+/cursor"),
        ("subscribe", "#"),
        ("subscribe", "wh/v1/a/agents/dock-1/#"),
    ):
        assert not files.may("dock-1", action, topic), topic  # type: ignore[arg-type]
    assert files.may("dock-1", "subscribe", "wh/v1/a/agents/dock-1/cursor")
    assert files.may("gateway", "subscribe", "wh/v1/a/agents/dock-1/reads")

    second = files.rotate("dock-1", token=lambda count: b"\7" * count)
    assert (files.may_log_in("dock-1", first), files.may_log_in("dock-1", second)) == (False, True)

    files.revoke("dock-1")
    assert not files.may_log_in("dock-1", second)
    assert not files.may("dock-1", "publish", "wh/v1/a/agents/dock-1/reads")
    assert _state(files) == before


def test_what_is_refused_changes_nothing(files: AccountFiles) -> None:
    files.add("a", "dock-1", token=_token, certificate=True)
    before = _state(files)
    attempts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("device-exists", lambda: files.add("a", "dock-1", token=_token, certificate=False)),
        ("device-name", lambda: files.add("a", "a\nuser x", token=_token, certificate=False)),
        ("device-name", lambda: files.add("a", "d:x", token=_token, certificate=False)),
        ("device-name", lambda: files.add("a", "gateway", token=_token, certificate=False)),
        ("device-name", lambda: files.add("+", "dock-2", token=_token, certificate=False)),
        ("device-unknown", lambda: files.rotate("dock-1", token=_token)),
        ("device-unknown", lambda: files.revoke("dock-9")),
        ("device-unknown", lambda: files.revoke("gateway")),
    )
    for code, act in attempts:
        with pytest.raises(AccountError) as refused:
            act()
        assert (refused.value.code, _state(files)) == (code, before)


@pytest.mark.parametrize(
    ("allowed", "asked", "is_covered"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/+/c", True),
        ("a/b/c", "a/+/c", False),
        ("a/+", "a/#", False),
        ("a/#", "a/b/#", True),
        ("a/#", "a", True),
        ("#", "$SYS/broker", False),
        ("+/x", "$SYS/x", False),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
    ],
)
def test_a_filter_is_covered_only_as_a_whole(allowed: str, asked: str, is_covered: bool) -> None:
    assert covers(allowed, asked) is is_covered


def test_a_broker_that_asks_gets_the_same_answers(files: AccountFiles) -> None:
    password = files.add("a", "dock-1", token=_token, certificate=False) or ""
    web = TestClient(auth_app(files, token="t" * 32))
    header = {"Authorization": "Bearer " + "t" * 32}

    def asked(path: str, **document: str) -> str:
        answer = web.post(path, json=document, headers=header)
        return str(answer.json()["result"])

    who = {"username": "dock-1", "password": password}
    assert asked("/authn", **who, clientid="dock-1") == "allow"
    assert asked("/authn", **who, clientid="gateway") == "deny"
    assert asked("/authn", username="dock-1", password="x") == "deny"
    assert asked("/authn", username="", password="") == "deny"
    mine = "wh/v1/a/agents/dock-1/reads"
    assert asked("/authz", username="dock-1", action="publish", topic=mine) == "allow"
    assert asked("/authz", username="dock-2", action="publish", topic=mine) == "deny"
    assert asked("/authz", username="dock-1", action="all", topic=mine) == "deny"
    assert web.post("/authn", json=who).status_code == 401
    assert web.post("/authn", content=b"[" * 3000, headers=header).status_code == 422
    assert web.post("/authn", content=b'{"username": 1}', headers=header).status_code == 422
    assert web.post("/authn", content=b"x" * 5000, headers=header).status_code == 413


def test_the_command_writes_a_private_file_and_tells_what_to_do(files: AccountFiles) -> None:
    out = files.acl.with_name("dock-7.password")
    where = ["--passwords", str(files.passwords), "--acl", str(files.acl)]
    done = RUN.invoke(device.app, ["add", "dock-7", "--site", "a", *where, "--out", str(out)])
    assert (done.exit_code, "kill -HUP" in done.stdout) == (0, True)
    assert (out.stat().st_mode & 0o777, files.passwords.stat().st_mode & 0o777) == (0o600, 0o600)
    assert files.may_log_in("dock-7", out.read_text().strip())
    assert out.read_text().strip() not in done.output + files.passwords.read_text()
    listed = RUN.invoke(device.app, ["list", *where, "--json"])
    assert json.loads(listed.stdout) == ["dock-7", "gateway"]
