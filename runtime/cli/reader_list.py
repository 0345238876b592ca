"""`dockledger reader list`: the devices of a site as the api role knows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit


def list_command(
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    site: Annotated[str | None, typer.Option(help="The site, where a key has several.")] = None,
    json: AsJson = False,
) -> int:
    """Devices with their state and last read. Exit 1 if one is not live."""
    parameters = {} if site is None else {"site": site}
    found = call("GET", "/v1/devices", api=api, key_file=key_file, parameters=parameters)
    devices: list[dict[str, Any]] = found["items"]
    if json:
        emit(found)
    else:
        for device in devices:
            echo(_line(device))
    return Code.DONE if all(one["state"] == "live" for one in devices) else Code.ANSWER_IS_NO


def _line(device: dict[str, Any]) -> str:
    read = device.get("last_read_at")
    name = f"{device['agent']}/{device['device']}"
    return f"{name:<32} {device['state'] or 'unknown':<8} last read {_when(read)}"


def _when(at: object) -> str:
    if isinstance(at, int):
        return datetime.fromtimestamp(at / 1e6, tz=UTC).isoformat(timespec="seconds")
    return "never" if at is None else str(at)
