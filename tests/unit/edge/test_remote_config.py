"""Remote configuration: refused, tried, kept or given up, also over restarts of the agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config_file import LOCAL, ConfigFolder, Good, Trial
from edge.devices import DeviceSetup
from edge.drivers.simulated import SimulatedDriver
from edge.outputs import Result
from edge.remote_config import CONFIRM_US, SETTLE_US, ConfigRefusedError, Plan, RemoteConfig

SECOND = 1_000_000


def plan_of(document: str) -> Plan:
    """A document of these tests is the names of its devices."""
    if "bad" in document:
        raise ConfigRefusedError("config-value", "edge.device[0].port: a port is 1 to 65535")
    names = document.split() or ["local"]
    return Plan([DeviceSetup(name, "portal", SimulatedDriver, config=name) for name in names])


class Machine:
    """An agent's disk and its devices: those `away` do not work, those `broken` never will."""

    def __init__(self, folder: Path) -> None:
        self.folder = ConfigFolder(folder)
        self.at = 0
        self.away: set[str] = set()
        self.broken: set[str] = set()
        self.answers: list[Result] = []
        self.uses = 0
        self.start()

    def start(self) -> None:
        """A new process on the same disk."""
        self.config = RemoteConfig(self.folder, read=plan_of)
        self.running = [device.name for device in self.config.first_plan().devices]

    async def use(self, plan: Plan) -> frozenset[str]:
        self.uses += 1
        before, self.running = self.running, [device.name for device in plan.devices]
        return frozenset(self.running) - frozenset(before)

    def live(self, at: int) -> frozenset[str]:
        return frozenset(self.running) - self.away - self.broken

    def why_not(self, names: frozenset[str], at: int) -> tuple[str, bool]:
        ill = sorted(names - self.live(at))
        return (f"{ill[0]} is stale", ill[0] in self.broken) if ill else ("", False)

    async def passes(self, seconds: int) -> None:
        for _ in range(4 * seconds):
            self.at += SECOND // 4
            await self.config.step(self.at, self)

    async def offer(self, version: int, document: str, *, seconds: int = 5) -> None:
        self.config.offer(version, document, self.answers.append)
        await self.passes(seconds)

    def told(self) -> tuple[int, int, str]:
        said = self.config.report()
        return int(said["config_version"]), int(said["config_offered"]), str(said["config_state"])


