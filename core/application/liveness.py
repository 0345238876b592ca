"""Watching for silence: alarms that should stand are raised, those that should not are cleared.

The worker watches agents, devices and gateways; the API watches the worker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.domain.liveness import (
    AGENT,
    DEVICE_DEAD,
    DEVICE_STALE,
    KINDS,
    STREAM,
    Memory,
    Trouble,
    judge,
)
from core.domain.reader_health import CONFIG, DEVICE_HEALTH

WORKER, RELAY, BROKER = "worker.silent", "relay.behind", "broker.unreachable"
WORKER_SILENT_US = 6_000_000
RELAY_BEHIND_US = 8_000_000
_OF_AGENTS = (AGENT, DEVICE_DEAD, DEVICE_STALE, STREAM, *DEVICE_HEALTH, CONFIG)


async def watch_site(uow: UnitOfWork, memory: Memory, *, now: int, mono: int, ids: Ids) -> Memory:
    """One look at agents, devices and cells; returns what to remember for the next one."""
    agents = await uow.liveness.agents()
    judged = judge(agents, await uow.liveness.cells(), memory, now=now, mono=mono)
    await uow.liveness.turn_devices(judged.devices, now=now)
    before = await uow.liveness.standing(KINDS)
    held = {
        (kind, subject)
        for kind, subject in before
        if kind in _OF_AGENTS and subject.split("/")[1] in judged.unsure
    }
    await reconcile(uow, KINDS, judged.troubles, keep=held, now=now, ids=ids)
    after = {(t.kind, t.subject) for t in judged.troubles} | held
    await _tell_devices(uow, before, after, now=now)
    return judged.memory


async def reconcile(
    uow: UnitOfWork,
    kinds: Collection[str],
    troubles: Iterable[Trouble],
    *,
    keep: Collection[tuple[str, str]] = (),
    now: int,
    ids: Ids,
) -> None:
    """Make the open exceptions of these kinds exactly `troubles`, and leave `keep` as it is."""
    standing = await uow.liveness.standing(tuple(kinds))
    wanted = {(trouble.kind, trouble.subject): trouble for trouble in troubles}
    for place in sorted(standing - wanted.keys() - set(keep)):
        await uow.watch.clear_alarm(*place, now=now)
    for place in sorted(wanted.keys() - standing):
        trouble = wanted[place]
        await uow.watch.raise_alarm(
            Alarm(
                kind=trouble.kind,
                subject=trouble.subject,
                message=trouble.message,
                severity=trouble.severity,
            ),
            exception_id=ids(),
            now=now,
        )


async def _tell_devices(
    uow: UnitOfWork, before: set[tuple[str, str]], after: set[tuple[str, str]], *, now: int
) -> None:
    """device.stale, device.dead and device.recovered for the outside."""
    devices = (DEVICE_STALE, DEVICE_DEAD)
    told = [(kind, subject) for kind, subject in after - before if kind in devices]
    still = {subject for kind, subject in after if kind in devices}
    gone = {s for kind, s in before - after if kind in devices and s not in still}
    told += [("device.recovered", subject) for subject in gone]
    for event, subject in sorted(told):
        _, agent, device = subject.split("/")
        await uow.emit(
            event,
            aggregate=f"device:{agent}/{device}",
            owner=None,
            payload={"agent": agent, "device": device, "state": event.partition(".")[2]},
            occurred_at=now,
        )


async def watch_worker(uow: UnitOfWork, *, sink: str, now: int, ids: Ids) -> None:
    """Seen from the API: the relay shows no life, or rows wait too long."""
    shown = await uow.outbox.sign_of_life(sink)
    waiting, oldest = await uow.outbox.waiting(sink)
    troubles = []
    if shown is not None and now - shown > WORKER_SILENT_US:
        text = "The worker shows no life: nothing is released, relayed or watched."
        troubles.append(Trouble(WORKER, "worker", text, "critical"))
    if waiting and oldest is not None and now - oldest > RELAY_BEHIND_US:
        text = "Events wait for the relay; webhooks and positions are late."
        troubles.append(Trouble(RELAY, f"sink/{sink}", text))
    await reconcile(uow, (WORKER, RELAY), troubles, now=now, ids=ids)
