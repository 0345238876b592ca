"""Nothing lost, nothing twice: loss, repeats, disorder, crashes around the commit, two gateways."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.bus import Delivery
from contracts.v1 import Cursor
from core.application.decisions import GroupDecision
from core.application.ports.tracking import CellLost, CursorAdvance, CursorMoved, StreamKey
from core.application.record import record_decision
from core.db.stores import tracking_sql
from gateway.archive_reader import archived
from gateway.ingest import Gateway
from tests.gateway_rig import (
    NOW,
    AgentEar,
    Rig,
    a_batch,
    a_read,
    a_rig,
    delivered,
    running,
)
from tests.waiting import eventually

READINGS, MESSAGES = 50, 200


class Killed(Exception):
    """The gateway dies here."""


@pytest.fixture
async def rig(database_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(database_url, tmp_path) as made:
        made.clock.live = True
        await made.execute("DELETE FROM cursor")
        yield made


@contextmanager
def unguarded(rig: Rig, name: str, statement: str) -> Iterator[None]:
    """Run with a planted bug: the statement of this name is another one."""
    kept = getattr(tracking_sql, name)
    setattr(tracking_sql, name, statement)
    try:
        yield
    finally:
        setattr(tracking_sql, name, kept)


def a_message(rig: Rig, seq: int, *, agent: str = "floor-1") -> Delivery:
    """One of the stream's messages; the same body each time it is sent."""
    reads = [
        a_read(device="z1", antenna=1, count=1, occurred_at=NOW + seq * 1000 + n)
        for n in range(READINGS)
    ]
    now = rig.clock.wall()
    for n, read in enumerate(reads):
        read["occurred_at"] = now - 60_000_000 + n
    return delivered(a_batch(*reads, agent=agent, boot=1, seq=seq, sent_at=now), agent=agent)


class Sending:
    """An agent that goes back to the cursor, over a bus that loses, repeats and reorders."""

    def __init__(self, rig: Rig, rng: random.Random, *, last: int) -> None:
        self._rng = rng
        self._last = last
        self._bus = rig.broker.bus()
        self.ear = AgentEar(rig.broker.bus(), "floor-1")
        self.cursor = 0
        self._messages = [a_message(rig, seq) for seq in range(1, last + 1)]

    def _on_cursor(self, cursor: Cursor) -> None:
        if cursor.boot == 1:
            self.cursor = cursor.seq

    async def run(self) -> None:
        """Send until the cursor says all is in the ledger."""
        listening = asyncio.create_task(self.ear.listen(self._on_cursor))
        try:
            while self.cursor < self._last:
                window = self._messages[self.cursor : self.cursor + 40]
                chaos = [one for one in window for _ in range(self._rng.choice((0, 1, 1, 1, 2)))]
                chaos.sort(key=lambda _: self._rng.random() * 3)
                for one in chaos if self._rng.random() < 0.5 else window:
                    await self._bus.publish(one.topic, one.payload)
                await asyncio.sleep(0.01)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def run_until_dead(gateway: Gateway) -> None:
    """The gateway's life up to its kill."""
    try:
        await gateway.run()
    except* Killed:
        gateway.discarded = 0


async def commit(rig: Rig, decision: GroupDecision) -> None:
    """One decision in one transaction."""
    async with rig.open_unit("a") as uow:
        await record_decision(uow, decision, now=NOW, ids=rig.ids)


async def check_exactly_once(rig: Rig) -> None:
    row = (await rig.rows("SELECT * FROM cursor WHERE agent = 'floor-1' AND boot = 1"))[0]
    assert (row["seq"], row["messages"], row["dead_messages"]) == (MESSAGES, MESSAGES, 0)
    assert (row["applied"], row["held"], row["dead"]) == (MESSAGES * READINGS, 0, 0)
    cursors = {StreamKey("floor-1", 1): MESSAGES}
    places = [line.seq for line in archived(rig.archive, site="a", cursors=cursors)]
    assert places == list(range(1, MESSAGES + 1))


@pytest.mark.parametrize("seed", [1, 2])
async def test_ten_thousand_readings_arrive_once_over_a_bad_bus(rig: Rig, seed: int) -> None:
    agent = Sending(rig, random.Random(seed), last=MESSAGES)

    async with running(rig.gateway()):
        await asyncio.wait_for(agent.run(), 60)

    await check_exactly_once(rig)
    assert await rig.value("SELECT count(*) FROM dead_letter") == 0


