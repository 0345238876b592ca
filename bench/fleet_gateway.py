"""The gateway of the fleet, a process of its own that reports what its verdicts took."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.v1 import AgentStatus
from core.db.stores.cells import PgCellClaim
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive import Archive
from gateway.failpoints import no_faults
from gateway.holder import Means
from gateway.ingest import Gateway
from gateway.sender import Sender
from gateway.speech import Speech
from runtime.clock import monotonic_us, new_id, now_us
from runtime.mqtt import MqttBus, MqttOptions

CELL = "site"


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway's process is told."""

    url: str
    port: int
    password: str
    home: Path

    @property
    def archive(self) -> Path:
        """Where it archives."""
        return self.home / "archive"

    @property
    def report(self) -> Path:
        """Where it leaves its figures at its end."""
        return self.home / "gateway.json"


@dataclass
class Meter:
    """How long each verdict took, in microseconds."""

    latencies: list[int] = field(default_factory=list)

    def status(self, status: AgentStatus, *, lag: int, received_at: int) -> None:
        """Nowhere."""

    def group(
        self, figures: Mapping[str, float], *, reads: Mapping[tuple[str, str], int], now: int
    ) -> None:
        """Nowhere."""

    def verdict(self, portal: str, *, latency_us: int, now: int) -> None:
        """One is out."""
        self.latencies.append(latency_us)


def serve(site: str, told: Told) -> None:
    """Run until SIGTERM."""
    meter, began, cpu = Meter(), time.perf_counter(), time.process_time()
    asyncio.run(_serve(site, told, meter))
    found = {
        "latencies_us": meter.latencies,
        "cpu_s": time.process_time() - cpu,
        "seconds": time.perf_counter() - began,
    }
    told.report.write_text(json.dumps(found))


async def _serve(site: str, told: Told, meter: Meter) -> None:
    engine = build_engine(told.url, pool_size=2)
    options = MqttOptions(
        "127.0.0.1",
        told.port,
        "gateway",
        username="gateway",
        password=told.password,
        protocol="3.1.1",
    )
    async with MqttBus(options) as bus:
        sender = Sender(bus, site=site, now=now_us)
        means = Means(
            site=site,
            cell=CELL,
            open_unit=PgUnitOfWorkFactory(engine),
            speech=Speech(sender, site=site, now=now_us, ids=new_id),
            telemetry=meter,
            now=now_us,
            monotonic=monotonic_us,
            ids=new_id,
            hit=no_faults,
        )
        gateway = Gateway(
            means,
            bus=bus,
            claim=PgCellClaim(told.url, site=site, cell=CELL, holder="fleet", taken_at=now_us),
            sender=sender,
            archive_for=lambda epoch: Archive(told.archive, site=site, cell=CELL, epoch=epoch),
        )
        running = asyncio.ensure_future(gateway.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await engine.dispose()
