"""`dockledger boards` against a Grafana of the test's own: what it is sent, and how a push ends."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run
from runtime.postgres import free_port

SECRET = "a-word-that-nobody-prints"


@dataclass
class Grafana:
    """The part of Grafana's interface that a push needs; it keeps what it is sent."""

    url: str = ""
    users: tuple[str, ...] = ()
    sources: dict[str, Any] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    boards: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any, login: str) -> tuple[int, Any]:
        """Status and document for one request."""
        self.calls.append(f"{method} {path}")
        if self.users and login not in self.users:
            return 401, {"message": f"no {login}"}
        uid = path.rsplit("/", 1)[-1]
        if path.startswith("/api/datasources"):
            return self._source(method, uid, body)
        if path.startswith("/api/folders"):
            if method == "GET":
                return (200, {"uid": uid}) if uid in self.folders else (404, {"message": "none"})
            self.folders[body["uid"]] = body["title"]
            return 200, {"uid": body["uid"], "id": 1}
        if path == "/api/dashboards/db":
            board = body["dashboard"]
            self.boards[board["uid"]] = body
            return 200, {"uid": board["uid"], "url": f"/d/{board['uid']}/x", "status": "success"}
        return 404, {"message": "unknown"}

    def _source(self, method: str, uid: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            found = self.sources.get(uid)
            return (200, found) if found else (404, {"message": "none"})
        self.sources[body["uid"]] = body
        return 200, {"datasource": body, "id": 1}


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    """A listening one."""
    made = Grafana()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            kind, _, word = self.headers.get("Authorization", "").partition(" ")
            login = base64.b64decode(word).decode() if kind == "Basic" else word
            status, document = made.answer(self.command, self.path, body, login)
            text = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def database_file(tmp_path: Path) -> str:
    """A file with the reader's URL."""
    path = tmp_path / "kpi.url"
    path.write_text(f"postgresql://dockledger_kpi:{SECRET}@127.0.0.1:5432/site\n")
    return str(path)


def test_a_push_makes_sources_folders_and_boards(
    grafana: Grafana, database_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--database-url-file", database_file, "--influx-url", "http://127.0.0.1:8086"]

    assert run(["boards", "push", "--grafana", grafana.url, *words, "--json"]) == 0

    printed = capsys.readouterr().out
    assert [board["title"] for board in json.loads(printed)["boards"]] == [
        "Shift",
        "Readers and pipeline",
    ]
    assert json.loads(printed)["boards"][0]["url"] == f"{grafana.url}/d/dl-shift/x"
    assert sorted(grafana.boards) == ["dl-pipeline", "dl-shift"]
    assert grafana.boards["dl-shift"]["overwrite"] is True
    assert grafana.boards["dl-shift"]["folderUid"] == "dl-10-operations"
    assert grafana.folders["dl-10-operations"] == "10-operations"
    source = grafana.sources["dl-postgres"]
    assert (source["url"], source["jsonData"]["database"]) == ("127.0.0.1:5432", "site")
    assert source["secureJsonData"] == {"password": SECRET}
    assert sorted(grafana.sources) == ["dl-influx", "dl-postgres"]
    assert SECRET not in printed


def test_pushing_again_replaces_and_adds_nothing(grafana: Grafana, database_file: str) -> None:
    command = ["boards", "push", "--grafana", grafana.url, "--database-url-file", database_file]
    assert run(command) == 0
    first = (dict(grafana.sources), dict(grafana.folders), dict(grafana.boards))
    grafana.calls.clear()

    assert run(command) == 0

    assert (grafana.sources, grafana.folders, grafana.boards) == first
    made = [call for call in grafana.calls if call.startswith("POST")]
    assert made == ["POST /api/dashboards/db"] * 2


def test_a_wrong_log_in_is_refused_and_nothing_is_changed(
    grafana: Grafana, database_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grafana.users = ("admin:right",)
    words = ["--database-url-file", database_file]

    assert run(["boards", "push", "--grafana", grafana.url, *words]) == 3

    assert (grafana.sources, grafana.folders, grafana.boards) == ({}, {}, {})
    told = capsys.readouterr().err
    assert told == "dockledger: refused: Grafana refused: HTTP 401\n"


def test_a_log_in_comes_from_the_environment_and_its_files(
    grafana: Grafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grafana.users = ("keeper:right", "the-token")
    monkeypatch.setenv("DOCKLEDGER_GRAFANA_USER", "keeper")
    monkeypatch.setenv("DOCKLEDGER_GRAFANA_PASSWORD", "right")
    assert run(["boards", "push", "--grafana", grafana.url]) == 0
    token = tmp_path / "token"
    token.write_text("the-token\n")
    monkeypatch.setenv("DOCKLEDGER_GRAFANA_TOKEN_FILE", str(token))
    monkeypatch.setenv("DOCKLEDGER_GRAFANA_PASSWORD", "wrong")

    assert run(["boards", "push", "--grafana", grafana.url]) == 0


def test_a_grafana_that_is_away_is_tried_again_later(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "push", "--grafana", f"http://127.0.0.1:{free_port()}"]) == 4

    assert "Grafana does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["localhost:3000", "ftp://x", ""])
def test_an_address_that_is_none_is_a_wrong_call(url: str) -> None:
    assert run(["boards", "push", "--grafana", url]) == 2


def test_what_is_committed_is_rendered_and_without_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["boards", "render", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stale": []}
    assert run(["boards", "lint", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"faults": []}
