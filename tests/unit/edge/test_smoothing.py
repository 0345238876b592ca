"""Smoothing: what becomes of raw reads, and that none is lost or told twice."""

from __future__ import annotations

import random

import pytest
from msgspec import UNSET

from contracts.v1 import Observation
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, ZONE, Profile, Smoother

EPC = bytes.fromhex("3074257BF7194E4000001A85")
T0 = 1_795_000_000_000_000


def read(
    at_ms: float,
    rssi: float | None = -60.0,
    *,
    epc: bytes = EPC,
    antenna: int | None = 1,
    count: int = 1,
) -> RawRead:
    """A read of a device whose clock agrees with the agent's."""
    at = T0 + int(at_ms * 1000)
    return RawRead(epc, antenna, rssi, occurred_at=at, received_at=at, count=count)


def smoother(profile: Profile = PORTAL, *, max_runs: int = 50_000) -> Smoother:
    return Smoother(device="dock-1-r", profile=profile, clock=DeviceClock(), max_runs=max_runs)


def feed(smooth: Smoother, *reads: RawRead) -> list[Observation]:
    out: list[Observation] = []
    for one in reads:
        at = one.received_at - T0
        smooth.step(at)
        smooth.add(one, at)
        out += smooth.take()
    return out


def test_first_sighting_goes_out_at_once() -> None:
    told = feed(smoother(), read(0, -61.5))

    assert told == [
        Observation(
            epc="3074257BF7194E4000001A85",
            device="dock-1-r",
            antenna=1,
            rssi_dbm=-61.5,
            occurred_at=T0,
            count=1,
            first_at=T0,
            last_at=T0,
            rssi_mean_dbm=-61.5,
            rssi_spread_db=0.0,
        )
    ]


def test_a_portal_run_is_cut_after_250_ms_and_keeps_its_peak() -> None:
    smooth = smoother()
    feed(smooth, read(0), read(10, -60), read(110, -50), read(210, -55))

    smooth.step(259_999)
    assert smooth.take() == []
    smooth.step(260_000)
    (run,) = smooth.take()

    assert (run.count, run.rssi_dbm, run.occurred_at) == (3, -50.0, T0 + 110_000)
    assert (run.first_at, run.last_at) == (T0 + 10_000, T0 + 210_000)
    assert run.rssi_mean_dbm == -55.0
    assert run.rssi_spread_db == 4.082


def test_a_zone_run_lasts_two_seconds_unless_it_rises_by_3_db() -> None:
    smooth = smoother(ZONE)

    calm = feed(smooth, read(0, -60), read(500, -58), read(1000, -57.1))
    risen = feed(smooth, read(1500, -57.0))
    smooth.step(3_499_999)

    assert [run.count for run in calm] == [1]
    assert [(run.count, run.rssi_dbm) for run in risen] == [(3, -57.0)]
    assert smooth.take() == []


def test_a_rise_within_one_read_of_a_new_run_is_told_at_once() -> None:
    told = feed(smoother(ZONE), read(0, -70), read(400, -50))

    assert [(run.count, run.rssi_dbm) for run in told] == [(1, -70.0), (1, -50.0)]


def test_antennas_have_runs_of_their_own() -> None:
    told = feed(smoother(), read(0, antenna=1), read(1, antenna=2), read(2, antenna=None))

    assert [run.antenna for run in told] == [1, 2, None]


def test_a_missing_rssi_is_counted_but_never_averaged() -> None:
    smooth = smoother()
    feed(smooth, read(0, None), read(10, None), read(20, -55.0, count=3), read(30, None))
    smooth.step(1_000_000)
    (run,) = smooth.take()

    assert (run.count, run.rssi_dbm, run.rssi_mean_dbm) == (5, -55.0, -55.0)
    assert run.occurred_at == T0 + 20_000


def test_a_run_without_any_rssi_says_null() -> None:
    (run,) = feed(smoother(), read(0, None))

    assert (run.rssi_dbm, run.rssi_mean_dbm, run.rssi_spread_db) == (None, None, UNSET)


def test_a_backlog_is_cut_by_device_time() -> None:
    smooth = smoother()
    reads = [
        RawRead(EPC, 1, -60.0, occurred_at=T0 + i * 100_000, received_at=T0 + 3_000_000)
        for i in range(30)
    ]
    for one in reads:
        smooth.add(one, 3_000_000)
    smooth.flush(3_000_000)
    told = smooth.take()

    assert [run.count for run in told] == [1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2]
    assert sum(run.count for run in told) == 30


def test_a_tag_forgotten_is_a_first_sighting_again() -> None:
    smooth = smoother()
    feed(smooth, read(0), read(10))
    smooth.step(300_000)
    smooth.take()

    assert feed(smooth, read(3_100)) == []
    smooth.flush(3_200_000)
    smooth.take()
    assert len(feed(smooth, read(6_300))) == 1


def test_memory_is_bounded_and_the_oldest_run_leaves_early() -> None:
    smooth = smoother(max_runs=10)
    reads = [read(i, epc=bytes([0x30, i % 50])) for i in range(100)]
    told = feed(smooth, *reads)

    assert smooth.held() <= 10
    smooth.flush(200_000)
    assert sum(run.count for run in told + smooth.take()) == 100


def test_open_runs_leave_early_rather_than_be_dropped() -> None:
    smooth = smoother(max_runs=10)
    tags = [bytes([0x30, n]) for n in range(10)]
    told = feed(smooth, *[read(n, epc=tag) for n, tag in enumerate(tags)])
    told += feed(smooth, *[read(20 + n, epc=tag) for n, tag in enumerate(tags)])
    assert smooth.early == 0
    told += feed(smooth, *[read(40 + n, epc=bytes([0x31, n])) for n in range(5)])
    assert smooth.early > 0
    smooth.flush(60_000)
    told += smooth.take()

    assert sum(run.count for run in told) == 25
    assert smooth.held() <= 10


@pytest.mark.parametrize("seed", range(12))
def test_every_raw_read_lies_in_exactly_one_observation(seed: int) -> None:
    rng = random.Random(seed)
    smooth = smoother(rng.choice([PORTAL, ZONE]), max_runs=rng.choice([5, 50_000]))
    reads: list[RawRead] = []
    told: list[Observation] = []
    ms = 0.0
    for _ in range(600):
        ms += rng.expovariate(1 / 12)
        one = read(
            ms,
            rng.choice([None, -80 + 50 * rng.random()]),
            epc=bytes([0x30, rng.randrange(12)]),
            antenna=rng.randrange(1, 3),
            count=rng.choice([1, 1, 4]),
        )
        reads.append(one)
        told += feed(smooth, one)
    smooth.flush(int(ms * 1000))
    told += smooth.take()

    for run in told:
        inside = [
            one
            for one in reads
            if (one.epc.hex().upper(), one.antenna) == (run.epc, run.antenna)
            and run.first_at <= one.occurred_at <= run.last_at  # type: ignore[operator]
        ]
        assert sum(one.count for one in inside) == run.count
        assert run.first_at <= run.occurred_at <= run.last_at  # type: ignore[operator]
    assert sum(run.count for run in told) == sum(one.count for one in reads)
