"""`dockledger simulate` put together: world, readers, control endpoint, and the crew.

The ports file keeps each reader on its port over restarts, so that agents find it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulators.api import Api, ApiRefusedError
from simulators.control import Control
from simulators.journal import KEPT
from simulators.layout import layout_document, stock_csv
from simulators.operators import ORDERS_AN_HOUR, Crew
from simulators.site import build_site
from simulators.world import World, WorldSettings

log = logging.getLogger("simulators.service")
CONTROL = "control"
FEW_FRAMES = 500  # nobody scores a run without a truth directory


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to simulate. Without a key nobody works; readers and control serve all the same."""

    seed: int = 1
    speed: float = 10.0
    host: str = "127.0.0.1"
    api_url: str = "http://127.0.0.1:8080"
    key: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    ports_file: Path | None = None
    truth_dir: Path | None = None
    orders_an_hour: float = ORDERS_AN_HOUR
    brings_site: bool = False


async def simulate(wanted: Simulation) -> None:
    """Run until cancelled."""
    site = build_site(wanted.seed)
    world = World(
        site,
        seed=wanted.seed,
        truth_dir=wanted.truth_dir,
        settings=WorldSettings(
            host=wanted.host, frames_kept=KEPT if wanted.truth_dir else FEW_FRAMES
        ),
    )
    known = {**_read_ports(wanted.ports_file), **wanted.ports}
    crew = None
    if wanted.key is not None:
        crew = Crew(
            world,
            api=Api(wanted.api_url, wanted.key),
            speed=wanted.speed,
            orders_an_hour=wanted.orders_an_hour,
        )
    control = Control(world, crew)
    try:
        ports = await world.start({k: v for k, v in known.items() if k != CONTROL})
        ports[CONTROL] = await control.start(known.get(CONTROL, 0))
        _write_ports(wanted.ports_file, ports)
        log.info("simulation_started", extra={"ports": ports, "seed": wanted.seed})
        if crew is not None:
            if wanted.brings_site:
                await import_site(wanted)
            await crew.start()
        await asyncio.Event().wait()
    finally:
        if crew is not None:
            await crew.stop()
        await control.stop()
        await world.stop()


async def import_site(wanted: Simulation) -> None:
    """Bring layout and first stock into an empty product; refusals are logged (it is there)."""
    site = build_site(wanted.seed)
    api = Api(wanted.api_url, wanted.key or "")
    try:
        await api.post("/v1/imports/layout", layout_document(site))
        stock = await api.get("/v1/stock", limit=1)
        if not stock.get("items"):
            await api.post_text("/v1/imports/stock", stock_csv(site))
    except ApiRefusedError as refusal:
        log.warning("site_not_imported", extra={"code": refusal.code})
    finally:
        await api.close()


def _read_ports(path: Path | None) -> dict[str, int]:
    if path is None or not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): port for name, port in found.items() if isinstance(port, int)}


def _write_ports(path: Path | None, ports: Mapping[str, int]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(ports), encoding="utf-8")
    fresh.replace(path)
