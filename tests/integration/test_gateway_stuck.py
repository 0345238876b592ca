"""A commit that cannot be done: ends with the cell, heals with the disk, frees its locks."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Unavailable
from gateway.archive_reader import archived
from tests.gateway_rig import NOW, SITE, Rig, a_batch, a_read, a_rig, delivered, running
from tests.waiting import eventually

SEQ = "SELECT coalesce(max(seq), 0) FROM cursor WHERE agent = 'floor-1'"


@pytest.fixture
async def rig(database_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(database_url, tmp_path) as made:
        engine = build_engine(database_url, pool_size=2)
        made.open_unit = PgUnitOfWorkFactory(engine, lock_timeout_ms=50)
        yield made
        await engine.dispose()


def a_message(seq: int = 1) -> bytes:
    message = a_batch(a_read(device="z1"), agent="floor-1", boot=1, seq=seq)
    return delivered(message, agent="floor-1").payload


@asynccontextmanager
async def a_table_in_use(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Somebody holds the cursors in a transaction that does not end."""
    other = await asyncpg.connect(url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("LOCK TABLE cursor IN EXCLUSIVE MODE")
    try:
        yield other
    finally:
        await transaction.rollback()
        await other.close()


async def test_a_commit_that_never_succeeds_ends_when_the_cell_is_lost(rig: Rig) -> None:
    gateway, sender = rig.gateway(), rig.broker.bus()
    taken_by_others = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
    )
    async with running(gateway):
        await eventually(lambda: gateway.holder is not None)
        first = gateway.holder
        assert first is not None
        async with a_table_in_use(rig.url):
            topic = delivered({}, agent="floor-1").topic
            await sender.publish(topic, a_message())
            await eventually(lambda: bool(first.sorter._streams._ahead))
            await asyncio.sleep(0.2)
            assert await rig.value(taken_by_others) >= 1
            await eventually(lambda: gateway.holder not in (first, None), 6)
        assert gateway.holder is not None
        assert gateway.holder.epoch > first.epoch
        await sender.publish(topic, a_message())
        await eventually(lambda: gateway.holder is not None and gateway.holder.groups == 1, 6)

    assert await rig.value(SEQ) == 1


async def idle_with_a_lock(open_unit: PgUnitOfWorkFactory, other: asyncpg.Connection[Any]) -> None:
    """Hold a lock and do nothing until another has it, then go on."""
    async with open_unit("demo") as unit:
        await unit.raw.execute("LOCK TABLE cursor IN EXCLUSIVE MODE")
        await asyncio.sleep(0.5)
        async with other.transaction():
            await other.execute("LOCK TABLE cursor IN EXCLUSIVE MODE NOWAIT")
        await unit.raw.execute("SELECT 1")


async def test_a_transaction_that_idles_lets_go_of_what_it_holds(database_url: str) -> None:
    engine = build_engine(database_url, pool_size=1)
    open_unit = PgUnitOfWorkFactory(engine, idle_limit_ms=200)
    other = await asyncpg.connect(database_url)
    try:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await idle_with_a_lock(open_unit, other)
    finally:
        await other.close()
        await engine.dispose()


async def test_a_group_waits_for_room_in_the_archive(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, fsync = await rig.holder(), os.fsync
    refused: list[int] = []

    def full(descriptor: int) -> None:
        if len(refused) < 3:
            refused.append(descriptor)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr("gateway.archive.os.fsync", full)
    for seq in (1, 2):
        await holder.feed(delivered(a_message(seq), agent="floor-1"), at=NOW)

    assert len(refused) == 3
    assert await rig.value(SEQ) == 2
    assert [line.seq for line in archived(rig.archive, site=SITE)] == [1, 2]


async def test_nothing_is_committed_that_the_archive_lacks(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = await rig.holder()
    written: list[int] = []

    def slow(descriptor: int) -> None:
        written.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("gateway.archive.os.fsync", slow)
    feeding = asyncio.create_task(holder.feed(delivered(a_message(), agent="floor-1"), at=NOW))
    await eventually(lambda: len(written) >= 3)

    assert await rig.value(SEQ) == 0
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
