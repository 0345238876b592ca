"""Readings a second from MQTT payload bytes to a committed group, durable, with archive and zones.

The limit is decode and commit of the same data with nothing else: the strict decode of the same
payloads, the same archive bytes fsynced, and in one transaction a group the same position rows and
cursors that the product's run wrote. A second figure keeps the bare floor: decode, one cursor row.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from bench.figure import Figure
from contracts.bus import Delivery
from contracts.codec import decode_content, decode_header, encode
from contracts.topics import parse_up, up
from contracts.v1 import AgentStatus, Observation, ReadBatch
from core.application.decisions import GroupDecision
from core.application.ports.tracking import CursorAdvance, PositionWrite
from core.application.ports.uow import UnitOfWork, UnitOfWorkFactory
from core.application.record import record_decision
from core.db.migrate import migrate
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive import Archive, Entry
from gateway.failpoints import no_faults
from gateway.holder import Holder, Means
from gateway.messages import Arrival
from gateway.rates import Rate, Rates
from gateway.sender import Sender
from gateway.speech import Speech
from runtime.clock import monotonic_us, now_us
from runtime.pgfiles import remove_data
from runtime.postgres import OWNER, run_server

SITE, LIMIT_SITE = "bench", "limit"
AGENTS, READINGS, GROUP, TAGS = 4, 50, 100, 2_000
SETUP = """
INSERT INTO site (site_id, name, created_at) VALUES ('bench', 'Bench', 0);
INSERT INTO cell (site_id, cell, epoch) VALUES ('bench', 'site', 1);
INSERT INTO location (site_id, code, kind)
  VALUES ('bench','Z-1','staging'), ('bench','Z-2','staging');
INSERT INTO agent (site_id, agent, registered_at)
  SELECT 'bench', 'a-' || n, 0 FROM generate_series(1, 4) n;
INSERT INTO device (site_id, agent, device)
  SELECT 'bench', 'a-' || n, 'r' FROM generate_series(1, 4) n;
INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, location_id)
  SELECT 'bench', 'p-' || n || '-' || k, 'a-' || n, 'r', k, 'zone', l.location_id
  FROM generate_series(1, 4) n, generate_series(1, 2) k
  JOIN location l ON l.site_id = 'bench' AND l.code = 'Z-' || k;
INSERT INTO unit (site_id, epc_key, owner_id, item_id, state, location_id, changed_at)
  SELECT 'bench', '01/80614141123458/21/' || n, 'acme', 1, 'present',
    (SELECT min(location_id) FROM location WHERE site_id = 'bench'), 0
  FROM generate_series(0, 1999) n;
"""


class Deaf:
    """A bus that nobody listens to, and a sink of figures."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Nowhere."""

    def status(self, status: AgentStatus, *, lag: int, received_at: int) -> None:
        """Nowhere."""

    def group(
        self, figures: Mapping[str, float], *, reads: Mapping[tuple[str, str], int], now: int
    ) -> None:
        """Nowhere."""

    def verdict(self, portal: str, *, latency_us: int, now: int) -> None:
        """Nowhere."""


def run(seconds: float = 5.0) -> list[Figure]:
    """One rate beside two in-run limits."""
    return asyncio.run(_run(seconds))


