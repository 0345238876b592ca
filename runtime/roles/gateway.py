"""The gateway role: cell claim, ledger, archive and bus put together. Composition only."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path

from core.db.stores.cells import PgCellClaim
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive import Archive
from gateway.archive_reader import write_index
from gateway.failpoints import kill_at
from gateway.holder import Means
from gateway.ingest import Gateway, Pace
from gateway.sender import Sender
from gateway.speech import Speech
from runtime.clock import monotonic_us, new_id, now_us
from runtime.mqtt import MqttBus, options_from
from runtime.settings_tree import Settings
from runtime.telemetry import GatewayMeter, every_period, telemetry_of


def index_aside(segment: Path) -> None:
    """Index a closed segment in a thread: a full hour must not hold readings up."""
    threading.Thread(target=write_index, args=(segment,), name=f"index-{segment.name}").start()


async def run(settings: Settings) -> None:
    """Run until cancelled."""
    if settings.database.url is None:
        raise ValueError("the gateway role needs database.url")
    url, own = settings.database.url.reveal(), settings.gateway
    engine = build_engine(url, pool_size=settings.database.pool)
    # Two gateways of one cell are two clients of the broker: neither may throw the other off.
    process = f"{settings.site}-gateway-{socket.gethostname()}-{os.getpid()}"

    def archive_for(epoch: int) -> Archive:
        return Archive(
            own.archive_path, site=settings.site, cell=own.cell, epoch=epoch, on_close=index_aside
        )

    try:
        async with (
            telemetry_of(settings, f"gateway-{own.cell}") as hand,
            MqttBus(options_from(settings.mqtt, client_id=process)) as bus,
        ):
            meter = GatewayMeter(
                hand, site=settings.site, cell=own.cell, clock=now_us, monotonic=monotonic_us
            )
            sender = Sender(bus, site=settings.site, now=now_us)
            means = Means(
                site=settings.site,
                cell=own.cell,
                open_unit=PgUnitOfWorkFactory(engine),
                speech=Speech(sender, site=settings.site, now=now_us, ids=new_id),
                telemetry=meter,
                now=now_us,
                monotonic=monotonic_us,
                ids=new_id,
                hit=kill_at(os.environ),
            )
            gateway = Gateway(
                means,
                bus=bus,
                claim=PgCellClaim(
                    url, site=settings.site, cell=own.cell, holder=process, taken_at=now_us
                ),
                sender=sender,
                archive_for=archive_for,
                pace=Pace(group_us=own.group_ms * 1_000, max_messages=own.max_messages),
            )
            metering = asyncio.create_task(every_period(meter.flush), name="telemetry-period")
            try:
                await gateway.run()
            finally:
                metering.cancel()
                await asyncio.gather(metering, return_exceptions=True)
    finally:
        await engine.dispose()
