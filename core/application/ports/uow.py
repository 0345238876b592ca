"""The unit of work: one transaction, its stores, commit on leaving, rollback on any exception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar
from uuid import UUID

from core.application.ports.adjustments import AdjustmentStore
from core.application.ports.agent_config import AgentConfigStore
from core.application.ports.carriers import CarrierStore
from core.application.ports.counts import CountStore
from core.application.ports.doors import DoorStore
from core.application.ports.floor import FloorStore
from core.application.ports.history import HistoryStore
from core.application.ports.housekeeping import Housekeeping
from core.application.ports.inbound import InboundStore
from core.application.ports.inbound_views import InboundViews
from core.application.ports.inbox import InboxStore
from core.application.ports.items import ItemStore
from core.application.ports.kpi import KpiStore
from core.application.ports.layout import LayoutStore
from core.application.ports.liveness import LivenessStore
from core.application.ports.locations import LocationStore
from core.application.ports.lots import LotStore
from core.application.ports.map import MapStore, SearchStore
from core.application.ports.order_views import OrderViews
from core.application.ports.orders import OrderStore, PromiseStore, ReservationStore
from core.application.ports.outbox import OutboxStore
from core.application.ports.picking import PickStore
from core.application.ports.platform import PlatformStore
from core.application.ports.replenish import ReplenishStore
from core.application.ports.shipping import ShippingStore
from core.application.ports.stock import StockStore
from core.application.ports.stock_views import StockViews
from core.application.ports.tags import TagStore
from core.application.ports.tasks import TaskStore
from core.application.ports.tracking import TrackingStore
from core.application.ports.verify import VerifyStore
from core.application.ports.visits import VisitStore
from core.application.ports.watch import WatchStore
from core.application.ports.webhooks import WebhookStore
from core.domain.errors import Unavailable

T = TypeVar("T")
Ids = Callable[[], UUID]


class UnitOfWork(Protocol):
    """One transaction on one site. Nobody calls commit: leaving the context without an
    exception does.
    """

    @property
    def site(self) -> str: ...

    @property
    def stock(self) -> StockStore: ...

    @property
    def watch(self) -> WatchStore: ...

    @property
    def kpi(self) -> KpiStore: ...

    @property
    def orders(self) -> OrderStore: ...

    @property
    def promises(self) -> PromiseStore: ...

    @property
    def reservations(self) -> ReservationStore: ...

    @property
    def picking(self) -> PickStore: ...

    @property
    def carriers(self) -> CarrierStore: ...

    @property
    def agent_configs(self) -> AgentConfigStore: ...

    @property
    def counts(self) -> CountStore: ...

    @property
    def items(self) -> ItemStore: ...

    @property
    def locations(self) -> LocationStore: ...

    @property
    def adjustments(self) -> AdjustmentStore: ...

    @property
    def lots(self) -> LotStore: ...

    @property
    def replenish(self) -> ReplenishStore: ...

    @property
    def stock_views(self) -> StockViews: ...

    @property
    def order_views(self) -> OrderViews: ...

    @property
    def shipping(self) -> ShippingStore: ...

    @property
    def doors(self) -> DoorStore: ...

    @property
    def visits(self) -> VisitStore: ...

    @property
    def inbound(self) -> InboundStore: ...

    @property
    def layout(self) -> LayoutStore: ...

    @property
    def inbound_views(self) -> InboundViews: ...

    @property
    def tasks(self) -> TaskStore: ...

    @property
    def floor(self) -> FloorStore: ...

    @property
    def platform(self) -> PlatformStore: ...

    @property
    def tracking(self) -> TrackingStore: ...

    @property
    def verify(self) -> VerifyStore: ...

    @property
    def outbox(self) -> OutboxStore: ...

    @property
    def webhooks(self) -> WebhookStore: ...

    @property
    def liveness(self) -> LivenessStore: ...

    @property
    def housekeeping(self) -> Housekeeping: ...

    @property
    def inbox(self) -> InboxStore: ...

    @property
    def tags(self) -> TagStore: ...

    @property
    def map(self) -> MapStore: ...

    @property
    def search(self) -> SearchStore: ...

    @property
    def history(self) -> HistoryStore: ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that may be undone alone: what it wrote is gone when it raises."""

    async def emit(
        self,
        event: str,
        *,
        aggregate: str,
        owner: str | None,
        payload: dict[str, Any],
        occurred_at: int,
        sequence: int = 0,
    ) -> None:
        """Add an outbox row; call it after the aggregate's row is locked in this transaction."""


class UnitOfWorkFactory(Protocol):
    """Opens units of work: `async with open_unit(site) as unit`."""

    def __call__(self, site: str) -> AbstractAsyncContextManager[UnitOfWork]: ...


class Contention(Unavailable):
    """The database asked for a retry: serialization failure, deadlock or lock timeout."""


async def in_transaction(
    open_unit: UnitOfWorkFactory,
    site: str,
    work: Callable[[UnitOfWork], Awaitable[T]],
    *,
    attempts: int = 6,
    jitter: Callable[[], float] = lambda: 0.5,
) -> T:
    """Run `work` in one transaction; repeat it with jitter on contention, at most `attempts`
    times.
    """
    pause = 0.01
    for attempt in range(attempts):
        try:
            async with open_unit(site) as unit:
                return await work(unit)
        except Contention:
            if attempt == attempts - 1:
                raise
        await asyncio.sleep(pause * (1 + jitter()))
        pause = min(pause * 2, 0.5)
    raise Unavailable("the database is busy")
