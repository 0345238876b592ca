"""Housekeeping and the position sink: days of positions, old answers, retained positions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from contracts.bus import BusUnavailableError
from contracts.v1 import PositionChanged
from core.application.housekeeping import check_ledger, keep_days, tidy
from core.application.relay import PositionSink, relay
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Unavailable
from tests.builders import NOW, SITE, a_warehouse, numbered, stock_up

DAY = 86_400_000_000


@pytest.fixture
async def open_unit(database_url: str) -> AsyncIterator[PgUnitOfWorkFactory]:
    engine = build_engine(database_url)
    yield PgUnitOfWorkFactory(engine)
    await engine.dispose()


async def _change(open_unit: PgUnitOfWorkFactory, since: int) -> None:
    async with open_unit(SITE) as uow:
        await uow.raw.execute(
            "INSERT INTO position_change (site_id, since, subject, confidence)"
            " VALUES ($1, $2, 'a', 1)",
            SITE,
            since,
        )


async def _days(open_unit: PgUnitOfWorkFactory) -> dict[int, str]:
    """Where each kept change lies: day relative to now, partition."""
    async with open_unit(SITE) as uow:
        rows = await uow.raw.fetch(
            "SELECT since, tableoid::regclass::text AS part FROM position_change"
        )
    return {(row["since"] - NOW) // DAY: row["part"] for row in rows}


async def test_days_are_made_ahead_and_dropped_when_over_their_time(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    today = NOW // DAY
    await _change(open_unit, NOW)
    async with open_unit(SITE) as uow:
        assert await keep_days(uow, now=NOW, kept_days=2) == 4
    await _change(open_unit, NOW + DAY)
    await _change(open_unit, NOW - DAY)
    async with open_unit(SITE) as uow:
        assert await keep_days(uow, now=NOW, kept_days=2) == 0
    assert await _days(open_unit) == {
        0: f"position_change_d{today}",
        1: f"position_change_d{today + 1}",
        -1: "position_change_default",
    }

    async with open_unit(SITE) as uow:
        assert await keep_days(uow, now=NOW + 3 * DAY, kept_days=2) == 4
    assert await _days(open_unit) == {1: f"position_change_d{today + 1}"}


async def test_answers_sessions_and_seen_ids_go_after_their_time(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    ids = numbered()
    async with open_unit(SITE) as uow:
        for age, name in ((24, "kept"), (26, "old")):
            at = NOW - age * 3_600_000_000
            await uow.platform.claim(key_id="k", route="r", key=name, fingerprint=b"f", now=at)
            await uow.platform.add_session(
                name.encode(), ids(), now=at, expires_at=NOW - (age - 25)
            )
            await uow.webhooks.seen("web", name, now=at, since=0)
    async with open_unit(SITE) as uow:
        assert await tidy(uow, now=NOW, limit=10) == 3
        assert await tidy(uow, now=NOW, limit=10) == 0
    async with open_unit(SITE) as uow:
        left = await uow.raw.fetch("SELECT idempotency_key FROM idempotency")
        assert [row["idempotency_key"] for row in left] == ["kept"]
        assert await uow.raw.fetchval("SELECT count(*) FROM session") == 1
        assert await uow.webhooks.seen("web", "kept", now=NOW, since=NOW - DAY) is True


async def test_drift_is_an_alarm_until_a_run_finds_none(
    open_unit: PgUnitOfWorkFactory, owner_url: str
) -> None:
    ids = numbered()
    async with open_unit(SITE) as uow:
        await stock_up(uow, await a_warehouse(uow), 5)
    async with open_unit(SITE) as uow:
        assert await check_ledger(uow, clock=lambda: NOW, ids=ids) == 0
        await uow.raw.execute("UPDATE quant SET on_hand = 6")
    async with open_unit(SITE) as uow:
        assert await check_ledger(uow, clock=lambda: NOW, ids=ids) > 0
        assert await uow.liveness.standing(["ledger.drift"]) == {("ledger.drift", "ledger")}
        await uow.raw.execute("UPDATE quant SET on_hand = 5")
    async with open_unit(SITE) as uow:
        assert await check_ledger(uow, clock=lambda: NOW, ids=ids) == 0
        assert await uow.liveness.standing(["ledger.drift"]) == set()


class Wire:
    """A publisher that notes, or refuses while it is down."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[tuple[str, PositionChanged, bool]] = []

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """See `Publisher`."""
        if not self.up:
            raise BusUnavailableError("down")
        self.sent.append((topic, msgspec.json.decode(payload, type=PositionChanged), retain))


async def _moved(open_unit: PgUnitOfWorkFactory, unit: str, location: str, since: int) -> None:
    async with open_unit(SITE) as uow:
        await uow.emit(
            "position.changed",
            aggregate=f"handling-unit/{unit}",
            owner="acme",
            payload={
                "handling_unit": unit,
                "key": "00/1",
                "location": location,
                "confidence": 0.9,
                "since": since,
                "read_point": None,
            },
            occurred_at=since,
        )


async def test_the_newest_position_of_each_unit_is_published_retained(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    wire = Wire()
    sink = PositionSink(wire)
    await _moved(open_unit, "u1", "STAGE-IN", 1)
    await _moved(open_unit, "u2", "DOCK-1", 2)
    await _moved(open_unit, "u1", "A-01-01-1", 3)

    wire.up = False
    with pytest.raises(Unavailable):
        async with open_unit(SITE) as uow:
            await relay(uow, sink, now=NOW, limit=100)
    wire.up = True
    async with open_unit(SITE) as uow:
        assert await relay(uow, sink, now=NOW, limit=100) == 3
    async with open_unit(SITE) as uow:
        assert await relay(uow, sink, now=NOW, limit=100) == 0

    told = {topic: (body.location, body.since, retain) for topic, body, retain in wire.sent}
    assert told == {
        "wh/v1/demo/positions/u1": ("A-01-01-1", 3, True),
        "wh/v1/demo/positions/u2": ("DOCK-1", 2, True),
    }
    assert len(wire.sent) == 2


async def test_one_worker_at_a_time_drives_a_sink(open_unit: PgUnitOfWorkFactory) -> None:
    sink = PositionSink(Wire())
    await _moved(open_unit, "u1", "STAGE-IN", 1)
    async with open_unit(SITE) as first:
        assert await first.outbox.own(sink.name) is True
        async with open_unit(SITE) as second:
            assert await relay(second, sink, now=NOW, limit=100) == 0
    async with open_unit(SITE) as uow:
        assert await relay(uow, sink, now=NOW, limit=100) == 1
