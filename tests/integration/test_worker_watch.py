"""Watching for silence: each stopped hop has its own alarm, which goes when the hop is back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from core.application.liveness import watch_site, watch_worker
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.liveness import Memory
from tests.builders import NOW, SITE, a_warehouse, numbered

SECOND = 1_000_000


@dataclass
class Hall:
    """One agent with one reader, one cell; `now` is the wall, `mono` the watcher's own clock."""

    open_unit: PgUnitOfWorkFactory
    now: int = NOW
    mono: int = 0
    beats: int = 0

    def __post_init__(self) -> None:
        self.memory = Memory(-60 * SECOND)
        self.ids = numbered()

    async def tell(
        self, *, state: str = "online", device: str = "live", seq: int = 5, boot: int = 1
    ) -> None:
        """The agent's status, as the gateway writes it."""
        async with self.open_unit(SITE) as uow:
            await uow.raw.execute(
                "INSERT INTO agent_status (site_id, agent, state, boot, seq, sent_at, received_at)"
                " VALUES ($1, 'dock-1', $2, $3, $4, $5, $5) ON CONFLICT (site_id, agent)"
                " DO UPDATE SET state = $2, boot = $3, seq = $4, received_at = $5",
                SITE,
                state,
                boot,
                seq,
                self.now,
            )
            await uow.raw.execute(
                "INSERT INTO device_state (site_id, agent, device, state, since)"
                " VALUES ($1, 'dock-1', 'dock-1-r', $2, $3) ON CONFLICT (site_id, agent, device)"
                " DO UPDATE SET state = $2",
                SITE,
                device,
                self.now,
            )

    async def cursor(self, seq: int) -> None:
        """The ledger has the stream up to `seq`."""
        async with self.open_unit(SITE) as uow:
            await uow.raw.execute(
                "INSERT INTO cursor (site_id, agent, boot, seq, epoch, updated_at, messages)"
                " VALUES ($1, 'dock-1', 1, $2, 1, $3, $2) ON CONFLICT (site_id, agent, boot)"
                " DO UPDATE SET seq = $2, messages = $2",
                SITE,
                seq,
                self.now,
            )

    async def passes(self, seconds: int, *, beating: int = 1) -> list[str]:
        """Seconds go by, one look in each; the alarms that stand then."""
        for _ in range(seconds):
            self.now += SECOND
            self.mono += SECOND
            self.beats += beating
            async with self.open_unit(SITE) as uow:
                await uow.raw.execute("UPDATE cell_beat SET beats = $1", self.beats)
                self.memory = await watch_site(
                    uow, self.memory, now=self.now, mono=self.mono, ids=self.ids
                )
        return await self.alarms()

    async def alarms(self) -> list[str]:
        """Open exceptions."""
        async with self.open_unit(SITE) as uow:
            rows = await uow.raw.fetch(
                "SELECT kind FROM exception WHERE resolved_at IS NULL ORDER BY kind"
            )
        return [row["kind"] for row in rows]

    async def events(self) -> list[tuple[str, str]]:
        """What the outside was told of devices."""
        async with self.open_unit(SITE) as uow:
            rows = await uow.raw.fetch(
                "SELECT event, payload::text AS told FROM outbox ORDER BY id"
            )
        return [(row["event"], json.loads(row["told"])["device"]) for row in rows]


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    engine = build_engine(database_url)
    open_unit = PgUnitOfWorkFactory(engine)
    async with open_unit(SITE) as uow:
        await a_warehouse(uow)
        for statement in (
            "INSERT INTO agent (site_id, agent, cell, registered_at)"
            " VALUES ($1, 'dock-1', 'all', 1)",
            "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', 'dock-1-r')",
            "INSERT INTO cell_beat (site_id, cell, epoch, beats) VALUES ($1, 'all', 1, 0)",
        ):
            await uow.raw.execute(statement, SITE)
    made = Hall(open_unit)
    await made.tell()
    await made.cursor(5)
    yield made
    await engine.dispose()


