"""Commands: what reaches the device's outputs, and the answers in the stream."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET, UnsetType

from contracts.v1 import Colour, Command, SensorReading
from edge.commands import CommandDesk, Station
from edge.drivers.simulated import SimulatedDriver
from edge.outputs import Outputs, Result

LIGHT: dict[Colour, int] = {"green": 1, "amber": 2, "red": 3}
MS = 1_000


class Desk:
    """A desk over one simulated device."""

    def __init__(self) -> None:
        self.at = 0
        self.log: list[tuple[int, bool]] = []
        self.driver = SimulatedDriver(on_output=lambda port, state: self.log.append((port, state)))
        self.outputs = Outputs(device="dock-1-r", light=LIGHT, mono_us=lambda: self.at)
        self.answers: list[tuple[str, str]] = []
        self.plain = Outputs(device="plain", light={}, mono_us=lambda: self.at)
        self.offers: list[tuple[int, str, Callable[[Result], None]]] = []
        self.replays: list[tuple[int, Callable[[Result], None]]] = []
        self.desk = CommandDesk(
            stations={"dock-1-r": Station(self.outputs, {7: 4})},
            answer=self._answered,
            replay=lambda seq, done: self.replays.append((seq, done)),
            now_us=lambda: 1_795_000_000_000_000,
            configure=lambda version, document, done: self.offers.append((version, document, done)),
        )

    def _answered(self, reading: SensorReading) -> None:
        self.answers.append((str(reading.id), str(reading.state)))

    async def connect(self) -> None:
        await self.driver.connect()
        self.outputs.attach(self.driver)
        await self.outputs.step(self.at)
        self.log.clear()

    async def give(self, command: Command) -> None:
        self.desk.on_command(command, self.at)
        await self.outputs.step(self.at)

    async def wait_until(self, at: int) -> None:
        self.at = at
        self.desk.step(at)
        await self.outputs.step(at)


def command(
    action: str,
    *,
    id: str = "c1",
    device: str | None = "dock-1-r",
    ttl_ms: int = 1_500,
    colour: Colour | UnsetType = UNSET,
    port: int | UnsetType = UNSET,
    state: bool | UnsetType = UNSET,
    lane: int | UnsetType = UNSET,
    from_seq: int | UnsetType = UNSET,
    document: str | UnsetType = UNSET,
    version: int | UnsetType = UNSET,
) -> Command:
    return Command(
        schema="command.v1",
        site="demo",
        agent="dock-1",
        boot=1,
        seq=0,
        sent_at=0,
        id=id,
        device=device,
        ttl_ms=ttl_ms,
        action=action,  # type: ignore[arg-type]
        colour=colour,
        port=port,
        state=state,
        lane=lane,
        from_seq=from_seq,
        document=document,
        version=version,
    )


async def test_a_device_that_comes_up_shows_amber() -> None:
    desk = Desk()
    await desk.driver.connect()
    desk.outputs.attach(desk.driver)
    await desk.outputs.step(0)

    assert desk.driver.outputs == {1: False, 2: True, 3: False}


async def test_green_is_lit_first_and_falls_back_to_amber_by_itself() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("light", colour="green"))
    assert desk.log == [(1, True), (2, False)]

    desk.log.clear()
    await desk.wait_until(1_499 * MS)
    assert desk.log == []
    await desk.wait_until(1_500 * MS)
    assert desk.log == [(2, True), (1, False)]
    assert desk.answers == []


async def test_a_lease_repeated_switches_nothing_twice() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("light", colour="red"))
    await desk.give(command("light", colour="red"))

    assert desk.log == [(3, True), (2, False)]


async def test_a_light_for_the_agent_reaches_every_device_that_has_one() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("light", device=None, colour="red"))

    assert desk.driver.outputs == {1: False, 2: False, 3: True}


async def test_gpo_is_done_once_and_answered() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("gpo", port=4, state=True))
    await desk.give(command("gpo", port=4, state=True))

    assert desk.log == [(4, True)]
    assert desk.answers == [("c1", "done")]


async def test_a_port_that_does_not_exist_is_refused() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("gpo", port=9, state=True))

    assert desk.log == []
    assert desk.answers == [("c1", "refused")]


async def test_an_order_for_a_device_that_is_away_expires() -> None:
    desk = Desk()
    await desk.give(command("gpo", port=4, state=True, ttl_ms=1_000))
    await desk.wait_until(1_000 * MS)
    await desk.connect()

    assert desk.answers == [("c1", "expired")]
    assert 4 not in desk.driver.outputs


async def test_a_diverter_is_held_and_let_go() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("divert", lane=7))
    await desk.wait_until(1_499 * MS)
    assert desk.log == [(4, True)]

    await desk.wait_until(1_500 * MS)
    assert desk.log == [(4, True), (4, False)]
    assert desk.answers == [("c1", "done")]


async def test_an_unknown_lane_a_document_and_an_unknown_device_are_refused() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("divert", id="a", lane=8))
    await desk.give(command("configure", id="b", device=None))
    await desk.give(command("gpo", id="c", device="elsewhere", port=1, state=True))

    assert desk.log == []
    assert desk.answers == [("a", "refused"), ("b", "refused"), ("c", "refused")]


async def test_a_document_is_handed_on_with_its_version_and_answered_when_it_is_settled() -> None:
    desk = Desk()
    await desk.give(command("configure", id="a", device=None, document="r1"))
    await desk.give(command("configure", id="b", device=None, document="r1", version=7))
    assert desk.answers == [("a", "refused")]
    (version, document, done), *rest = desk.offers
    assert (version, document, rest) == (7, "r1", [])
    desk.desk.use({})
    done("done")
    assert desk.answers == [("a", "refused")]
    desk.desk.use({"r1": Station(desk.outputs, {})})
    done("done")
    assert desk.answers[1:] == [("b", "done")]


async def test_a_light_that_stays_keeps_its_lease_when_the_devices_change() -> None:
    desk = Desk()
    await desk.connect()
    await desk.give(command("light", colour="red", ttl_ms=1_500))
    desk.desk.use({"dock-1-r": Station(desk.outputs, {}), "plain": Station(desk.plain, {})})
    await desk.wait_until(1_000 * MS)
    assert desk.driver.outputs[3]
    await desk.wait_until(1_600 * MS)
    assert not desk.driver.outputs[3]


async def test_resend_is_answered_when_the_rows_have_gone_out() -> None:
    desk = Desk()
    await desk.give(command("resend", device=None, from_seq=17))
    assert desk.answers == []

    seq, done = desk.replays[0]
    done("done")
    assert seq == 17
    assert desk.answers == [("c1", "done")]


async def test_a_device_lost_while_switching_shows_amber_when_it_is_back() -> None:
    desk = Desk()
    await desk.connect()
    await desk.driver.close()
    await desk.give(command("light", colour="green"))
    assert desk.log == []

    desk.at = 3_000 * MS
    desk.desk.step(desk.at)
    await desk.driver.connect()
    desk.outputs.attach(desk.driver)
    await desk.outputs.step(desk.at)
    assert desk.driver.outputs == {1: False, 2: True, 3: False}
