"""Boards and sources into a Grafana whose files cannot be mounted; repeating changes nothing.

A failure says whether Grafana was away or refused, and never holds what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dashboards.panels import INFLUX, POSTGRES, Board

TIMEOUT_S = 10.0
_NOT_FOUND = 404


class PushError(Exception):
    """`away`: try again; else Grafana refused, which another try does not cure."""

    def __init__(self, detail: str, *, away: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.away = away


@dataclass(frozen=True, slots=True)
class Login:
    """Who pushes: a service account's token, or a name and password, or nobody."""

    token: str = ""
    user: str = ""
    password: str = ""

    def credential(self) -> str | tuple[str, str] | None:
        """As the client wants it."""
        return self.token or ((self.user, self.password) if self.user else None)


@dataclass(frozen=True, slots=True)
class Database:
    """The KPI reader's way to PostgreSQL, as Grafana sees it."""

    address: str
    name: str
    user: str
    password: str
    sslmode: str = "disable"

    def source(self) -> dict[str, Any]:
        """The data source."""
        return {
            "uid": POSTGRES.uid,
            "name": "Dockledger KPIs",
            "type": POSTGRES.type_val,
            "access": "proxy",
            "url": self.address,
            "user": self.user,
            "jsonData": {
                "database": self.name,
                "sslmode": self.sslmode,
                "postgresVersion": 1500,
                "maxOpenConns": 5,
                "maxIdleConns": 2,
            },
            "secureJsonData": {"password": self.password},
        }


@dataclass(frozen=True, slots=True)
class Influx:
    """The way to InfluxDB by InfluxQL, as Grafana sees it."""

    url: str
    database: str
    token: str = ""

    def source(self) -> dict[str, Any]:
        """The data source; InfluxDB 2 and later want a token in a header."""
        data: dict[str, Any] = {"dbName": self.database, "httpMode": "GET"}
        secret = {}
        if self.token:
            data["httpHeaderName1"] = "Authorization"
            secret["httpHeaderValue1"] = f"Token {self.token}"
        return {
            "uid": INFLUX.uid,
            "name": "Dockledger telemetry",
            "type": INFLUX.type_val,
            "access": "proxy",
            "url": self.url,
            "jsonData": data,
            "secureJsonData": secret,
        }


@dataclass(frozen=True, slots=True)
class Pushed:
    """A board and where it is now."""

    title: str
    url: str


def push(
    url: str, login: Login, *, boards: Iterable[Board], sources: Iterable[Database | Influx]
) -> list[Pushed]:
    """Create or replace sources, folders and boards. Blocks. Raises `PushError`."""
    base = url.rstrip("/")
    try:
        grafana = GrafanaApi.from_url(base, credential=login.credential(), timeout=TIMEOUT_S)
        for source in sources:
            _put_source(grafana, source.source())
        return [_put_board(grafana, board, base) for board in boards]
    except GrafanaClientError as error:
        raise PushError(f"Grafana refused: HTTP {error.status_code}", away=False) from error
    except (GrafanaException, OSError) as error:
        raise PushError("Grafana does not answer", away=True) from error


def _put_source(grafana: Any, source: dict[str, Any]) -> None:
    if _exists(lambda: grafana.datasource.get_datasource_by_uid(source["uid"])):
        grafana.datasource.update_datasource_by_uid(source["uid"], source)
    else:
        grafana.datasource.create_datasource(source)


def _put_board(grafana: Any, board: Board, base: str) -> Pushed:
    folder = f"dl-{board.folder}"
    if not _exists(lambda: grafana.folder.get_folder(folder)):
        grafana.folder.create_folder(board.folder, folder)
    sent = {
        "dashboard": {**json.loads(board.render()), "id": None},
        "folderUid": folder,
        "overwrite": True,
        "message": "dockledger boards push",
    }
    answer = grafana.dashboard.update_dashboard(sent)
    path = str(answer.get("url", "")) or f"/d/{board.uid}"
    # Grafana's own path may begin with the sub-path that the URL has already.
    prefix = "/" + base.partition("://")[2].partition("/")[2]
    if prefix != "/" and path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
    return Pushed(board.title, f"{base}{path}")


def _exists(look: Any) -> bool:
    try:
        look()
    except GrafanaClientError as error:
        if error.status_code == _NOT_FOUND:
            return False
        raise
    return True
