"""`dockledger kpi`: the figures of the building with their state, over the HTTP interface."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import echo, emit, usage

app = typer.Typer(help="Read the KPIs of the building.", no_args_is_help=True)
Hours = Annotated[int, typer.Option(min=1, max=2160, help="How far a figure looks back.")]
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# What a state of the interface means to the one who looks.
WORDS = {"good": "good", "warn": "watch", "bad": "act", "few": "too few cases", "none": "no data"}


@app.command("list")
def list_kpis(
    *,
    hours: Hours = 24,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Every KPI with its value and what that means."""
    found = call("GET", "/v1/kpis", api=api, key_file=key_file, parameters={"hours": str(hours)})
    if as_json:
        emit(found)
        return
    for kpi in found["items"]:
        echo(f"{kpi['name']:<20} {_value(kpi):<18} {_state(kpi):<14} {kpi['title']}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The KPI's name, as `kpi list` prints it.")],
    *,
    hours: Hours = 24,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """One KPI: value, thresholds, what it counts, and its trend by the hour."""
    if NAME.fullmatch(name) is None:
        raise usage("that is no name of a KPI; see dockledger kpi list")
    parameters = {"hours": str(hours)}
    kpi = call("GET", f"/v1/kpis/{name}", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(kpi)
        return
    echo(f"{kpi['title']}  {_value(kpi)}  {_state(kpi)}")
    echo(f"  as of {kpi['as_of']}{_looks_back(kpi)}{_cases(kpi)}")
    echo(f"  {_limits(kpi)}")
    echo(f"  {kpi['definition']}")
    for point in kpi["trend"]:
        echo(f"  {point['at']}  {_number(point['value'])}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 2):,.15g}"


def _value(kpi: dict[str, Any]) -> str:
    return "-" if kpi["value"] is None else f"{_number(kpi['value'])} {kpi['unit']}"


def _state(kpi: dict[str, Any]) -> str:
    state: str = kpi["state"]
    return WORDS.get(state, state)


def _looks_back(kpi: dict[str, Any]) -> str:
    return "" if kpi["hours"] is None else f", last {kpi['hours']} h"


def _cases(kpi: dict[str, Any]) -> str:
    return "" if kpi["cases"] is None else f", {_number(kpi['cases'])} cases"


def _limits(kpi: dict[str, Any]) -> str:
    sign = "<=" if kpi["higher_is_better"] else ">="
    limits = [f"{word} {sign} {kpi[word]:g}" for word in ("amber", "red") if kpi[word] is not None]
    return ", ".join(limits) or "no threshold: compare it with its own trend"
