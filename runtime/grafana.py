"""The product's boards in somebody's Grafana: who logs in there, and what it reads from.

Secrets come by file or environment, never by the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dashboards.push import Database, Influx, Login

VARIABLES = ("DOCKLEDGER_GRAFANA_TOKEN", "DOCKLEDGER_GRAFANA_USER", "DOCKLEDGER_GRAFANA_PASSWORD")


def login_from(environ: Mapping[str, str] = os.environ) -> Login:
    """A token, or a user and password; nobody where neither is given. Raises `OSError`."""
    token, user, password = (_secret(environ, name) for name in VARIABLES)
    return Login(token=token, user=user, password=password)


def _secret(environ: Mapping[str, str], name: str) -> str:
    file = environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(name, "")


def database_from(url: str) -> Database:
    """The source of a `postgresql://` URL; `ValueError` where it names no host or database."""
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not name:
        raise ValueError("a URL postgresql://user:password@host:port/database is needed")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return Database(
        address=f"{host}:{parts.port or 5432}",
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sslmode="disable" if local else "require",
    )


def influx_from(url: str, *, database: str, token: str) -> Influx:
    """The source of an InfluxDB."""
    return Influx(url.rstrip("/"), database, token)