async def test_a_document_whose_devices_work_is_kept_over_restarts(tmp_path: Path) -> None:
    box = Machine(tmp_path / "config")
    assert (box.told(), box.running) == ((0, 0, "local"), ["local"])

    box.config.offer(7, "r1 r2", box.answers.append)
    await box.passes(1)
    assert (box.told(), box.answers) == ((7, 7, "trial"), [])
    await box.passes(SETTLE_US // SECOND)
    assert (box.told(), box.answers) == ((7, 7, "applied"), ["done"])
    assert "config_error" not in box.config.report()

    box.start()
    assert (box.told(), box.running) == ((7, 7, "applied"), ["r1", "r2"])


async def test_the_version_that_runs_is_done_at_once_and_changes_nothing(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    await box.offer(7, "r1")
    uses = box.uses
    await box.offer(7, "r1")
    assert (box.answers, box.uses) == (["done", "done"], uses)


async def test_a_document_that_cannot_be_taken_is_refused_with_its_code(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    uses = box.uses

    await box.offer(7, "bad")

    assert (box.told(), box.running, box.uses) == ((6, 7, "refused"), ["r1"], uses)
    assert box.config.report()["config_error"].startswith("config-value: edge.device[0].port")  # type: ignore[union-attr]
    assert box.answers == ["done", "refused"]
    box.start()
    assert (box.told(), box.running) == ((6, 7, "refused"), ["r1"])


async def test_devices_that_do_not_come_up_in_time_bring_the_last_good_back(
    tmp_path: Path,
) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    box.away = {"r2"}

    await box.offer(7, "r1 r2", seconds=CONFIRM_US // SECOND - 1)
    assert (box.told(), box.running) == ((7, 7, "trial"), ["r1", "r2"])
    await box.passes(2)

    assert (box.told(), box.running) == ((6, 7, "fallback"), ["r1"])
    assert box.config.report()["config_error"] == "config-not-live: r2 is stale"
    assert box.answers == ["done", "refused"]
    box.start()
    assert (box.told(), box.running) == ((6, 7, "fallback"), ["r1"])


async def test_a_fault_for_good_is_not_waited_for(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    box.broken = {"r2"}
    await box.offer(7, "r2", seconds=1)
    assert (box.told(), box.running) == ((0, 7, "fallback"), ["local"])


async def test_a_device_that_was_away_before_is_not_held_against_a_document(
    tmp_path: Path,
) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1 r2")
    box.away = {"r1"}
    await box.offer(7, "r1 r2 r3")
    assert box.told() == (7, 7, "applied")


async def test_a_device_that_the_document_pulls_down_brings_the_last_good_back(
    tmp_path: Path,
) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1 r2")
    box.config.offer(7, "r1 r2 r3", box.answers.append)
    await box.passes(1)
    box.away = {"r1"}
    await box.passes(CONFIRM_US // SECOND + 1)
    assert box.told() == (6, 7, "fallback")


async def test_a_device_that_flaps_does_not_confirm(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    box.config.offer(7, "r1", box.answers.append)
    for _ in range(10):
        box.away = set()
        await box.passes(2)
        box.away = {"r1"}
        await box.passes(1)
    assert box.told() == (7, 7, "trial")


async def test_a_newer_document_waits_for_the_trial_and_replaces_one_that_waits(
    tmp_path: Path,
) -> None:
    box = Machine(tmp_path)
    box.away = {"r1"}
    await box.offer(7, "r1", seconds=1)
    await box.offer(8, "r2", seconds=1)
    await box.offer(9, "r3", seconds=1)
    await box.offer(9, "r3", seconds=1)
    assert box.answers == ["refused"]
    await box.passes(CONFIRM_US // SECOND + 5)
    assert box.answers == ["refused", "refused", "done", "done"]
    assert (box.told(), box.running) == ((9, 9, "applied"), ["r3"])


async def test_a_trial_cut_short_is_tried_once_more_and_then_confirmed(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    await box.offer(7, "r2", seconds=1)
    box.start()
    assert box.running == ["r2"]
    await box.passes(5)
    assert (box.told(), box.folder.trial()) == ((7, 7, "applied"), None)


async def test_a_document_that_stops_the_agent_twice_is_given_up(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    await box.offer(7, "r2", seconds=1)
    box.start()
    assert box.running == ["r2"]
    box.start()
    assert (box.told(), box.running) == ((6, 7, "fallback"), ["r1"])
    assert str(box.config.report()["config_error"]).startswith("config-stopped")


async def test_a_good_document_whose_files_have_gone_gives_way_to_the_local_file(
    tmp_path: Path,
) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    box.folder.confirm(6, "bad now")
    box.start()
    assert (box.told(), box.running) == ((0, 6, "fallback"), ["local"])


async def test_empty_text_is_the_local_file_again(tmp_path: Path) -> None:
    box = Machine(tmp_path)
    await box.offer(6, "r1")
    await box.offer(7, "")
    assert (box.told(), box.running) == ((7, 7, "applied"), ["local"])


@pytest.mark.parametrize("text", [b"", b"{", b'{"version": "x"}', b"\xff"])
def test_a_broken_file_is_put_aside_and_counts_as_absent(tmp_path: Path, text: bytes) -> None:
    folder = ConfigFolder(tmp_path)
    folder.confirm(6, "r1")
    folder.begin(7, "r2", attempts=1)
    assert (folder.good(), folder.trial()) == (Good(6, "r1"), Trial(7, "r2", 1))
    (tmp_path / "good.json").write_bytes(text)
    (tmp_path / "good.json.new").write_bytes(b"half a wri")
    assert folder.good() == LOCAL
    assert (tmp_path / "good.broken").read_bytes() == text