@pytest.mark.parametrize(
    "point", ["before_commit", "after_commit", "before_apply", "before_cursor"]
)
async def test_kills_around_the_commit_lose_and_double_nothing(rig: Rig, point: str) -> None:
    agent = Sending(rig, random.Random(point), last=MESSAGES)
    passings, deadly, kills = itertools.count(1), {1, 3, 4}, []

    def hit(name: str) -> None:
        if name == point and (nth := next(passings)) in deadly:
            kills.append(nth)
            raise Killed

    rig.hit = hit
    sending = asyncio.create_task(agent.run())
    while not sending.done():
        life = asyncio.create_task(run_until_dead(rig.gateway()))
        await asyncio.wait({life, sending}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
    await sending

    assert kills == [1, 3, 4]
    await check_exactly_once(rig)


async def test_the_cursor_moves_only_from_where_the_book_has_it(rig: Rig) -> None:
    await rig.execute("INSERT INTO cell (site_id, cell, epoch) VALUES ('a', 'site', 5)")

    def move(seq: int, messages: int) -> GroupDecision:
        step = CursorAdvance(agent="x", boot=1, seq=seq, digest=b"d", messages=messages)
        return GroupDecision(cell="site", epoch=5, cursors=[step])

    await commit(rig, move(3, 3))
    for seq, messages in ((3, 3), (5, 1), (9, 9), (4, 4)):
        with pytest.raises(CursorMoved):
            await commit(rig, move(seq, messages))
    await commit(rig, move(4, 1))

    assert await rig.value("SELECT seq FROM cursor WHERE agent = 'x'") == 4


async def test_without_its_condition_the_cursor_would_double(rig: Rig) -> None:
    await rig.execute("INSERT INTO cell (site_id, cell, epoch) VALUES ('a', 'site', 5)")
    step = CursorAdvance(agent="x", boot=1, seq=3, digest=b"d", messages=3)
    decision = GroupDecision(cell="site", epoch=5, cursors=[step])
    bug = tracking_sql.ADVANCE.rpartition("WHERE c.seq")[0]

    with unguarded(rig, "ADVANCE", bug):
        for _ in range(2):
            await commit(rig, decision)

    assert await rig.value("SELECT messages FROM cursor WHERE agent = 'x'") == 6


async def test_a_gateway_of_an_older_epoch_cannot_commit(rig: Rig) -> None:
    first, second = await rig.holder(), await rig.holder()
    await second.feed(a_message(rig, 1))

    with pytest.raises(CellLost):
        await first.feed(a_message(rig, 1))

    assert await rig.value("SELECT messages FROM cursor WHERE agent = 'floor-1'") == 1
    assert await rig.value("SELECT max(epoch) FROM cursor") == second.holder.epoch


async def test_without_the_fence_the_older_gateway_would_commit(rig: Rig) -> None:
    first, second = await rig.holder(), await rig.holder()
    await second.feed(a_message(rig, 1, agent="floor-1"))
    bug = tracking_sql.FENCE.replace("AND epoch = $3", "AND epoch >= $3")

    with unguarded(rig, "FENCE", bug):
        await first.feed(a_message(rig, 1, agent="dock-03"))

    epochs = await rig.rows("SELECT epoch FROM cursor ORDER BY agent")
    assert [row["epoch"] for row in epochs] == [first.holder.epoch, second.holder.epoch]


async def test_a_standby_takes_over_from_a_holder_that_shows_no_life(rig: Rig) -> None:
    stopped, standby = rig.gateway(name="one"), rig.gateway(name="two")
    agent = Sending(rig, random.Random(3), last=MESSAGES)
    async with running(standby) as life:
        await eventually(lambda: standby.holder is not None)
        assert standby.holder is not None
        first = standby.holder.epoch
        async with running(stopped):
            sending = asyncio.create_task(agent.run())
            await eventually(lambda: agent.cursor > 20, 20)
            assert stopped.holder is None
            life.cancel()
            await eventually(lambda: stopped.holder is not None, 6)
            await asyncio.wait_for(sending, 60)
            assert stopped.holder is not None
            assert stopped.holder.epoch > first

    await check_exactly_once(rig)


async def test_a_paused_holder_is_barred_and_its_commit_fails(rig: Rig) -> None:
    paused = rig.gateway(name="one")
    epoch = await paused._claim.try_take()
    standby = rig.gateway(name="two")

    async with running(standby):
        await eventually(lambda: standby.holder is not None, 6)
        assert standby.holder is not None
        assert epoch is not None
        assert standby.holder.epoch > epoch
        step = CursorAdvance(agent="x", boot=1, seq=1, digest=b"d", messages=1)
        with pytest.raises(CellLost):
            await commit(rig, GroupDecision(cell="site", epoch=epoch, cursors=[step]))

    assert await rig.value("SELECT count(*) FROM cursor WHERE agent = 'x'") == 0
    await paused._claim.release()