def _groups(count: int) -> list[list[Delivery]]:
    """What agents send: 50 readings a message, tags that come back and change their level."""
    now, groups = now_us(), []
    seqs = itertools.count(1)
    for _ in range(count):
        group = []
        for _ in range(GROUP // AGENTS):
            seq = next(seqs)
            group.extend(messages_of(now, seq, sent_at=now))
        groups.append(group)
    return groups


def messages_of(now: int, seq: int, *, sent_at: int) -> list[Delivery]:
    """One message of each agent at this place of its stream."""
    found = []
    for n in range(1, AGENTS + 1):
        reads = [_read(now, seq, n, k) for k in range(READINGS)]
        batch = ReadBatch(site=SITE, agent=f"a-{n}", boot=1, seq=seq, sent_at=sent_at, reads=reads)
        found.append(Delivery(up(SITE, f"a-{n}", "reads"), encode(batch)))
    return found


def _read(now: int, seq: int, agent: int, k: int) -> Observation:
    tag = (seq * READINGS + k + agent * 500) % TAGS
    at = now - 5_000_000 + seq * 1_000
    return Observation(
        epc=f"3034257BF7194E40{tag:08X}",
        device="r",
        antenna=1 + (tag + seq // 200) % 2,
        rssi_dbm=-60.0 + tag % 9,
        occurred_at=at,
        count=3,
        first_at=at - 1_000,
        last_at=at + 1_000,
        rssi_mean_dbm=-61.0,
        rssi_spread_db=0.4,
    )


def means_of(
    open_unit: UnitOfWorkFactory, *, now: Callable[[], int], monotonic: Callable[[], int]
) -> Means:
    """What a holder works with: nobody listens, and no agent is held back by its rate."""
    numbers = itertools.count(1)
    unlimited = Rate(1e9, 1e9)

    def ids() -> UUID:
        return UUID(int=next(numbers))

    deaf = Deaf()
    return Means(
        site=SITE,
        cell="site",
        open_unit=open_unit,
        speech=Speech(Sender(deaf, site=SITE, now=now), site=SITE, now=now, ids=ids),
        telemetry=deaf,
        now=now,
        monotonic=monotonic,
        ids=ids,
        hit=no_faults,
        rates=lambda: Rates(reads=unlimited, others=unlimited),
    )


@asynccontextmanager
async def a_site(folder: Path) -> AsyncIterator[PgUnitOfWorkFactory]:
    """A fresh PostgreSQL with the bench's site and its twin for the limit."""
    async with run_server(folder / "pg") as server:
        url = server.url(OWNER)
        await migrate(url)
        raw = await asyncpg.connect(url)
        for site in (SITE, LIMIT_SITE):
            await raw.execute(SETUP.replace("'bench'", f"'{site}'"))
        await raw.close()
        engine = build_engine(url, pool_size=2)
        try:
            yield PgUnitOfWorkFactory(engine)
        finally:
            await engine.dispose()
            remove_data(folder / "pg")


async def _run(seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        async with a_site(Path(folder)) as open_unit:
            return await _measure(open_unit, Path(folder), seconds)


async def _measure(open_unit: PgUnitOfWorkFactory, folder: Path, seconds: float) -> list[Figure]:
    written: list[Sequence[PositionWrite]] = []

    @asynccontextmanager
    async def watched(site: str) -> AsyncIterator[UnitOfWork]:
        """Notes the position rows of each group, for the limit to write the same."""
        async with open_unit(site) as uow:
            place = uow.tracking.place

            async def noted(rows: Sequence[PositionWrite], *, now: int) -> list[dict[str, Any]]:
                written.append(rows)
                return await place(rows, now=now)

            vars(uow.tracking)["place"] = noted
            yield uow

    means = means_of(watched, now=now_us, monotonic=monotonic_us)
    archive = Archive(folder / "archive", site=SITE, cell="site", epoch=1)
    holder = Holder(means, epoch=1, archive=archive)
    await holder.load()
    groups = _groups(max(8, int(seconds * 6)))
    half = len(groups) // 2

    async def committed(group: Sequence[Delivery]) -> None:
        arrivals = [Arrival(one, now_us(), monotonic_us()) for one in group]
        await holder.turn(arrivals)

    floor_seq = itertools.count(1)

    async def floor(group: Sequence[Delivery]) -> None:
        _decoded(group)
        step = CursorAdvance(agent="bare", boot=1, seq=next(floor_seq), digest=b"", messages=1)
        decision = GroupDecision(cell="site", epoch=1, cursors=[step])
        async with open_unit(SITE) as uow:
            await record_decision(uow, decision, now=now_us(), ids=means.ids)

    value = await _rate(groups[:half], committed)
    async with open_unit(SITE) as uow:
        here = await uow.tracking.registry()
    async with open_unit(LIMIT_SITE) as uow:
        there = await uow.tracking.registry()
    moved = {here.locations[code]: there.locations[code] for code in here.locations}
    same = iter([[_elsewhere(row, moved) for row in rows] for rows in written])
    segment = Archive(folder / "limit", site=LIMIT_SITE, cell="site", epoch=1)

    async def limit_work(group: Sequence[Delivery]) -> None:
        entries, cursors = _decoded(group)
        await asyncio.to_thread(segment.append, entries, now=now_us())
        async with open_unit(LIMIT_SITE) as uow:
            await uow.tracking.advance(cursors, epoch=1, now=now_us())
            await uow.tracking.place(next(same), now=now_us())

    limit = await _rate(groups[:half], limit_work)
    segment.close()
    bare = await _rate(groups[:half], floor)
    value = max(value, await _rate(groups[half:], committed))
    archive.close()
    name, unit = "MQTT payload to committed", "readings/s"
    how = "100 messages of 50 readings a group, decided, archived, committed; limit: "
    return [
        Figure(name, value, unit, limit, how + "decode and commit of the same bytes and rows"),
        Figure(name + ", bare", value, unit, bare, how + "decode and one cursor row"),
    ]


def _elsewhere(row: PositionWrite, moved: Mapping[int, int]) -> PositionWrite:
    """The same row on the limit's own site."""
    place = row.location_id
    return replace(row, location_id=None if place is None else moved[place])


def _decoded(group: Sequence[Delivery]) -> tuple[list[Entry], list[CursorAdvance]]:
    """Strictly decoded messages: what the archive keeps of them and the cursors they move."""
    entries: list[Entry] = []
    cursors: dict[str, CursorAdvance] = {}
    for delivery in group:
        topic = parse_up(delivery.topic)
        if topic is None:
            continue
        header = decode_header(delivery.payload, topic)
        decode_content(header, now=now_us())
        agent, boot, seq = header.agent, header.boot, header.seq
        entries.append(Entry(agent, boot, seq, now_us(), delivery.payload))
        taken = cursors[agent].messages + 1 if agent in cursors else 1
        cursors[agent] = CursorAdvance(agent=agent, boot=boot, seq=seq, digest=b"", messages=taken)
    return entries, [cursors[agent] for agent in sorted(cursors)]


async def _rate(
    groups: Sequence[Sequence[Delivery]], work: Callable[[Sequence[Delivery]], Awaitable[None]]
) -> float:
    start = time.perf_counter()
    for group in groups:
        await work(group)
    return len(groups) * GROUP * READINGS / (time.perf_counter() - start)
