"""Who is silent: agents, devices, gateways, streams. Silence is never good news, and never zero.

Pure: facts and a monotonic clock go in, the alarms that should stand come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from core.domain.reader_health import CONFIG, DEVICE_HEALTH, config_alarm, health_alarms

SECOND_US: Final = 1_000_000
# Agents tell their status every 5 s, a cell's holder beats every second or faster.
AGENT_SILENT_US: Final = 8 * SECOND_US
DEVICE_DEAD_US: Final = 15 * SECOND_US
GATEWAY_SILENT_US: Final = 5 * SECOND_US
STREAM_STALLED_US: Final = 8 * SECOND_US
# After a gateway is back (or this watch began) agents have this long to show themselves.
GRACE_US: Final = 10 * SECOND_US

AGENT, DEVICE_STALE, DEVICE_DEAD = "agent.silent", "device.stale", "device.dead"
GATEWAY, STREAM = "gateway.silent", "stream.stalled"
KINDS: Final = (
    *(AGENT, DEVICE_STALE, DEVICE_DEAD, GATEWAY, STREAM),
    *(*DEVICE_HEALTH, CONFIG),
)


@dataclass(frozen=True, slots=True)
class AgentFact:
    """What the database holds of one registered agent that has spoken."""

    agent: str
    cell: str
    state: str
    boot: int
    seq: int
    received_at: int
    cursor: int | None
    devices: Mapping[str, str]
    health: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    config: tuple[str | None, int | None, str | None] = (None, None, None)
    """State of the last configuration offered, its version, and the agent's reason."""


@dataclass(frozen=True, slots=True)
class CellFact:
    """The beats of a cell's holder."""

    cell: str
    epoch: int
    beats: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What stood still since when, by the watcher's monotonic clock."""

    began: int
    beats: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    back: Mapping[str, int] = field(default_factory=dict)
    cursors: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An alarm that should stand."""

    kind: str
    subject: str
    message: str
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class Judged:
    """Alarms that should stand, subjects nobody can judge now, devices by their new state."""

    troubles: tuple[Trouble, ...]
    unsure: frozenset[str]
    devices: Mapping[tuple[str, str], str]
    memory: Memory


def judge(
    agents: Sequence[AgentFact],
    cells: Sequence[CellFact],
    memory: Memory,
    *,
    now: int,
    mono: int,
) -> Judged:
    """`now` is compared with times of the ledger, `mono` with the memory."""
    memory, silent = _beats(cells, memory, mono)
    memory = _cursors(agents, memory, mono)
    troubles = [
        Trouble(GATEWAY, f"cell/{cell}", "No gateway works on this cell.", "critical")
        for cell in sorted(silent)
    ]
    unsure: set[str] = set()
    devices: dict[tuple[str, str], str] = {}
    for fact in agents:
        found = _agent(fact, memory, silent=fact.cell in silent, now=now, mono=mono)
        if found is None:
            unsure.add(fact.agent)
            continue
        told, turned = found
        troubles += told
        devices |= turned
    return Judged(tuple(troubles), frozenset(unsure), devices, memory)


def _beats(cells: Sequence[CellFact], memory: Memory, mono: int) -> tuple[Memory, frozenset[str]]:
    beats, back, silent = dict(memory.beats), dict(memory.back), set()
    for cell in cells:
        seen = beats.get(cell.cell)
        if seen is None or seen[:2] != (cell.epoch, cell.beats):
            stood = 0 if seen is None else mono - seen[2]
            if seen is not None and (seen[0] != cell.epoch or stood >= GATEWAY_SILENT_US):
                back[cell.cell] = mono
            beats[cell.cell] = (cell.epoch, cell.beats, mono)
        elif mono - seen[2] >= GATEWAY_SILENT_US:
            silent.add(cell.cell)
    return replace(memory, beats=beats, back=back), frozenset(silent)


def _cursors(agents: Sequence[AgentFact], memory: Memory, mono: int) -> Memory:
    """How long each stream's cursor has stood still while its agent has more."""
    cursors: dict[str, tuple[int, int, int]] = {}
    for fact in agents:
        place = fact.cursor or 0
        seen = memory.cursors.get(fact.agent)
        still = seen is not None and seen[:2] == (fact.boot, place) and fact.seq > place
        cursors[fact.agent] = seen if still and seen is not None else (fact.boot, place, mono)
    return replace(memory, cursors=cursors)


def _agent(
    fact: AgentFact, memory: Memory, *, silent: bool, now: int, mono: int
) -> tuple[list[Trouble], dict[tuple[str, str], str]] | None:
    """Troubles and device states of one agent; None while nothing can be said."""
    age = now - fact.received_at
    quiet = fact.state == "offline" or age > AGENT_SILENT_US
    since = max(memory.began, memory.back.get(fact.cell, memory.began))
    if quiet and (silent or mono - since < GRACE_US):
        return None
    troubles: list[Trouble] = []
    if quiet:
        word = "said good-bye or lost its connection" if fact.state == "offline" else "is silent"
        troubles.append(Trouble(AGENT, f"agent/{fact.agent}", f"The agent {word}.", "critical"))
    elif mono - memory.cursors[fact.agent][2] >= STREAM_STALLED_US:
        text = "The agent has readings that do not reach the ledger: its cursor stands still."
        troubles.append(Trouble(STREAM, f"agent/{fact.agent}", text))
    turned: dict[tuple[str, str], str] = {}
    for device, state in sorted(fact.devices.items()):
        known = _device_state(state, quiet=quiet, age=age)
        if known != state:
            turned[(fact.agent, device)] = known
        if known != "live":
            troubles.append(_device(fact.agent, device, known))
            continue
        subject = f"device/{fact.agent}/{device}"
        health = fact.health.get(device, {})
        troubles += [Trouble(kind, subject, text) for kind, text in health_alarms(health)]
    if not quiet and (said := config_alarm(*fact.config)) is not None:
        troubles.append(Trouble(said[0], f"agent/{fact.agent}", said[1]))
    return troubles, turned


def _device_state(state: str, *, quiet: bool, age: int) -> str:
    """A silent agent's devices are stale, after 15 s dead: nobody hears them."""
    if not quiet:
        return state
    if age > DEVICE_DEAD_US and state != "live":
        return "dead"
    return "stale" if state == "live" else state


def _device(agent: str, device: str, state: str) -> Trouble:
    subject = f"device/{agent}/{device}"
    if state == "dead":
        return Trouble(DEVICE_DEAD, subject, "The device is dead: nothing is read.", "critical")
    return Trouble(DEVICE_STALE, subject, "The device does not answer as it should.")
