"""A gateway on a real database and a bus in memory, with the fixtures of the input cases.

`turn` drives a holder step by step; `a_gateway` runs the whole loop with its cell claim.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from contracts.bus import Delivery
from contracts.codec import decode_command, decode_cursor
from contracts.topics import all_down, up
from contracts.v1 import AgentStatus, Command, Cursor
from core.db.stores.cells import PgCellClaim
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive import Archive
from gateway.failpoints import Hit, no_faults
from gateway.group import Group
from gateway.holder import Holder, Means
from gateway.ingest import Gateway, Pace
from gateway.messages import Arrival
from gateway.sender import Sender
from gateway.speech import Speech
from tests.memory_bus import MemoryBroker, MemoryBus

SITE, CELL = "a", "site"
NOW = 1_795_000_000_000_000
TAG = "3074257BF7194E4000001A85"
RETIRED = "3034257BF7194E4000000002"
FOREIGN = "E28011700000020A7C1F0A3B"

FIXTURES = """
INSERT INTO site (site_id, name, created_at) VALUES ('a', 'A', 0);
INSERT INTO owner (owner_id, name, created_at) VALUES ('acme', 'Acme', 0);
INSERT INTO item (owner_id, sku, name, gtin, created_at)
  VALUES ('acme', 'SKU-1', 'One', '00614141123452', 0);
INSERT INTO location (site_id, code, kind) VALUES
  ('a','DOCK-1','dock'), ('a','STAGE-IN','staging'), ('a','STAGE-OUT-1','staging'),
  ('a','A-01-01-1','pick_face'), ('a','CONV-1','conveyor'), ('a','PACK-1','packing'),
  ('a','DOCK-2','dock'), ('a','DISCREPANCY','discrepancy'), ('a','SUPPLIER','supplier'),
  ('a','CUSTOMER','customer'), ('a','FOUND','found'), ('a','MISSING','missing'),
  ('a','LOSS','loss'), ('a','ADJUSTMENT','adjustment');
INSERT INTO agent (site_id, agent, registered_at) VALUES
  ('a','dock-03',0), ('a','dock-04',0), ('a','conv-01',0), ('a','floor-1',0);
INSERT INTO agent (site_id, agent, state, registered_at) VALUES ('a','gone-1','revoked',0);
INSERT INTO device (site_id, agent, device, driver, belts, outputs) VALUES
  ('a','dock-03','r1','llrp','{}','{"green":1,"amber":2,"red":3}'),
  ('a','dock-04','r1','llrp','{}','{"green":1,"amber":2,"red":3}'),
  ('a','conv-01','plc1','plc','{B1}','{}'), ('a','floor-1','z1','llrp','{}','{}'),
  ('a','floor-1','c1','llrp','{}','{}');
INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)
  SELECT 'a', p.portal, d.location_id, i.location_id
  FROM (VALUES ('dock-3','DOCK-1'), ('dock-4','DOCK-2')) AS p(portal, door)
  JOIN location d ON d.site_id='a' AND d.code = p.door
  JOIN location i ON i.site_id='a' AND i.code='STAGE-IN';
INSERT INTO portal_mode (site_id, portal, direction, mode, since) VALUES
  ('a','dock-3','in','book',0), ('a','dock-3','out','book',0),
  ('a','dock-4','in','book',0), ('a','dock-4','out','book',0);
INSERT INTO read_point (site_id, read_point, agent, device, antenna, gpi_port, role, portal, side)
VALUES ('a','dock-3.out','dock-03','r1',1,NULL,'portal','dock-3','outside'),
  ('a','dock-3.in','dock-03','r1',2,NULL,'portal','dock-3','inside'),
  ('a','dock-3.b1','dock-03','r1',NULL,1,'beam','dock-3','outside'),
  ('a','dock-3.b2','dock-03','r1',NULL,2,'beam','dock-3','inside'),
  ('a','dock-4.out','dock-04','r1',1,NULL,'portal','dock-4','outside'),
  ('a','dock-4.in','dock-04','r1',2,NULL,'portal','dock-4','inside'),
  ('a','dock-4.b1','dock-04','r1',NULL,1,'beam','dock-4','outside'),
  ('a','dock-4.b2','dock-04','r1',NULL,2,'beam','dock-4','inside');
INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, location_id)
  SELECT 'a', p.point, 'floor-1', 'z1', p.antenna, 'zone', l.location_id
  FROM (VALUES ('z.in',1,'STAGE-IN'), ('z.out',2,'STAGE-OUT-1')) AS p(point, antenna, code)
  JOIN location l ON l.site_id='a' AND l.code = p.code;
INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, location_id)
  SELECT 'a', p.point, 'floor-1', 'c1', p.antenna, 'conveyor', l.location_id
  FROM (VALUES ('c.scan',1,'CONV-1'), ('c.pack',2,'PACK-1')) AS p(point, antenna, code)
  JOIN location l ON l.site_id='a' AND l.code = p.code;
INSERT INTO unit (site_id, epc_key, owner_id, item_id, state, location_id, changed_at)
  SELECT 'a', '01/80614141123458/21/6789', 'acme', i.item_id, 'present', l.location_id, 0
  FROM item i JOIN location l ON l.code='STAGE-IN';
INSERT INTO unit (site_id, epc_key, owner_id, item_id, state, changed_at)
  SELECT 'a', '01/80614141123458/21/2', 'acme', i.item_id, 'retired', 0 FROM item i;
"""

CURSORS = """
DELETE FROM cursor; DELETE FROM dead_letter; DELETE FROM hold; DELETE FROM belt_jam;
INSERT INTO cursor (site_id, agent, boot, seq, messages, epoch, updated_at) VALUES
  ('a','dock-03',7,1000,1000,0,0), ('a','dock-03',6,899,899,0,0), ('a','conv-01',7,4,4,0,0);
"""


class NoTelemetry:
    """Figures go nowhere."""

    def status(self, status: AgentStatus, *, lag: int, received_at: int) -> None:
        """Ignored."""

    def group(
        self, figures: Mapping[str, float], *, reads: Mapping[tuple[str, str], int], now: int
    ) -> None:
        """Ignored."""

    def verdict(self, portal: str, *, latency_us: int, now: int) -> None:
        """Ignored."""


@dataclass
class Clock:
    """Wall and monotonic time that only tests move; `live` follows the machine."""

    now: int = NOW
    live: bool = False

    def wall(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1_000 if self.live else self.now

    def monotonic(self) -> int:
        """Microseconds that never jump."""
        return time.monotonic_ns() // 1_000 if self.live else self.now

    def pass_s(self, seconds: float) -> int:
        """Let time pass."""
        self.now += int(seconds * 1_000_000)
        return self.now


@dataclass
class Rig:
    """One site `a`: database, broker, clock, archive directory."""

    url: str
    archive: Path
    open_unit: PgUnitOfWorkFactory
    clock: Clock = field(default_factory=Clock)
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    hit: Hit = no_faults
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def ids(self) -> UUID:
        """The next id."""
        return UUID(int=next(self._ids))

    def means(self, sender: Sender) -> Means:
        """What a holder works with."""
        clock = self.clock
        return Means(
            site=SITE,
            cell=CELL,
            open_unit=self.open_unit,
            speech=Speech(sender, site=SITE, now=clock.wall, ids=self.ids),
            telemetry=NoTelemetry(),
            now=clock.wall,
            monotonic=clock.monotonic,
            ids=self.ids,
            hit=lambda name: self.hit(name),
        )

    def archive_for(self, epoch: int) -> Archive:
        """A writer of this epoch."""
        return Archive(self.archive, site=SITE, cell=CELL, epoch=epoch)

    def gateway(self, *, name: str = "gw", pace: Pace | None = None) -> Gateway:
        """A whole gateway, not yet running."""
        bus = self.broker.bus()
        sender = Sender(bus, site=SITE, now=self.clock.wall)
        claim = PgCellClaim(self.url, site=SITE, cell=CELL, holder=name, taken_at=self.clock.wall)
        return Gateway(
            self.means(sender),
            bus=bus,
            claim=claim,
            sender=sender,
            archive_for=self.archive_for,
            pace=pace or Pace(group_us=2_000, tick_us=20_000, idle_tick_us=20_000),
        )

    async def holder(self) -> Stepper:
        """A holder driven by hand; it takes the next epoch."""
        epoch = int(
            await self.value(
                "INSERT INTO cell AS c (site_id, cell, epoch) VALUES ('a','site',1)"
                " ON CONFLICT (site_id, cell) DO UPDATE SET epoch = c.epoch + 1 RETURNING epoch"
            )
        )
        bus = self.broker.bus()
        sender = Sender(bus, site=SITE, now=self.clock.wall)
        holder = Holder(self.means(sender), epoch=epoch, archive=self.archive_for(epoch))
        await holder.load()
        return Stepper(self, holder, sender)

    async def execute(self, script: str) -> None:
        """Change the database beside the product."""
        raw = await asyncpg.connect(self.url)
        try:
            await raw.execute(script)
        finally:
            await raw.close()

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read or write beside the product."""
        raw = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await raw.fetch(statement, *values)]
        finally:
            await raw.close()

    async def value(self, statement: str, *values: Any) -> Any:
        """The first column of the first row."""
        rows = await self.rows(statement, *values)
        return next(iter(rows[0].values())) if rows else None


