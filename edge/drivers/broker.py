"""What drivers behind a broker share: a subscribed client, and its deliveries until it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final

from contracts.bus import Bus, BusUnavailableError, Delivery
from edge.drivers.port import TransientError

_TICK_S: Final = 0.25
_LOOK_S: Final = 0.02
OpenBus = Callable[[], AbstractAsyncContextManager[Bus]]


async def subscribed(
    open_bus: OpenBus, topics: Sequence[str], *, within_s: float
) -> tuple[Bus, AsyncExitStack]:
    """A connected client with its subscriptions; closing the stack leaves the broker.

    Raises `TransientError` when the broker is not reached in time.
    """
    stack = AsyncExitStack()
    try:
        bus = await stack.enter_async_context(open_bus())
        await bus.subscribe(topics)
        await _reached(bus, within_s=within_s)
    except BusUnavailableError:
        await stack.aclose()
        raise TransientError("the broker is not reachable") from None
    except BaseException:
        await stack.aclose()
        raise
    return bus, stack


async def heard(bus: Bus) -> AsyncGenerator[Delivery | None, None]:
    """Deliveries as they come, None for each quarter second without one.

    Raises `TransientError` once this connection is over: what was sent meanwhile is not known.
    """
    connects = bus.connects
    deliveries = aiter(bus.deliveries())
    waiting = asyncio.ensure_future(anext(deliveries, None))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=_TICK_S)
            if not done:
                if not bus.connected or bus.connects != connects:
                    raise TransientError("the connection to the broker broke")
                yield None
                continue
            delivery = waiting.result()
            if delivery is None:
                raise TransientError("the connection to the broker ended")
            waiting = asyncio.ensure_future(anext(deliveries, None))
            yield delivery
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def _reached(bus: Bus, *, within_s: float) -> None:
    for _ in range(max(1, round(within_s / _LOOK_S))):
        if bus.connected:
            return
        await asyncio.sleep(_LOOK_S)
    raise TransientError("the broker is not reachable")
