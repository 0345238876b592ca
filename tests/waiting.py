"""Waiting on a condition with a deadline, so that no test sleeps and hopes."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    predicate: Callable[[], Awaitable[T]], within: float = 5.0, *, every: float = 0.02
) -> T: ...


@overload
async def eventually(
    predicate: Callable[[], T], within: float = 5.0, *, every: float = 0.02
) -> T: ...


async def eventually(
    predicate: Callable[[], Any], within: float = 5.0, *, every: float = 0.02
) -> Any:
    """The first true value of `predicate` (plain or async); fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = predicate()
        found = await value if inspect.isawaitable(value) else value
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s; last value {found!r}")
        await asyncio.sleep(every)
