"""The edge role: settings to drivers, spool, bus and agent. Composition only; no server package."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

from contracts.bus import BusUnavailableError
from contracts.v1 import Colour
from edge.agent import Agent
from edge.batching import Batcher
from edge.config_file import ConfigFolder
from edge.devices import DeviceSetup
from edge.drivers.port import Driver
from edge.failpoints import kill_at
from edge.first_boot import learn_boot
from edge.health import HealthPlan
from edge.remote_config import ConfigRefusedError, Plan, RemoteConfig
from edge.ring_segments import Bounds
from edge.ring_start import open_ring, ring_folder
from edge.spool import Offload, Spool
from edge.spool_boot import known_boot
from edge.spool_boot import recover as move_aside
from edge.spool_file import open_spool
from edge.status import Identity, will_message
from runtime import settings as settings_of
from runtime.clock import monotonic_us, now_us
from runtime.mqtt import MqttBus, Will
from runtime.mqtt_devices import mqtt_driver
from runtime.mqtt_options import options_from
from runtime.point_devices import point_driver
from runtime.settings_errors import ConfigError
from runtime.settings_tree import Device, Edge, Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

# Without a lane plan of its own a device's lane n is its output n.
LANES = range(1, 5)


def recover(settings: Settings) -> None:
    """Move a broken spool aside; the next start takes a new boot."""
    aside = move_aside(_edge(settings).spool.path)
    log.warning("spool_moved_aside", extra={"file": aside.name if aside else None})


def _edge(settings: Settings) -> Edge:
    if settings.edge is None:
        raise ValueError("the edge role needs the table edge")
    return settings.edge


def build_driver(device: Device, settings: Settings) -> Callable[[], Driver]:
    """The driver a device names; its module is loaded only now."""
    if device.driver == "trace":
        trace = importlib.import_module("edge.drivers.trace")
        plan = trace.TraceConfig(path=device.path, speed=device.speed)
        return lambda: trace.TraceDriver(plan, now_us=now_us)
    if (found := point_driver(device, settings, agent=_edge(settings).agent)) is not None:
        return found
    if device.driver != "llrp":
        return mqtt_driver(device, settings, agent=_edge(settings).agent)
    llrp = importlib.import_module("edge.drivers.llrp")
    config = llrp.LlrpConfig(
        host=device.host,
        port=device.port,
        antennas=tuple(llrp.LlrpAntenna(a.port, a.power_dbm) for a in device.antennas),
    )
    return lambda: llrp.LlrpDriver(config, now_us=now_us)


def device_setup(device: Device, settings: Settings, *, linger_ms: int) -> DeviceSetup:
    """A device as the agent wants it."""
    light: dict[Colour, int] = {}
    if device.light is not None:
        lamps: dict[Colour, int | None] = {
            "green": device.light.green,
            "amber": device.light.amber,
            "red": device.light.red,
        }
        light = {colour: port for colour, port in lamps.items() if port is not None}
    return DeviceSetup(
        name=device.name,
        kind=device.kind,
        build=build_driver(device, settings),
        linger_us=1000 * (linger_ms if device.linger_ms is None else device.linger_ms),
        light=light,
        divert={lane: lane for lane in LANES if lane not in light.values()},
        health=_health_plan(device),
        config=(device, linger_ms),
    )


def _health_plan(device: Device) -> HealthPlan:
    steady = device.health.steady
    return HealthPlan(
        antennas=tuple(antenna.port for antenna in device.antennas),
        references={tag.epc.upper(): tag.every_s * 1_000_000 for tag in device.references},
        steady=device.kind == "zone" if steady is None else steady,
        skew_us=device.health.skew_ms * 1000,
    )


def build_bus(settings: Settings, identity: Identity, *, boot: int) -> MqttBus:
    """The connection of an agent, with its last will."""
    will = Will(*will_message(identity, boot=boot, sent_at=now_us()))
    return MqttBus(options_from(settings.mqtt, client_id=identity.agent, will=will))


def thread_of_its_own(pool: ThreadPoolExecutor) -> Offload:
    """Blocking work in one thread, in order."""
    loop = asyncio.get_running_loop()

    def offload(work: Callable[[], T], /) -> Awaitable[T]:
        return loop.run_in_executor(pool, work)

    return offload


def read_config(settings: Settings) -> Callable[[str], Plan]:
    """How a document that was sent is read: as the local file, over which it is laid."""

    def read(document: str) -> Plan:
        if not document:
            return _plan(settings)
        try:
            return _plan(settings_of.load_sent(settings, document))
        except ConfigError as refusal:
            where = f"line {refusal.line}, {refusal.key}: " if refusal.key else ""
            raise ConfigRefusedError(refusal.code, f"{where}{refusal.advice}") from None
        except ImportError as missing:
            text = f"this agent was installed without {missing.name}"
            raise ConfigRefusedError("config-driver-missing", text) from None

    return read


def _plan(settings: Settings) -> Plan:
    edge = _edge(settings)
    linger_ms = edge.batch.linger_ms
    setups = [device_setup(device, settings, linger_ms=linger_ms) for device in edge.devices]
    return Plan(setups, edge.batch.max_readings)


def _remote(settings: Settings) -> RemoteConfig | None:
    """What was sent, unless the settings come from no file."""
    if settings.file is None:
        return None
    folder = settings.home / "edge" / _edge(settings).agent / "config"
    return RemoteConfig(ConfigFolder(folder), read=read_config(settings))


def ring_bounds(edge: Edge) -> Bounds:
    """How much of the raw past this agent keeps."""
    return Bounds(edge.ring.max_bytes, edge.ring.max_age_h * 3_600_000_000)


Watch = Callable[[Agent, Spool], Awaitable[None]]


async def run(
    settings: Settings, *, devices: Sequence[DeviceSetup] | None = None, watch: Watch | None = None
) -> None:
    """Run one agent until cancelled, or until `watch` returns; then what is in memory goes into
    the spool. `devices` stand in for those of the settings (a replay): then nothing is sent."""
    edge = _edge(settings)
    remote = _remote(settings) if devices is None else None
    plan = Plan(devices) if devices is not None else None
    if plan is None:
        plan = _plan(settings) if remote is None else remote.first_plan()
    identity = Identity(settings.site, edge.agent, _version())
    hit = kill_at(os.environ)
    path = edge.spool.path
    boot = known_boot(path)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as pool:
        offload = thread_of_its_own(pool)
        async with build_bus(settings, identity, boot=boot or 1) as bus:
            if boot is None and not path.exists():
                boot = (
                    await learn_boot(bus, site=settings.site, agent=edge.agent, now_us=now_us) - 1
                )
            fresh = (boot or 0) + 1
            file = await offload(
                lambda: open_spool(path, boot=fresh, max_bytes=edge.spool.max_bytes, hit=hit)
            )
            spool = Spool(file, now_us=now_us, offload=offload)
            ring, found = await open_ring(
                ring_folder(path),
                spool=spool,
                offload=offload,
                now_us=now_us,
                bounds=ring_bounds(edge),
                soon=asyncio.get_running_loop().call_soon,
                hit=hit,
            )
            agent = Agent(
                identity,
                devices=plan.devices,
                spool=spool,
                bus=bus,
                batcher=Batcher(max_readings=plan.max_readings),
                rng=random.Random(),
                now_us=now_us,
                mono_us=monotonic_us,
                hit=hit,
                ring=ring,
                config=remote,
            )
            agent.restore(found)
            log.info("agent_started", extra={"agent": edge.agent, "boot": spool.boot})
            try:
                if watch is None:
                    await agent.run()
                else:
                    await _watched(agent, spool, watch)
            finally:
                await agent.finish()
                await _farewell(bus, identity, spool)
                await offload(spool.close)


async def _watched(agent: Agent, spool: Spool, watch: Watch) -> None:
    """The agent ends when the watch does, the watch when the agent breaks."""
    running = asyncio.ensure_future(agent.run())
    watching = asyncio.ensure_future(watch(agent, spool))
    try:
        done, _ = await asyncio.wait((running, watching), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (running, watching):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _farewell(bus: MqttBus, identity: Identity, spool: Spool) -> None:
    topic, payload = will_message(identity, boot=spool.boot, sent_at=now_us())
    with contextlib.suppress(BusUnavailableError, TimeoutError):
        async with asyncio.timeout(1.0):
            await bus.publish(topic, payload)


def _version() -> str:
    try:
        return version("dockledger")[:32]
    except PackageNotFoundError:
        return "unknown"
