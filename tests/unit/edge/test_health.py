"""Reader health: each alarm comes, goes by itself, and stays away where silence is no fault."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from contracts.v1 import DeviceState, DeviceStatus, Observation
from edge.device_clock import DeviceClock
from edge.drivers.port import DriverNotice
from edge.health import DeviceHealth, HealthPlan

SECOND = 1_000_000
UTC = 1_795_000_000_000_000


def epc(number: int) -> str:
    return f"{number:024X}"


def run_of(
    tag: int, *, antenna: int = 1, at: int, count: int = 5, dbm: float = -60.0
) -> Observation:
    return Observation(
        epc(tag), "r", antenna, dbm, UTC + at, count=count, last_at=UTC + at, rssi_mean_dbm=dbm
    )


class Reader:
    """A device under watch, driven second by second."""

    def __init__(self, plan: HealthPlan | None = None) -> None:
        self.clock = DeviceClock()
        self.health = DeviceHealth(plan or HealthPlan(antennas=(1, 2, 3, 4)), clock=self.clock)
        self.at = 0
        self.next_tag = 1_000

    def look(self, state: DeviceState = "live") -> DeviceStatus:
        return self.health.status("r", state, self.at)

    def alarms(self, state: DeviceState = "live") -> list[str]:
        found = self.look(state).alarms
        return [] if found is UNSET else list(found)

    def hears(self, tags: Iterable[int], antennas: Iterable[int] = (1,), *, count: int = 5) -> None:
        ports = list(antennas)
        reads = [run_of(tag, antenna=a, at=self.at, count=count) for tag in tags for a in ports]
        self.health.heard(reads, self.at)

    def load(self, antennas: Iterable[int], *, tags: int = 20) -> None:
        """A load of new tags passes, heard by these antennas, and the door is idle for 90 s."""
        self.next_tag += tags
        self.hears(range(self.next_tag - tags, self.next_tag), antennas)
        self.passes(90)

    def passes(self, seconds: int, *, tags: Iterable[int] = (), count: int = 5) -> list[str]:
        """Look every 5 s; each second these tags are heard. Every alarm that stood meanwhile."""
        stood: list[str] = []
        steady = list(tags)
        for second in range(seconds):
            self.at += SECOND
            if steady:
                self.hears(steady, count=count)
            if second % 5 == 4:
                stood += self.alarms()
        return stood

    def notice(self, what: str, antenna: int | None = None) -> None:
        self.health.notice(DriverNotice(what, UTC + self.at, "", antenna), self.at)

    def states(self) -> dict[int, str]:
        antennas = self.look().antennas
        assert antennas is not UNSET
        return {one.antenna: one.state for one in antennas}


def test_the_silence_of_a_portal_is_no_fault() -> None:
    dock = Reader()
    for _ in range(10):
        dock.load((1, 2, 3, 4))
    assert dock.passes(8 * 3_600) == []
    assert dock.states() == dict.fromkeys((1, 2, 3, 4), "ok")


def test_a_device_that_never_reads_has_no_alarm() -> None:
    scanner = Reader(HealthPlan())
    assert scanner.passes(3_600) == []
    assert scanner.look() == DeviceStatus("r", "live")


def test_the_last_minute_of_each_antenna_is_counted() -> None:
    dock = Reader(HealthPlan(antennas=(1, 2)))
    dock.health.heard(
        [run_of(1, at=0, count=9, dbm=-70.0), run_of(2, at=0, count=1, dbm=-60.0)], dock.at
    )
    told = dock.look().antennas
    assert told is not UNSET
    one, two = told
    assert (one.reads, one.tags, one.rssi_mean_dbm, one.last_read_at) == (10, 2, -69.0, UTC)
    assert (two.reads, two.tags, two.rssi_mean_dbm, two.last_read_at) == (0, 0, UNSET, UNSET)
    dock.passes(75)
    told = dock.look().antennas
    assert told is not UNSET
    assert (told[0].reads, told[0].tags, told[0].last_read_at) == (0, 0, UTC)


def test_an_antenna_the_reader_gives_up_is_a_fault_until_it_is_back() -> None:
    dock = Reader()
    dock.notice("antenna_fault", 3)
    assert dock.alarms() == ["antenna_fault"]
    assert dock.states()[3] == "fault"
    dock.notice("antenna_restored", 3)
    assert dock.alarms() == []
    dock.notice("antenna_fault", 3)
    dock.notice("connected")
    assert dock.alarms() == ["antenna_fault"]
    dock.hears([1], (3,))
    assert dock.alarms() == []


def test_an_antenna_that_misses_what_its_neighbour_hears_is_silent() -> None:
    dock = Reader()
    for _ in range(6):
        dock.load((1, 2, 3, 4))
    assert dock.alarms() == []
    for _ in range(4):
        dock.load((1, 3, 4))
    assert dock.alarms() == ["antenna_silent"]
    assert dock.states() == {1: "ok", 2: "silent", 3: "ok", 4: "ok"}
    dock.load((1, 2, 3, 4))
    assert dock.alarms() == []


def test_goods_staged_on_one_side_do_not_make_the_other_side_silent() -> None:
    dock = Reader(HealthPlan(antennas=(1, 2)))
    for _ in range(3):
        dock.load((1, 2))
        dock.load((1,))
    for _ in range(12):
        dock.load((1,))
        assert dock.alarms() == []


def test_standing_goods_are_compared_once_however_long_they_stand() -> None:
    dock = Reader(HealthPlan(antennas=(1, 2)))
    for _ in range(6):
        dock.load((1, 2))
    assert dock.passes(900, tags=range(30)) == []


def test_a_shelf_reader_that_hears_a_fifth_of_the_usual_has_collapsed() -> None:
    shelf = Reader(HealthPlan(antennas=(1,), steady=True))
    assert shelf.passes(600, tags=range(20)) == []
    stood = shelf.passes(90, tags=[0], count=10)
    assert stood.count("rate_collapse") == len(stood) > 0
    shelf.passes(60, tags=range(20))
    assert shelf.alarms() == []


def test_a_lower_rate_that_lasts_becomes_the_usual_one() -> None:
    shelf = Reader(HealthPlan(antennas=(1,), steady=True))
    shelf.passes(600, tags=range(20))
    shelf.passes(120, tags=[0], count=10)
    assert shelf.alarms() == ["rate_collapse"]
    shelf.passes(3_700, tags=[0], count=10)
    assert shelf.alarms() == []


def test_a_reader_that_was_away_starts_its_rate_anew() -> None:
    shelf = Reader(HealthPlan(antennas=(1,), steady=True))
    shelf.passes(600, tags=range(20))
    shelf.at += 60 * SECOND
    assert shelf.alarms("stale") == []
    assert shelf.passes(120, tags=[0], count=10) == []


def test_a_reference_tag_must_be_heard_in_its_time() -> None:
    plan = HealthPlan(antennas=(1,), references={epc(7): 30 * SECOND, epc(8): 30 * SECOND})
    shelf = Reader(plan)
    assert shelf.passes(30, tags=[7]) == []
    shelf.passes(10, tags=[7])
    told = shelf.look()
    assert (told.alarms, told.missing) == (["reference_missing"], [epc(8)])
    shelf.hears([8])
    assert shelf.look().missing is UNSET


def test_a_device_that_is_away_misses_no_reference_tag() -> None:
    shelf = Reader(HealthPlan(references={epc(7): 30 * SECOND}))
    shelf.passes(10, tags=[7])
    shelf.at += 600 * SECOND
    assert shelf.alarms("dead") == []
    assert shelf.alarms("live") == []
    shelf.at += 31 * SECOND
    assert shelf.alarms("live") == ["reference_missing"]


def test_overflows_are_counted_and_shown_for_five_minutes() -> None:
    dock = Reader()
    dock.notice("overflow")
    dock.notice("overflow")
    assert (dock.alarms(), dock.look().overflows) == (["overflow"], 2)
    dock.at += 300 * SECOND
    assert (dock.alarms(), dock.look().overflows) == ([], 2)


def test_a_clock_more_than_a_second_off_is_told_with_its_sign() -> None:
    dock = Reader()
    dock.clock.sample(UTC + 5 * SECOND, UTC, 0)
    told = dock.look()
    assert (told.alarms, told.clock_skew_ms) == (["skew"], 5_000.0)
    dock.clock.restart(UTC - 400_000, UTC, 0)
    told = dock.look()
    assert (told.alarms, told.clock_jumps) == (UNSET, 1)


def test_an_unset_reader_clock_is_told_until_the_reader_comes_back_set() -> None:
    dock = Reader()
    dock.notice("skew")
    assert dock.alarms() == ["skew"]
    dock.notice("connected")
    assert dock.alarms() == []
