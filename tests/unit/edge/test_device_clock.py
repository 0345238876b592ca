"""Device clocks: offsets, jumps and what must change nothing."""

from __future__ import annotations

from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, Smoother

T0 = 1_795_000_000_000_000
S = 1_000_000


def samples(clock: DeviceClock, *, behind: int, start: int, seconds: int) -> None:
    """Ten samples a second with 0 to 9 ms of transport."""
    for i in range(seconds * 10):
        at = start + i * 100_000
        clock.sample(T0 + at - behind, T0 + at + (i * 7 % 10) * 1000, at)


def test_a_clock_that_agrees_is_left_alone() -> None:
    clock = DeviceClock()
    samples(clock, behind=0, start=0, seconds=30)

    assert (clock.offset, clock.jumps) == (0, 0)


def test_the_smallest_delay_is_the_offset() -> None:
    clock = DeviceClock()
    samples(clock, behind=400_000, start=0, seconds=30)

    assert clock.offset == 400_000


def test_a_clock_ahead_is_corrected_backwards() -> None:
    clock = DeviceClock()
    samples(clock, behind=-200_000, start=0, seconds=30)

    assert clock.offset == -200_000


def test_an_uptime_clock_is_corrected_from_its_first_reading() -> None:
    clock = DeviceClock()
    clock.sample(17, T0, 0)

    assert clock.offset == T0 - 17


def test_late_deliveries_at_the_start_are_not_taken_for_an_offset() -> None:
    clock = DeviceClock()
    clock.sample(T0 - 300_000, T0, 0)

    assert clock.offset == 0


def test_an_offset_that_drifts_is_followed_within_the_window() -> None:
    clock = DeviceClock()
    samples(clock, behind=400_000, start=0, seconds=10)
    samples(clock, behind=500_000, start=10 * S, seconds=90)

    assert clock.offset == 500_000


def jump(*, device_by: int, agent_by: int) -> tuple[Smoother, DeviceClock]:
    clock = DeviceClock()
    smooth = Smoother(device="r", profile=PORTAL, clock=clock)
    for i in range(40):
        at = i * 100_000
        late = i >= 20
        smooth.add(
            RawRead(
                b"\x30\x01",
                1,
                -60.0,
                occurred_at=T0 + at + (device_by if late else 0),
                received_at=T0 + at + (agent_by if late else 0),
            ),
            at,
        )
    smooth.flush(4 * S)
    return smooth, clock


def test_a_device_set_back_is_corrected_at_once_and_flagged() -> None:
    smooth, clock = jump(device_by=-3600 * S, agent_by=0)
    told = smooth.take()

    assert (clock.offset, clock.jumps) == (3600 * S, 1)
    assert [run.occurred_at for run in told] == sorted(run.occurred_at for run in told)
    assert sum(run.count for run in told) == 40
    assert max(run.last_at for run in told) == T0 + 3_900_000  # type: ignore[type-var]


def test_a_device_set_ahead_is_corrected_at_once_and_flagged() -> None:
    smooth, clock = jump(device_by=3600 * S, agent_by=0)

    assert (clock.offset, clock.jumps) == (-3600 * S, 1)
    assert max(run.last_at for run in smooth.take()) == T0 + 3_900_000  # type: ignore[type-var]


def test_a_step_of_the_agents_clock_is_followed_and_flagged() -> None:
    smooth, clock = jump(device_by=0, agent_by=3600 * S)

    assert (clock.offset, clock.jumps) == (3600 * S, 1)
    assert sum(run.count for run in smooth.take()) == 40
