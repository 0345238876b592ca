"""Grafana boards: render them from code, check them, push them into a running Grafana."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from dashboards.boards import alerts
from dashboards.boards.catalogue import RENDERED, boards, rendered, stale, write
from dashboards.lint import lint, views_of
from dashboards.push import Database, Influx, PushError, push
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.grafana import database_from, influx_from, login_from

app = typer.Typer(help="Grafana boards as code.", no_args_is_help=True)
ALERTS = RENDERED.parent / "provisioning" / "alerting" / "dockledger.yaml"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("render")
def render(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a file is not the code's.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Write the JSON of every board, and the alert rules, into the repository."""
    wanted = alerts.text()
    stands = ALERTS.read_text(encoding="utf-8") if ALERTS.exists() else ""
    touched = stale() if check else write()
    if stands != wanted:
        touched.append("../provisioning/alerting/dockledger.yaml")
        if not check:
            ALERTS.parent.mkdir(parents=True, exist_ok=True)
            ALERTS.write_text(wanted, encoding="utf-8")
    if as_json:
        emit({"stale" if check else "written": touched})
    else:
        for path in touched:
            echo(path)
    return Code.ANSWER_IS_NO if check and touched else Code.DONE


@app.command("lint")
def check_boards(*, as_json: AsJson = False) -> int:
    """Check names, units, descriptions and time filters; exit 1 when something is wrong."""
    scripts = [
        script.read_text(encoding="utf-8")
        for script in (files("core.db") / "kpi").iterdir()
        if script.name.endswith(".sql")
    ]
    found = lint(rendered(), views_of(scripts))
    if as_json:
        emit({"faults": found})
    else:
        for fault in found:
            echo(fault)
        echo(f"{len(found)} faults in {len(boards())} boards")
    return Code.ANSWER_IS_NO if found else Code.DONE


@app.command("push")
def push_boards(
    *,
    grafana: Annotated[
        str, typer.Option(help="URL of Grafana; log-in by DOCKLEDGER_GRAFANA_TOKEN[_FILE].")
    ],
    database_url_file: Annotated[
        Path | None,
        typer.Option(help="File with the KPI reader's postgresql:// URL, as Grafana reaches it."),
    ] = None,
    influx_url: Annotated[
        str | None, typer.Option(help="URL of InfluxDB, as Grafana reaches it.")
    ] = None,
    influx_database: Annotated[str, typer.Option(help="Its database by InfluxQL.")] = "dockledger",
    influx_token_file: Annotated[
        Path | None, typer.Option(help="File with a token that may read it (InfluxDB 2).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create or replace data sources (those that are named here), folders and boards."""
    if not grafana.startswith(("http://", "https://")):
        raise usage("--grafana takes http://host:3000 or https://…")
    try:
        login = login_from()
        sources = _sources(database_url_file, influx_url, influx_database, influx_token_file)
    except (OSError, UnicodeDecodeError) as error:
        raise usage("a file with a secret cannot be read") from error
    except ValueError as error:
        raise usage(str(error)) from error
    try:
        found = push(grafana, login, boards=boards(), sources=sources)
    except PushError as error:
        code, word = (Code.TRY_AGAIN, "unavailable") if error.away else (Code.REFUSED, "refused")
        raise CommandError(code, word, error.detail) from error
    if as_json:
        emit({"boards": [{"title": one.title, "url": one.url} for one in found]})
    else:
        for one in found:
            echo(f"{one.title:<24} {one.url}")


def _sources(
    database: Path | None, influx: str | None, name: str, token: Path | None
) -> list[Database | Influx]:
    found: list[Database | Influx] = []
    if database is not None:
        found.append(database_from(database.read_text(encoding="utf-8").strip()))
    if influx is not None:
        secret = token.read_text(encoding="utf-8").strip() if token else ""
        found.append(influx_from(influx, database=name, token=secret))
    return found
