"""Calls of the HTTP interface by commands: address, key, and failures as exit codes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from runtime.cli.exits import Code, CommandError

Address = Annotated[
    str, typer.Option("--api", envvar="DOCKLEDGER_API", help="Where the api role listens.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="File with the API key; else DOCKLEDGER_KEY[_FILE]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DEFAULT_API = "http://127.0.0.1:8080"
TIMEOUT_S = 30.0


def read_key(key_file: Path | None) -> str:
    """The key from the file, or from the environment; never from the command line."""
    named = key_file or (Path(n) if (n := os.environ.get("DOCKLEDGER_KEY_FILE")) else None)
    if named is None:
        key = os.environ.get("DOCKLEDGER_KEY", "")
    else:
        try:
            key = named.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                Code.USAGE, "usage", "the key file cannot be read; name another by --key-file"
            ) from error
    if not key:
        raise CommandError(Code.USAGE, "usage", "no API key: name a file by --key-file")
    return key


def call(
    method: str,
    path: str,
    *,
    api: str,
    key_file: Path | None,
    document: bytes | None = None,
    parameters: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """One call and its JSON. Ends the command with the problem's code when it is refused."""
    answer = _call(method, path, api, key_file, document, parameters, headers)
    return answer.json() if answer.content else None


def call_text(path: str, *, api: str, key_file: Path | None, parameters: dict[str, str]) -> str:
    """What a GET answers as text: a file. Ends the command as `call` does."""
    return _call("GET", path, api, key_file, None, parameters, None).text


def _call(
    method: str,
    path: str,
    api: str,
    key_file: Path | None,
    document: bytes | None,
    parameters: dict[str, str] | None,
    headers: dict[str, str] | None,
) -> httpx.Response:
    sent = {"Authorization": f"Bearer {read_key(key_file)}", **(headers or {})}
    if document is not None:
        sent.setdefault("Content-Type", "application/json")
    try:
        answer = httpx.request(
            method,
            f"{api.rstrip('/')}{path}",
            content=document,
            params=parameters,
            headers=sent,
            timeout=TIMEOUT_S,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(
            Code.TRY_AGAIN, "unavailable", "the api role does not answer; check --api"
        ) from error
    if answer.status_code >= 400:
        raise _refused(answer)
    return answer


def _refused(answer: httpx.Response) -> CommandError:
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
        wrong = "; ".join(f"{e['pointer']}: {e['code']}" for e in problem.get("errors", ())[:5])
    except (ValueError, KeyError, TypeError):
        code, detail, wrong = "unavailable", "the answer is no problem document", ""
    busy = answer.status_code in (429, 502, 503, 504)
    text = f"{detail} ({wrong})" if wrong else detail
    return CommandError(Code.TRY_AGAIN if busy else Code.REFUSED, code, text)
