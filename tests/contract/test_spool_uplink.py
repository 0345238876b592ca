"""Spool and uplink against a model gateway: exactly once, in order, whatever the network does."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from contracts.v1 import AgentStatus, Cursor, Observation
from edge.batching import Batcher, Message
from edge.failpoints import no_faults
from edge.spool import Spool, inline
from edge.spool_file import open_spool
from edge.uplink import Uplink
from tests.fake_bus import Clock, FakeBus, Faults, ModelGateway

TICK = 5_000
CAP = 64 * 1024 * 1024


def message(n: int) -> Message:
    batcher = Batcher()
    batcher.add("reads", [Observation("3000", "r", 1, None, n)], at=0, linger_us=0)
    batcher.close()
    return batcher.take()[0]


class Edge:
    """One agent life after another over the same spool."""

    def __init__(self, folder: Path, *, faults: Faults | None = None, seed: int = 0) -> None:
        self.path = folder / "spool.db"
        self.rng = random.Random(seed)
        self.clock = Clock()
        self.bus = FakeBus(clock=self.clock, rng=self.rng, faults=faults or Faults())
        self.gateway = ModelGateway(self.bus, self.clock)
        self.bus.gateway = lambda topic, payload: self.gateway.hear(topic, payload)
        self.bus.agent = self._down
        self.stored: list[int] = []
        self.start()

    def start(self, *, boot: int = 1) -> None:
        file = open_spool(self.path, boot=boot, max_bytes=CAP, hit=no_faults)
        self.spool = Spool(file, now_us=self.clock.now_us, offload=inline)
        self.uplink = Uplink(
            site="demo",
            agent="dock-1",
            spool=self.spool,
            bus=self.bus,
            rng=self.rng,
            now_us=self.clock.now_us,
            hit=no_faults,
            greet=self.status,
        )

    def crash(self) -> None:
        self.spool.close()
        self.start()

    def status(self) -> bytes:
        return msgspec.json.encode(
            AgentStatus(
                schema="status.v1",
                site="demo",
                agent="dock-1",
                boot=self.spool.boot,
                seq=self.spool.last_seq,
                sent_at=self.clock.now_us(),
                state="online",
            )
        )

    def _down(self, topic: str, payload: bytes) -> None:
        self.uplink.on_cursor(msgspec.json.decode(payload, type=Cursor))

    async def take(self, *numbers: int) -> None:
        self.spool.submit([message(n) for n in numbers])
        await self.spool.flush()
        self.stored += numbers

    async def pass_time(self, us: int) -> None:
        for _ in range(us // TICK):
            self.clock.at += TICK
            if self.clock.at % 5_000_000 == 0 and self.bus.connected:
                self.bus.gateway("wh/v1/demo/agents/dock-1/status", self.status())
            self.bus.carry()
            await self.uplink.step(self.clock.at)

    async def settle(self, *, within_s: int = 400) -> None:
        for _ in range(within_s):
            if self.gateway.cursors.get(self.spool.boot) == self.spool.last_seq:
                return
            await self.pass_time(1_000_000)

    @property
    def applied(self) -> list[object]:
        return [one["occurred_at"] for _, _, reads in self.gateway.applied for one in reads]


HOSTILE = Faults(loss=0.2, doubled=0.1, refused=0.02, delay_us=300_000)


async def run_hostile(edge: Edge) -> None:
    for n in range(60):
        await edge.take(*range(n * 3, n * 3 + 3))
        await edge.pass_time(TICK * edge.rng.randrange(1, 30))
        fate = edge.rng.random()
        if fate < 0.05:
            edge.crash()
        elif fate < 0.1:
            edge.bus.cut()
            await edge.pass_time(500_000)
            edge.bus.heal()
    await edge.settle()


@pytest.mark.parametrize("seed", range(25))
async def test_everything_stored_is_applied_once_and_in_order(tmp_path: Path, seed: int) -> None:
    edge = Edge(tmp_path, faults=HOSTILE, seed=seed)

    await run_hostile(edge)

    assert edge.applied == edge.stored == list(range(180))
    assert edge.uplink.reborn == 0


@pytest.mark.parametrize("seed", range(5))
async def test_the_control_without_a_cursor_check_fails(tmp_path: Path, seed: int) -> None:
    edge = Edge(tmp_path, faults=HOSTILE, seed=seed)
    edge.gateway.takes_all = True

    await run_hostile(edge)

    assert edge.applied != edge.stored


async def test_nothing_is_sent_before_the_cursor_is_known(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.bus.gateway = lambda topic, payload: None
    await edge.take(1, 2, 3)
    await edge.pass_time(1_000_000)

    assert [topic for topic, _ in edge.bus.sent] == ["wh/v1/demo/agents/dock-1/status"]


async def test_a_puback_frees_nothing_and_the_window_is_1000(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(1_200))
    await edge.pass_time(TICK * 4)
    edge.bus.gateway = lambda topic, payload: None
    await edge.pass_time(1_000_000)
    in_flight = edge.uplink.window.next_seq - edge.uplink.window.acked - 1

    assert in_flight == 1_000
    assert edge.spool.unsent == 1_200 - edge.uplink.window.acked


async def test_a_silent_gateway_is_asked_again_ever_more_slowly(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.pass_time(TICK * 4)
    edge.bus.gateway = lambda topic, payload: None
    await edge.take(1)
    tries: list[int] = []
    for _ in range(4 * 60 * 1000 // 5):
        before = len(edge.bus.sent)
        await edge.pass_time(TICK)
        if len(edge.bus.sent) > before:
            tries.append(edge.clock.at)
    gaps = [(b - a) / 1e6 for a, b in pairwise(tries)]

    assert 4.9 <= gaps[0] <= 5.1
    assert 7.5 <= gaps[1] <= 10.1
    assert gaps[-1] <= 60.1
    assert len(tries) <= 9


async def test_a_gap_answer_brings_the_sender_back_in_a_third_of_a_second(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.pass_time(TICK * 4)
    edge.bus.gateway = lambda topic, payload: None
    await edge.take(1)
    await edge.pass_time(TICK * 2)
    edge.bus.gateway = edge.gateway.hear
    await edge.take(2)
    await edge.pass_time(350_000)

    assert edge.applied == [1, 2]


async def test_retry_after_is_honoured(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.pass_time(TICK * 4)
    edge.gateway.retry_after_ms = 2_000
    edge.gateway.say(1)
    await edge.pass_time(TICK * 4)
    edge.gateway.retry_after_ms = 0
    await edge.take(1)

    await edge.pass_time(1_900_000)
    assert edge.applied == []
    await edge.pass_time(200_000)
    assert edge.applied == [1]


async def test_a_ledger_restored_from_a_backup_is_refilled(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(50))
    await edge.settle()
    edge.gateway.cursors[1] = 20
    del edge.gateway.applied[20:]
    edge.bus.cut()
    edge.bus.heal()
    await edge.pass_time(2_000_000)

    assert edge.applied == list(range(50))
    assert edge.spool.boot == 1


async def test_a_word_overtaken_on_its_way_moves_nothing_back(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(10))
    await edge.pass_time(1_000_000)
    old = Cursor(
        schema="cursor.v1",
        site="demo",
        agent="dock-1",
        boot=1,
        seq=3,
        sent_at=edge.clock.now_us() - 990_000,
        newest_boot=1,
    )
    edge.uplink.on_cursor(old)
    await edge.pass_time(100_000)

    assert edge.gateway.again == []
    assert edge.uplink.window.acked == 10


async def test_a_cursor_below_the_oldest_row_starts_a_new_boot_from_there(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(10))
    await edge.settle()
    await edge.pass_time(1_000_000)
    await edge.spool.tend(force=True)
    edge.clock.at += 3_700_000_000
    await edge.spool.tend(force=True)
    await edge.take(10, 11)
    edge.gateway.cursors[1] = 4
    await edge.pass_time(8_000_000)

    assert edge.spool.boot == 2
    assert edge.applied[10:] == [9, 10, 11]
    assert edge.spool.gaps() == [(1, 5, 9)]


async def test_a_restored_copy_of_the_spool_starts_a_new_boot_and_loses_nothing(
    tmp_path: Path,
) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(100))
    await edge.settle()
    await edge.pass_time(1_000_000)
    edge.spool.close()
    old = edge.path.read_bytes()
    edge.start()
    await edge.pass_time(1_000_000)
    await edge.take(*range(100, 200))
    await edge.settle()
    edge.spool.close()
    edge.path.write_bytes(old)

    edge.start()
    await edge.take(*range(200, 350))
    await edge.pass_time(1_000_000)
    await edge.settle()

    assert edge.spool.boot == 2
    assert edge.applied == list(range(350))


async def test_a_forged_cursor_frees_nothing(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.pass_time(TICK * 4)
    edge.bus.gateway = lambda topic, payload: None
    await edge.take(1, 2, 3)
    await edge.pass_time(TICK * 4)
    forged = Cursor(
        schema="cursor.v1",
        site="demo",
        agent="dock-1",
        boot=1,
        seq=9_000,
        sent_at=edge.clock.now_us(),
        newest_boot=1,
    )
    edge.uplink.on_cursor(forged)
    await edge.pass_time(TICK * 4)
    edge.bus.gateway = edge.gateway.hear
    await edge.pass_time(10_000_000)

    assert edge.uplink.reborn == 1
    assert [(boot, seq) for boot, seq, _ in edge.gateway.applied] == [(2, 1), (2, 2), (2, 3)]


async def test_a_fresh_spool_never_takes_a_boot_the_ledger_knows(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.gateway.cursors = {1: 40, 7: 3}
    edge.gateway.boots = {1, 7}
    await edge.take(1, 2)
    await edge.pass_time(2_000_000)

    assert edge.spool.boot == 8
    assert [(boot, seq) for boot, seq, _ in edge.gateway.applied] == [(8, 1), (8, 2)]


async def test_rows_are_sent_again_when_the_gateway_asks(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(20))
    await edge.settle()
    told: list[str] = []
    edge.uplink.replay(15, told.append)
    await edge.pass_time(1_000_000)

    assert edge.gateway.again == [15, 16, 17, 18, 19, 20]
    assert told == ["done"]
    assert edge.applied == list(range(20))


async def test_resending_what_is_gone_is_refused(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    await edge.take(*range(20))
    await edge.settle()
    await edge.pass_time(1_000_000)
    await edge.spool.tend(force=True)
    edge.clock.at += 3_700_000_000
    await edge.spool.tend(force=True)
    told: list[str] = []
    edge.uplink.replay(3, told.append)
    await edge.pass_time(1_000_000)

    assert told == ["refused"]