@dataclass
class Stepper:
    """A holder whose groups a test feeds one by one."""

    rig: Rig
    holder: Holder
    sender: Sender

    async def feed(self, *deliveries: Delivery, at: int | None = None) -> Group:
        """One group."""
        now = self.rig.clock.wall() if at is None else at
        return await self.holder.turn([Arrival(one, now, now) for one in deliveries])

    def cursor(self, agent: str, boot: int) -> int:
        """Where the holder believes a stream to be."""
        return next(
            (
                row.seq
                for key, row in self.holder.streams._committed.items()
                if key == (agent, boot)
            ),
            0,
        )

    def commands(self) -> list[Command]:
        """Commands waiting to be sent, oldest first."""
        found = list(self.sender._commands)
        self.sender._commands.clear()
        return found

    def cursors(self) -> list[Cursor]:
        """Cursors waiting to be sent."""
        found = list(self.sender._cursors.values())
        self.sender._cursors.clear()
        return found


def a_read(epc: str = TAG, **fields: Any) -> dict[str, Any]:
    """One reading of the fixtures."""
    whole = {"epc": epc, "device": "r1", "antenna": 1, "rssi_dbm": -61.5, "occurred_at": NOW}
    return {**whole, **fields}


def a_batch(
    *reads: dict[str, Any], agent: str = "dock-03", boot: int = 7, seq: int = 1001, **header: Any
) -> dict[str, Any]:
    """A message of reads."""
    return {
        "schema": "reads.v1",
        "site": SITE,
        "agent": agent,
        "boot": boot,
        "seq": seq,
        "sent_at": NOW,
        **header,
        "reads": list(reads) or [a_read()],
    }


def delivered(
    message: dict[str, Any] | bytes | str,
    *,
    agent: str = "dock-03",
    kind: str = "reads",
    **more: Any,
) -> Delivery:
    """A message as it arrives on its agent's topic."""
    if isinstance(message, dict):
        message = json.dumps(message)
    payload = message.encode() if isinstance(message, str) else message
    return Delivery(up(SITE, agent, kind), payload, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def a_rig(url: str, archive: Path) -> AsyncIterator[Rig]:
    """The fixtures of the input cases on a fresh database."""
    engine = build_engine(url, pool_size=8)
    rig = Rig(url, archive, PgUnitOfWorkFactory(engine))
    await rig.execute(FIXTURES)
    await rig.execute(CURSORS)
    try:
        yield rig
    finally:
        await engine.dispose()


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[asyncio.Task[None]]:
    """The gateway's loop while the block runs; what broke it is raised at the end."""
    task = asyncio.create_task(gateway.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class AgentEar:
    """Listens to what a gateway says to one agent."""

    def __init__(self, bus: MemoryBus, agent: str) -> None:
        self._bus = bus
        self._agent = agent
        self.cursors: list[Cursor] = []
        self.commands: list[Command] = []

    async def listen(self, on_cursor: Callable[[Cursor], None] = lambda cursor: None) -> None:
        """For ever."""
        await self._bus.subscribe(all_down(SITE, self._agent))
        async for delivery in self._bus.deliveries():
            if delivery.topic.endswith("/cursor"):
                cursor = decode_cursor(delivery.payload, site=SITE, agent=self._agent)
                self.cursors.append(cursor)
                on_cursor(cursor)
            else:
                self.commands.append(decode_command(delivery.payload, site=SITE, agent=self._agent))