async def test_a_site_in_order_has_no_alarm(hall: Hall) -> None:
    for _ in range(4):
        assert await hall.passes(5) == []
        await hall.tell()


async def test_an_agent_that_falls_silent_is_named_within_ten_seconds_and_its_reader_dies(
    hall: Hall,
) -> None:
    assert await hall.passes(8) == []
    assert await hall.passes(1) == ["agent.silent", "device.stale"]
    assert await hall.passes(7) == ["agent.silent", "device.dead"]

    await hall.tell()
    assert await hall.passes(1) == []
    assert await hall.events() == [
        ("device.stale", "dock-1-r"),
        ("device.dead", "dock-1-r"),
        ("device.recovered", "dock-1-r"),
    ]


async def test_a_last_will_is_believed_at_once(hall: Hall) -> None:
    await hall.tell(state="offline")
    assert await hall.passes(1) == ["agent.silent", "device.stale"]


async def test_a_reader_that_its_agent_calls_dead_is_an_alarm_of_its_own(hall: Hall) -> None:
    await hall.tell(device="stale")
    assert await hall.passes(1) == ["device.stale"]
    await hall.tell(device="dead")
    assert await hall.passes(1) == ["device.dead"]


async def test_a_silent_gateway_is_named_alone_for_nobody_can_hear_the_agents(hall: Hall) -> None:
    await hall.passes(1)
    assert await hall.passes(4, beating=0) == []
    assert await hall.passes(1, beating=0) == ["gateway.silent"]
    assert await hall.passes(30, beating=0) == ["gateway.silent"]

    assert await hall.passes(9) == []
    assert await hall.passes(2) == ["agent.silent", "device.stale"]


async def test_what_stood_before_a_gateway_fell_silent_is_kept(hall: Hall) -> None:
    assert await hall.passes(20) == ["agent.silent", "device.dead"]
    found = await hall.passes(20, beating=0)
    assert found == ["agent.silent", "device.dead", "gateway.silent"]


async def test_a_cursor_that_stands_still_while_its_agent_has_more_is_named(hall: Hall) -> None:
    for seq in (6, 7):
        await hall.tell(seq=seq)
        await hall.passes(4)
    assert await hall.alarms() == []
    await hall.tell(seq=8)
    assert await hall.passes(2) == ["stream.stalled"]
    await hall.cursor(8)
    assert await hall.passes(1) == []


async def test_a_cursor_that_lags_but_moves_is_no_alarm(hall: Hall) -> None:
    for seq in range(6, 26):
        await hall.tell(seq=seq + 20)
        await hall.cursor(seq)
        assert await hall.passes(1) == []


async def test_a_worker_without_a_sign_of_life_and_rows_that_wait_are_seen_from_the_api(
    hall: Hall,
) -> None:
    async with hall.open_unit(SITE) as uow:
        await uow.outbox.place("webhooks", now=NOW)
    for later, expected in ((6, []), (7, ["worker.silent"])):
        async with hall.open_unit(SITE) as uow:
            await watch_worker(uow, sink="webhooks", now=NOW + later * SECOND, ids=hall.ids)
        assert await hall.alarms() == expected
    async with hall.open_unit(SITE) as uow:
        await uow.emit("stock.low", aggregate="a", owner=None, payload={}, occurred_at=NOW)
    async with hall.open_unit(SITE) as uow:
        await watch_worker(uow, sink="webhooks", now=NOW + 9 * SECOND, ids=hall.ids)
    assert await hall.alarms() == ["relay.behind", "worker.silent"]
    async with hall.open_unit(SITE) as uow:
        _, place = await uow.outbox.read_since(await uow.outbox.place("webhooks", now=NOW))
        await uow.outbox.keep("webhooks", place, now=NOW + 9 * SECOND)
    async with hall.open_unit(SITE) as uow:
        await watch_worker(uow, sink="webhooks", now=NOW + 10 * SECOND, ids=hall.ids)
    assert await hall.alarms() == []
