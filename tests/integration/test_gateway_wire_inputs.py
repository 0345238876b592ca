"""Every MQTT row of the bad inputs against a running gateway over a real broker, on one stream.

Times are shifted to now and places follow the cursor; a good message behind each row shows that the
stream flows on.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts import topics
from contracts.bus import Delivery
from contracts.codec import decode_cursor
from core.application.redrive import redrive
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused
from runtime.access import agent_user, gateway_user
from runtime.clock import now_us
from runtime.mqtt import MqttBus
from tests.brokers import NatsBroker, client
from tests.gateway_rig import CURSORS, FIXTURES, NOW, a_batch, a_read
from tests.integration.test_gateway_inputs import a_sensor_batch, cases, messages_of
from tests.integration.test_gateway_process import Process
from tests.waiting import eventually

SITE = "a"
FIRST = {"dock-03": 1001, "conv-01": 5}
_TIME = re.compile(rb"\b17\d{14}\b")


@pytest.fixture
def broker_of_a() -> Iterator[NatsBroker]:
    with tempfile.TemporaryDirectory(prefix="dockledger-nats-") as home:
        users = [*(agent_user(SITE, name) for name in FIRST), gateway_user(SITE)]
        running = NatsBroker(Path(home), users)
        running.start()
        yield running
        running.kill()


class Wire:
    """The agents' connections, the answers they got, and the book."""

    def __init__(self, raw: asyncpg.Connection[Any], buses: Mapping[str, MqttBus]) -> None:
        self._raw = raw
        self._buses = buses
        self.answers: dict[str, list[tuple[int, int]]] = {name: [] for name in buses}

    async def listen(self, agent: str) -> None:
        """Note (seq, wait) of each cursor of boot 7."""
        await self._buses[agent].subscribe(topics.all_down(SITE, agent))
        async for delivery in self._buses[agent].deliveries():
            if delivery.topic.endswith("/cursor"):
                found = decode_cursor(delivery.payload, site=SITE, agent=agent)
                if found.boot == 7:
                    self.answers[agent].append((found.seq, found.retry_after_ms or 0))

    async def say(self, agent: str, delivery: Delivery, at: int) -> bytes:
        """Publish one message and wait for the answer; the bytes that went."""
        heard = len(self.answers[agent])
        text = await self.publish(agent, delivery, at)
        await eventually(lambda: len(self.answers[agent]) > heard, within=10)
        return text

    async def publish(self, agent: str, delivery: Delivery, at: int) -> bytes:
        """Publish as if it happened now, counting places from behind `at`; the bytes that went."""
        shift, due = now_us() - NOW, at + 1 - FIRST[agent]
        text = _TIME.sub(lambda found: b"%d" % (int(found[0]) + shift), delivery.payload)
        text = re.sub(
            rb'"seq": (\d{1,4})\b', lambda found: b'"seq": %d' % (int(found[1]) + due), text
        )
        await self._buses[agent].publish(delivery.topic, text)
        return text

    async def flows(self, agent: str) -> bool:
        """Whether a good message takes the next place."""
        before = await self.cursor(agent)
        good = a_batch(a_read()) if agent == "dock-03" else a_sensor_batch(5, 1)
        topic = topics.up(SITE, agent, "reads" if agent == "dock-03" else "sensors")
        await self.say(agent, Delivery(topic, json.dumps(good).encode()), before)
        return await self.cursor(agent) == before + 1

    async def cursor(self, agent: str) -> int:
        """The last place in the ledger."""
        asked = "SELECT seq FROM cursor WHERE agent = $1 AND boot = 7"
        return int(await self._raw.fetchval(asked, agent))

    async def letters(self, after: int) -> list[asyncpg.Record]:
        """Dead letters since."""
        asked = "SELECT * FROM dead_letter WHERE dead_letter_id > $1 ORDER BY dead_letter_id"
        return list(await self._raw.fetch(asked, after))

    async def holds(self) -> list[str]:
        """Codes of all held tags."""
        return [row["code"] for row in await self._raw.fetch("SELECT code FROM hold")]


