"""What only a real broker shows: rights per user, wills, retained messages, dead links."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from contracts import topics
from contracts.bus import BusUnavailableError
from runtime import mqtt
from tests.brokers import SITE, MosquittoBroker, RunningBroker, client
from tests.contract.test_bus import READS, linked, take
from tests.waiting import eventually


@dataclass
class Real:
    """A broker process and the protocol under test."""

    broker: RunningBroker
    protocol: mqtt.Protocol
    stack: AsyncExitStack

    async def bus(
        self, user: str, *, will: mqtt.Will | None = None, answer_s: float = 5.0
    ) -> mqtt.MqttBus:
        """A connected bus of this user."""
        made = client(self.broker, user, protocol=self.protocol, will=will, answer_s=answer_s)
        bus = await self.stack.enter_async_context(made)
        await eventually(lambda: bus.connected)
        return bus


@pytest.fixture(
    params=[
        "nats-3.1.1",
        pytest.param("mosquitto-5", marks=pytest.mark.service("mosquitto")),
        pytest.param("mosquitto-3.1.1", marks=pytest.mark.service("mosquitto")),
    ]
)
async def real(request: pytest.FixtureRequest) -> AsyncIterator[Real]:
    name, _, version = request.param.partition("-")
    async with AsyncExitStack() as stack:
        yield Real(request.getfixturevalue(name), version, stack)


async def test_an_agent_cannot_speak_for_another_one(real: Real) -> None:
    gateway, agent = await real.bus("gateway"), await real.bus("dock-1")
    await gateway.subscribe(topics.all_up(SITE))
    await linked(agent, gateway, READS)

    for topic in (topics.up(SITE, "dock-2", "reads"), topics.down(SITE, "dock-1", "cursor")):
        if real.protocol == "5":
            with pytest.raises(BusUnavailableError):
                await agent.publish(topic, b"spoof")
        else:
            # 3.1.1 has no way to say no: the message is gone and the cursor stands still.
            await agent.publish(topic, b"spoof")
    await agent.publish(READS, b"mine")

    assert [(d.topic, d.payload) for d in await take(gateway, 1)] == [(READS, b"mine")]


async def test_an_agent_that_subscribes_to_everything_hears_nothing(real: Real) -> None:
    gateway, snoop, agent = [await real.bus(u) for u in ("gateway", "dock-2", "dock-1")]
    await gateway.subscribe(topics.all_up(SITE))
    await snoop.subscribe(["#", "wh/#", "$SYS/#", "$share/g/#", "$MQTT/#", READS])
    await linked(agent, gateway, READS)

    await agent.publish(READS, b"secret")
    await gateway.publish(topics.down(SITE, "dock-1", "command"), b"secret")
    await take(gateway, 1)
    await gateway.publish(topics.down(SITE, "dock-2", "cursor"), b"end")

    heard = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            async for delivery in snoop.deliveries():
                heard.append(delivery.payload)
    assert b"secret" not in heard


async def test_small_packets_leave_at_once_after_a_reconnect_too(real: Real) -> None:
    agent = await real.bus("dock-1")
    assert agent.sends_at_once

    agent.cut()
    await eventually(lambda: agent.connects == 2, 10)

    assert agent.sends_at_once


async def test_a_wrong_password_never_connects(real: Real) -> None:
    options = client(real.broker, "dock-1", protocol=real.protocol).options
    wrong = dataclasses.replace(options, password="wrong")
    async with mqtt.MqttBus(wrong) as stranger:
        with pytest.raises(AssertionError):
            await eventually(lambda: stranger.connected, 1.0)
        assert stranger.connects == 0


async def test_the_will_speaks_when_the_connection_breaks(real: Real) -> None:
    status = topics.up(SITE, "dock-1", "status")
    gateway = await real.bus("gateway")
    await gateway.subscribe(topics.all_up(SITE))
    await linked(await real.bus("dock-2"), gateway, topics.up(SITE, "dock-2", "status"))
    mourned = client(
        real.broker, "dock-1", protocol=real.protocol, will=mqtt.Will(status, b"offline")
    )
    async with mourned:
        await eventually(lambda: mourned.connected)
        mourned.cut()

        got = await take(gateway, 1)

    assert [(d.topic, d.payload) for d in got] == [(status, b"offline")]


async def test_a_silent_broker_fails_the_publish_in_the_stated_time(real: Real) -> None:
    agent = await real.bus("dock-1", answer_s=0.5)

    real.broker.pause()
    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await agent.publish(READS, b"x")
    waited = time.monotonic() - started
    real.broker.resume()

    assert 0.4 < waited < 3


async def test_a_broker_killed_under_a_publish_fails_it_at_once(real: Real) -> None:
    agent = await real.bus("dock-1", answer_s=30)
    real.broker.pause()
    waiting = asyncio.create_task(agent.publish(READS, b"x"))
    await eventually(lambda: agent.pending == 1)

    started = time.monotonic()
    real.broker.kill()
    with pytest.raises(BusUnavailableError):
        await waiting

    assert time.monotonic() - started < 3


@pytest.mark.service("mosquitto")
async def test_mqtt_5_marks_a_live_retained_message_and_sends_no_old_one(
    mosquitto: MosquittoBroker,
) -> None:
    async with client(mosquitto, "dock-1") as agent, client(mosquitto, "gateway") as gateway:
        await eventually(lambda: agent.connected and gateway.connected)
        await agent.publish(READS, b"old", retain=True)
        await gateway.subscribe(topics.all_up(SITE))
        await agent.publish(READS, b"live", retain=True)

        got = await take(gateway, 1)

    assert [(d.payload, d.retain) for d in got] == [(b"live", True)]


@pytest.mark.service("mosquitto")
async def test_a_message_above_the_limit_of_the_broker_is_an_error(
    mosquitto: MosquittoBroker,
) -> None:
    async with client(mosquitto, "dock-1", answer_s=3) as agent:
        await eventually(lambda: agent.connected)
        with pytest.raises(BusUnavailableError):
            await agent.publish(READS, b"x" * 200_000)
        await eventually(lambda: agent.connected, 10)
        await agent.publish(READS, b"fits")
