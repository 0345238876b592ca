"""The bus, one suite for all: memory, embedded NATS (3.1.1), Mosquitto (5 and 3.1.1)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, Self

import pytest

from contracts import topics
from contracts.bus import Bus, BusUnavailableError, Delivery
from runtime import mqtt
from tests.brokers import SITE, RunningBroker, client
from tests.memory_bus import MemoryBroker
from tests.waiting import eventually

READS = topics.up(SITE, "dock-1", "reads")
_round = itertools.count()


class Breakable(Protocol):
    """What a test does to a broker."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


class OpenableBus(Bus, Protocol):
    """A bus with the life of a context."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


class Connect(Protocol):
    """Makes a bus that logs in as `user`."""

    def __call__(self, user: str, *, max_inbox: int) -> OpenableBus: ...


@dataclass
class Site:
    """The broker under test and how to reach it."""

    kind: str
    broker: Breakable
    connect: Connect
    stack: AsyncExitStack

    async def bus(self, user: str, *, max_inbox: int = 5_000) -> Bus:
        """A connected bus of this user."""
        bus = await self.stack.enter_async_context(self.connect(user, max_inbox=max_inbox))
        await eventually(lambda: bus.connected)
        return bus


class _Memory:
    """The memory broker as a breakable one."""

    def __init__(self) -> None:
        self.inner = MemoryBroker()

    def kill(self) -> None:
        """Take it away."""
        self.inner.stop()

    def start(self) -> None:
        """Bring it back."""
        self.inner.start()


@pytest.fixture(
    params=[
        "memory",
        "nats",
        pytest.param("mosquitto-5", marks=pytest.mark.service("mosquitto")),
        pytest.param("mosquitto-3.1.1", marks=pytest.mark.service("mosquitto")),
    ]
)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        kind: str = request.param
        if kind == "memory":
            memory = _Memory()

            def memory_bus(user: str, *, max_inbox: int) -> OpenableBus:
                return memory.inner.bus(max_inbox=max_inbox)

            yield Site(kind, memory, memory_bus, stack)
            return
        name, _, version = kind.partition("-")
        running: RunningBroker = request.getfixturevalue(name)
        protocol: mqtt.Protocol = "5" if version == "5" else "3.1.1"

        def connect(user: str, *, max_inbox: int = 5_000) -> mqtt.MqttBus:
            return client(running, user, protocol=protocol, max_inbox=max_inbox)

        yield Site(kind, running, connect, stack)


async def take(bus: Bus, count: int, *, within: float = 10.0) -> list[Delivery]:
    """The next `count` deliveries."""
    found: list[Delivery] = []
    async with asyncio.timeout(within):
        async for delivery in bus.deliveries():
            found.append(delivery)
            if len(found) == count:
                break
    return found


async def linked(sender: Bus, receiver: Bus, topic: str) -> None:
    """Return once what `sender` publishes reaches `receiver`, whose inbox is then empty."""
    mark = f"mark-{next(_round)}".encode()
    async with asyncio.timeout(20):
        while True:
            try:
                await sender.publish(topic, mark)
            except BusUnavailableError:
                await asyncio.sleep(0.05)
                continue
            try:
                async with asyncio.timeout(1):
                    async for delivery in receiver.deliveries():
                        if delivery.payload == mark:
                            return
            except TimeoutError:
                continue


async def test_messages_arrive_whole_and_in_order(site: Site) -> None:
    gateway, agent = await site.bus("gateway"), await site.bus("dock-1")
    await gateway.subscribe(topics.all_up(SITE))

    sent = [str(n).encode() * 50 for n in range(300)]
    await asyncio.gather(*(agent.publish(READS, payload) for payload in sent))

    got = await take(gateway, 300)
    assert [delivery.payload for delivery in got] == sent
    assert {(d.topic, d.qos, d.retain) for d in got} == {(READS, 1, False)}


async def test_a_cursor_reaches_its_agent(site: Site) -> None:
    gateway, agent = await site.bus("gateway"), await site.bus("dock-1")
    await agent.subscribe(topics.all_down(SITE, "dock-1"))

    await gateway.publish(topics.down(SITE, "dock-1", "cursor"), b"{}")

    assert [d.payload for d in await take(agent, 1)] == [b"{}"]


async def test_publishing_without_a_broker_is_refused_at_once(site: Site) -> None:
    agent = await site.bus("dock-1")
    site.broker.kill()
    await eventually(lambda: not agent.connected)

    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await agent.publish(READS, b"x")

    assert time.monotonic() - started < 0.5


async def test_a_killed_broker_is_found_again_with_all_subscriptions(site: Site) -> None:
    gateway, agent = await site.bus("gateway"), await site.bus("dock-1")
    await gateway.subscribe(topics.all_up(SITE))
    before = gateway.connects

    site.broker.kill()
    await eventually(lambda: not gateway.connected and not agent.connected)
    site.broker.start()
    started = time.monotonic()
    await eventually(lambda: gateway.connected and agent.connected, 10)
    back = time.monotonic() - started

    await linked(agent, gateway, READS)
    assert gateway.connects == before + 1
    # Pauses are at most a second on loopback; the rest is room for a busy machine.
    assert back < 5


async def test_what_a_slow_consumer_leaves_is_dropped_and_counted(site: Site) -> None:
    gateway, agent = await site.bus("gateway", max_inbox=10), await site.bus("dock-1")
    await gateway.subscribe(topics.all_up(SITE))

    for n in range(25):
        await agent.publish(READS, str(n).encode())

    await eventually(lambda: gateway.discarded == 15)
    assert [d.payload for d in await take(gateway, 10)] == [str(n).encode() for n in range(10)]


async def test_small_messages_do_not_wait_for_each_other(site: Site) -> None:
    agent = await site.bus("dock-1")

    started = time.monotonic()
    for _ in range(100):
        await agent.publish(READS, b"x")

    # With Nagle's algorithm on, each round trip may stall for 40 ms: 4 s.
    assert time.monotonic() - started < 3


async def test_a_closed_bus_ends_its_deliveries(site: Site) -> None:
    bus = site.connect("gateway", max_inbox=10)
    async with bus:
        await bus.subscribe(topics.all_up(SITE))

    assert [delivery async for delivery in bus.deliveries()] == []