@pytest.fixture
async def wire(database_url: str, broker_of_a: NatsBroker, tmp_path: Path) -> AsyncIterator[Wire]:
    raw = await asyncpg.connect(database_url)
    await raw.execute(FIXTURES + CURSORS)
    gateway = Process(tmp_path, database_url, broker_of_a, user="gateway", site=SITE)
    gateway.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(raw.close)
        stack.callback(gateway.end)
        buses = {name: await stack.enter_async_context(client(broker_of_a, name)) for name in FIRST}
        made = Wire(raw, buses)
        tasks = [asyncio.create_task(made.listen(name)) for name in FIRST]
        await eventually(lambda: all(bus.connected for bus in buses.values()))
        held = "SELECT count(*) FROM cell WHERE epoch > 0"

        async def ready() -> bool:
            return bool(await raw.fetchval(held))

        await eventually(ready, within=20)
        yield made
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def outcome(codes: list[str], held: list[str], moved: int, case: dict[str, Any]) -> str:
    """The word of the page for what was seen."""
    if held:
        return "HOLD"
    if codes:
        return "PARTIAL" if case["expect"] == "PARTIAL" and moved == 1 else "DL"
    return "ACCEPT" if moved else "GAP"


async def test_every_mqtt_row_ends_as_stated_over_a_real_broker(
    wire: Wire, database_url: str
) -> None:
    wrong, last = [], 0
    for case in cases("mqtt_read", "epc", "sensor"):
        if case["id"] == "sensor-065":
            continue
        agent = "conv-01" if case["iface"] == "sensor" else "dock-03"
        before, held, sent = await wire.cursor(agent), await wire.holds(), b""
        for delivery in messages_of(case):
            sent = await wire.say(agent, delivery, before)
        letters = await wire.letters(last)
        last = letters[-1]["dead_letter_id"] if letters else last
        new = [code for code in await wire.holds() if held.count(code) == 0]
        codes = [letter["code"] for letter in letters]
        found = outcome(codes, new, await wire.cursor(agent) - before, case)
        want = [] if case["code"] in (None, "F_CLOCK_SKEW") else [case["code"]]
        expected = case["expect"].removesuffix("_CORRECTED")
        # 091 is a good message, then one too far ahead: the good one moved the cursor.
        gap = case["id"] == "mqtt_read-091" and wire.answers[agent][-1][0] == before + 1
        if (found != expected and not gap) or codes + new != want:
            wrong.append(f"{case['id']}: {found} {codes} {new}, not {expected} {want}")
        wrong += [f"{case['id']}: bytes" for one in letters if not kept(one, sent)]
        if not await wire.flows(agent):
            wrong.append(f"{case['id']}: the stream stands")
    wrong += await flood(wire)
    assert wrong == []
    assert await stays(database_url, await wire.letters(0)) == []


def kept(letter: asyncpg.Record, sent: bytes) -> bool:
    """Whether a letter holds the message, or its own reading, as it was sent."""
    if letter["index"] is None:
        return bool(letter["bytes"] == sent)
    message = json.loads(sent)
    readings = message.get("reads") or message.get("sensors")
    return bool(json.loads(letter["bytes"]) == readings[letter["index"]])


async def stays(url: str, letters: list[asyncpg.Record]) -> list[str]:
    """Drive every letter again: it goes through, or stays kept with its reason; else its words."""
    engine, wrong = build_engine(url), []
    for letter in letters:
        try:
            async with PgUnitOfWorkFactory(engine)(SITE) as uow:
                number = letter["dead_letter_id"]
                await redrive(uow, dead_letter_id=number, reason="r", now=now_us(), actor="me")
        except Refused as refusal:
            if refusal.code != "state-conflict" or not str(refusal.facts["reason"]).startswith("E"):
                wrong.append(f"{letter['code']}: {refusal}")
    await engine.dispose()
    return wrong


async def flood(wire: Wire) -> list[str]:
    """10,000 events at once: told to wait, none lost or refused, and the spool goes on later."""
    case = next(one for one in cases("sensor") if one["id"] == "sensor-065")
    before, letters = await wire.cursor("conv-01"), len(await wire.letters(0))
    heard = len(wire.answers["conv-01"])
    for delivery in messages_of(case):
        await wire.publish("conv-01", delivery, before)

    def waits() -> list[int]:
        return [wait for _, wait in wire.answers["conv-01"][heard:] if wait]

    await eventually(waits, within=10)
    stood = await wire.cursor("conv-01")
    await asyncio.sleep(max(waits()) / 1000)
    await wire.publish("conv-01", messages_of(case)[stood - before], before)
    await eventually(lambda: wire.answers["conv-01"][-1][0] > stood, within=5)
    all_taken = stood - before == len(messages_of(case))
    told = len(await wire.letters(0)) - letters
    return [f"{case['id']}: {told} letters, all taken {all_taken}"] if told or all_taken else []
