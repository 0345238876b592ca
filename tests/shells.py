"""`dockledger` as a person types it, against a served application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runtime.cli.main import run
from tests.apis import Api
from tests.sockets import listening

Shell = Callable[..., Awaitable[tuple[int, str]]]


@asynccontextmanager
async def shell_of(
    api: Api, role: str, owner: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Shell]:
    """A command's words in, its exit code and what it said out (or why not)."""
    key = folder / f"{role}.key"
    key.write_text(await api.key(role, owners=(owner,)), encoding="utf-8")
    async with listening(api) as port:
        where = ["--api", f"http://127.0.0.1:{port}", "--key-file", str(key)]

        async def shell(*words: str) -> tuple[int, str]:
            code = await asyncio.to_thread(run, [*words, *where])
            told = capsys.readouterr()
            return code, told.out or told.err

        yield shell
