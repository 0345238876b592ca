"""The worker role: relay, webhooks, releases, leases, watch and housekeeping. Composition only."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from core.application import housekeeping, liveness
from core.application.history import DAY_US, mark_stock
from core.application.kpi import sample_kpis
from core.application.ports.uow import UnitOfWork, UnitOfWorkFactory, in_transaction
from core.application.relay import PositionSink, Sink, relay
from core.application.replenish import plan_replenishment
from core.application.tasks import free_expired_tasks
from core.application.webhooks import WebhookSink
from core.application.work import lease_step, promise_step, release_step
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.liveness import Memory, Trouble
from core.integrations.webhooks import WebhookPump
from runtime.clock import monotonic_us, new_id, now_us
from runtime.loops import Loop, run_loops
from runtime.mqtt import MqttBus, options_from
from runtime.settings_tree import Settings
from runtime.sinks import guarded_sender, webhook_sink
from runtime.telemetry import Hand, nowhere, telemetry_of, worker_point

log = logging.getLogger(__name__)
ROWS = 200
TIDY_ROWS = 2_000
BROKER_AWAY_US = 3_000_000
TELL_S = 10.0
SINKS = (WebhookSink.name, PositionSink.name)
Work = Callable[[UnitOfWork], Awaitable[int]]


class Worker:
    """The steps of one site's worker; each is one transaction."""

    def __init__(
        self, settings: Settings, open_unit: UnitOfWorkFactory, bus: MqttBus, hand: Hand = nowhere
    ) -> None:
        self._hand = hand
        self._settings = settings
        self._open_unit = open_unit
        self._bus = bus
        self._memory = Memory(monotonic_us())
        self._connected_at = monotonic_us()

    async def run_in(self, work: Work) -> int:
        """One transaction on the site."""
        return await in_transaction(
            self._open_unit, self._settings.site, work, jitter=random.random
        )

    def relay(self, sink: Sink) -> Callable[[], Awaitable[object]]:
        """Hand the next rows to a sink; true while a full batch came."""
        limit = self._settings.worker.relay_rows

        async def step() -> bool:
            return await self.run_in(lambda u: relay(u, sink, now=now_us(), limit=limit)) >= limit

        return step

    def often(self, work: Work, *, full: int | None = None) -> Callable[[], Awaitable[object]]:
        """A step of this work; it goes on at once while `full` rows were done."""

        async def step() -> bool:
            done = await self.run_in(work)
            return full is not None and done >= full

        return step

    async def watch(self) -> None:
        """Look for silence: agents, devices, gateways, the broker."""
        mono = monotonic_us()
        if self._bus.connected:
            self._connected_at = mono
        away = mono - self._connected_at >= BROKER_AWAY_US
        text = "The broker cannot be reached: readings wait in the agents' spools."
        broker = [Trouble(liveness.BROKER, "broker", text, "critical")] if away else []

        async def look(uow: UnitOfWork) -> Memory:
            now = now_us()
            await liveness.reconcile(uow, (liveness.BROKER,), broker, now=now, ids=new_id)
            return await liveness.watch_site(uow, self._memory, now=now, mono=mono, ids=new_id)

        self._memory = await in_transaction(self._open_unit, self._settings.site, look)

    async def tell(self) -> None:
        """Hand a point of what waits to telemetry."""
        now = now_us()

        async def look(uow: UnitOfWork) -> tuple[Mapping[str, tuple[int, float]], float]:
            oldest = [(await uow.outbox.waiting(name))[1] for name in SINKS]
            lag = max(((now - at) / 1e6 for at in oldest if at is not None), default=0.0)
            return await uow.kpi.queues(now=now), max(lag, 0.0)

        site = self._settings.site
        queues, lag = await in_transaction(self._open_unit, site, look, jitter=random.random)
        self._hand([worker_point(site, queues, relay_lag_s=lag, now=now)])

    async def check_ledger(self) -> None:
        """Verify the book; what drifts is an alarm."""
        drift = await self.run_in(lambda u: housekeeping.check_ledger(u, clock=now_us, ids=new_id))
        if drift:
            log.error("ledger_drift", extra={"findings": drift})


def loops(worker: Worker, settings: Settings, bus: MqttBus, pump: WebhookPump) -> list[Loop]:
    """Every step of the role with its pace."""
    own, now = settings.worker, now_us
    pace = own.relay_ms / 1000
    found = [
        Loop("relay-webhooks", pace, worker.relay(webhook_sink())),
        Loop("relay-positions", pace, worker.relay(PositionSink(bus))),
        Loop("webhooks", pace, lambda: pump.step(now())),
        Loop("watch", 1.0, worker.watch),
        Loop(
            "promise",
            1.0,
            worker.often(lambda u: promise_step(u, now=now(), ids=new_id, limit=ROWS)),
        ),
        Loop("pick-leases", 5.0, worker.often(lambda u: lease_step(u, now=now()))),
        Loop("task-leases", 5.0, worker.often(lambda u: free_expired_tasks(u, now=now()))),
        Loop(
            "replenish", 5.0, worker.often(lambda u: plan_replenishment(u, now=now(), ids=new_id))
        ),
        Loop(
            "tidy",
            600.0,
            worker.often(
                lambda u: housekeeping.tidy(u, now=now(), limit=TIDY_ROWS), full=TIDY_ROWS
            ),
            first_s=30.0,
        ),
        Loop(
            "position-days",
            3600.0,
            worker.often(
                lambda u: housekeeping.keep_days(u, now=now(), kept_days=own.position_days)
            ),
        ),
        Loop(
            "stock-mark",
            600.0,
            worker.often(lambda u: mark_stock(u, now=now(), kept_us=own.position_days * DAY_US)),
            first_s=20.0,
        ),
        Loop("kpi-samples", 300.0, worker.often(lambda u: sample_kpis(u, now=now())), first_s=5.0),
        Loop("telemetry", TELL_S, worker.tell, first_s=TELL_S),
        Loop("verify", 3600.0, worker.check_ledger, first_s=300.0),
    ]
    if own.auto_release:
        step = worker.often(lambda u: release_step(u, now=now(), ids=new_id))
        found.append(Loop("release", 1.0, step))
    return found


async def run(settings: Settings) -> None:
    """Run until cancelled."""
    url = settings.database.url
    if url is None:
        raise ValueError("the worker role needs database.url")
    engine = build_engine(url.reveal(), pool_size=settings.database.pool)
    open_unit = PgUnitOfWorkFactory(engine)
    try:
        async with (
            guarded_sender(settings.webhooks) as sender,
            MqttBus(options_from(settings.mqtt, client_id=f"{settings.site}-worker")) as bus,
            telemetry_of(settings, "worker") as hand,
        ):
            pump = WebhookPump(
                site=settings.site, open_unit=open_unit, sender=sender, clock=now_us, ids=new_id
            )
            worker = Worker(settings, open_unit, bus, hand)
            try:
                await run_loops(loops(worker, settings, bus, pump))
            finally:
                await pump.close()
    finally:
        await engine.dispose()
