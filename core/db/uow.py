"""The unit of work on PostgreSQL: one transaction, begun before anything else may run in it.

SQLAlchemy's asyncpg dialect begins lazily, so the first statement goes through SQLAlchemy; only
then
is the raw connection handed to the stores, and it must already be inside the transaction.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.application.ports.uow import Contention
from core.db.migrate import async_url
from core.db.stores.agent_config import PgAgentConfigStore
from core.db.stores.carriers import PgCarrierStore
from core.db.stores.counts import PgCountStore
from core.db.stores.doors import PgDoorStore
from core.db.stores.floor import PgFloorStore
from core.db.stores.history import PgHistory
from core.db.stores.housekeeping import PgHousekeeping
from core.db.stores.inbound import PgInboundStore
from core.db.stores.inbound_views import PgInboundViews
from core.db.stores.inbox import PgInboxStore
from core.db.stores.items import PgItemStore
from core.db.stores.kpi import PgKpiStore
from core.db.stores.layout import PgLayoutStore
from core.db.stores.liveness import PgLivenessStore
from core.db.stores.locations import PgLocationStore
from core.db.stores.lots import PgLotStore
from core.db.stores.map import PgMapStore
from core.db.stores.orders import PgOrderStore
from core.db.stores.outbox import PgOutboxStore
from core.db.stores.picking import PgPickStore
from core.db.stores.platform import PgPlatformStore
from core.db.stores.promise import PgPromiseStore
from core.db.stores.replenish import PgReplenishStore
from core.db.stores.reservation import PgReservationStore
from core.db.stores.search import PgSearchStore
from core.db.stores.shipment_views import PgDemandViews
from core.db.stores.shipping import PgShippingStore
from core.db.stores.stock import PgStockStore
from core.db.stores.stock_views import PgStockViews
from core.db.stores.tags import PgTagStore
from core.db.stores.tasks import PgTaskStore
from core.db.stores.tracking import PgTrackingStore
from core.db.stores.verify import PgVerifyStore
from core.db.stores.visits import PgVisitStore
from core.db.stores.watch import PgWatchStore
from core.db.stores.webhooks import PgWebhookStore
from core.domain.errors import Unavailable

_CONTENTION = ("40001", "40P01", "55P03")
_IDLE = "25P03"


def build_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine with a bounded pool; a dead connection is noticed before it is used."""
    return create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "command_timeout": 60},
    )


class PgUnitOfWork:
    """One transaction on one site; stores share its raw asyncpg connection."""

    def __init__(
        self, site: str, connection: AsyncConnection, raw: asyncpg.Connection[Any]
    ) -> None:
        self.site = site
        self.connection = connection
        self.raw = raw

    @cached_property
    def stock(self) -> PgStockStore:
        """The ledger."""
        return PgStockStore(self.raw, self.site)

    @cached_property
    def watch(self) -> PgWatchStore:
        """Levels of items, exceptions of the floor."""
        return PgWatchStore(self.raw, self.site)

    @cached_property
    def orders(self) -> PgOrderStore:
        """Orders and their fulfilments."""
        return PgOrderStore(self.raw, self.site)

    @cached_property
    def promises(self) -> PgPromiseStore:
        """Availability and promises."""
        return PgPromiseStore(self.raw, self.site)

    @cached_property
    def reservations(self) -> PgReservationStore:
        """Reservations and their pick tasks."""
        return PgReservationStore(self.raw, self.site)

    @cached_property
    def picking(self) -> PgPickStore:
        """Pick tasks."""
        return PgPickStore(self.raw, self.site)

    @cached_property
    def carriers(self) -> PgCarrierStore:
        """Handling units and their contents."""
        return PgCarrierStore(self.raw, self.site)

    @cached_property
    def agent_configs(self) -> PgAgentConfigStore:
        """Configuration documents of edge agents."""
        return PgAgentConfigStore(self.raw, self.site)

    @cached_property
    def counts(self) -> PgCountStore:
        """Counts of bins."""
        return PgCountStore(self.raw, self.site)

    @cached_property
    def items(self) -> PgItemStore:
        """Items with their facts and packagings."""
        return PgItemStore(self.raw)

    @cached_property
    def locations(self) -> PgLocationStore:
        """Locations and their locks."""
        return PgLocationStore(self.raw, self.site)

    @cached_property
    def lots(self) -> PgLotStore:
        """Lots: recalls and traces."""
        return PgLotStore(self.raw, self.site)

    @cached_property
    def replenish(self) -> PgReplenishStore:
        """Pick faces and what is held for them."""
        return PgReplenishStore(self.raw, self.site)

    @cached_property
    def stock_views(self) -> PgStockViews:
        """Quants, moves, units and journeys as the interface shows them."""
        return PgStockViews(self.raw, self.site)

    @cached_property
    def order_views(self) -> PgDemandViews:
        """Orders, pick tasks, shipments and availability as the interface shows them."""
        return PgDemandViews(self.raw, self.site)

    @cached_property
    def shipping(self) -> PgShippingStore:
        """Shipments and their units."""
        return PgShippingStore(self.raw, self.site)

    @cached_property
    def platform(self) -> PgPlatformStore:
        """Keys, sessions, idempotency."""
        return PgPlatformStore(self.raw)

    @cached_property
    def tracking(self) -> PgTrackingStore:
        """Cursors, passes, positions, dead letters."""
        return PgTrackingStore(self.raw, self.site)

    @cached_property
    def verify(self) -> PgVerifyStore:
        """The ledger check."""
        return PgVerifyStore(self.raw, self.site)

    @cached_property
    def kpi(self) -> PgKpiStore:
        """The views of schema kpi."""
        return PgKpiStore(self.raw, self.site)

    @cached_property
    def doors(self) -> PgDoorStore:
        """Expected lists, passes, portal modes."""
        return PgDoorStore(self.raw, self.site)

    @cached_property
    def visits(self) -> PgVisitStore:
        """Door visits and their remainders."""
        return PgVisitStore(self.raw, self.site)

    @cached_property
    def inbound(self) -> PgInboundStore:
        """ASNs, receipts, handling units."""
        return PgInboundStore(self.raw, self.site)

    @cached_property
    def layout(self) -> PgLayoutStore:
        """Imports of layout, items and stock."""
        return PgLayoutStore(self.raw, self.site)

    @cached_property
    def inbound_views(self) -> PgInboundViews:
        """Read side of inbound, doors and work."""
        return PgInboundViews(self.raw, self.site)

    @cached_property
    def tasks(self) -> PgTaskStore:
        """Floor tasks, bins."""
        return PgTaskStore(self.raw, self.site)

    @cached_property
    def floor(self) -> PgFloorStore:
        """Exceptions."""
        return PgFloorStore(self.raw, self.site)

    @cached_property
    def outbox(self) -> PgOutboxStore:
        """Facts for the outside and how far each sink took them."""
        return PgOutboxStore(self.raw, self.site)

    @cached_property
    def webhooks(self) -> PgWebhookStore:
        """Webhook endpoints and deliveries, inbound secrets."""
        return PgWebhookStore(self.raw, self.site)

    @cached_property
    def liveness(self) -> PgLivenessStore:
        """Signs of life."""
        return PgLivenessStore(self.raw, self.site)

    @cached_property
    def housekeeping(self) -> PgHousekeeping:
        """What is kept for a time only."""
        return PgHousekeeping(self.raw)

    @cached_property
    def inbox(self) -> PgInboxStore:
        """EPCs that were read and stand for nothing here."""
        return PgInboxStore(self.raw, self.site)

    @cached_property
    def tags(self) -> PgTagStore:
        """What EPCs are bound to, and copies under suspicion."""
        return PgTagStore(self.raw, self.site)

    @cached_property
    def map(self) -> PgMapStore:
        """The floor as a picture."""
        return PgMapStore(self.raw, self.site)

    @cached_property
    def history(self) -> PgHistory:
        """The floor as it was."""
        return PgHistory(self.raw, self.site)

    @cached_property
    def search(self) -> PgSearchStore:
        """Names of all kinds."""
        return PgSearchStore(self.raw, self.site)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may be undone alone."""
        async with self.raw.transaction():
            yield

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
        """Add an outbox row of this transaction."""
        await self.raw.execute(
            "INSERT INTO outbox"
            " (site_id, owner_id, event, aggregate, sequence, payload, occurred_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.site,
            owner,
            event,
            aggregate,
            sequence,
            json.dumps(payload, default=str),
            occurred_at,
        )


class PgUnitOfWorkFactory:
    """Opens units of work on one engine."""

    def __init__(
        self, engine: AsyncEngine, *, lock_timeout_ms: int = 5000, idle_limit_ms: int = 60_000
    ) -> None:
        self._engine = engine
        # Nobody waits for ever: neither for a lock, nor for one whose holder does nothing.
        self._limits = text(
            f"SELECT set_config('lock_timeout', '{int(lock_timeout_ms)}', true),"
            f" set_config('idle_in_transaction_session_timeout', '{int(idle_limit_ms)}', true)"
        )

    @asynccontextmanager
    async def __call__(self, site: str) -> AsyncIterator[PgUnitOfWork]:
        """Begin, hand out, commit; roll back on any exception. Raises `Contention` or
        `Unavailable`.
        """
        try:
            async with self._engine.connect() as connection, connection.begin():
                await connection.execute(self._limits)
                raw = await raw_connection(connection)
                yield PgUnitOfWork(site, connection, raw)
        except (DBAPIError, asyncpg.PostgresError) as error:
            raise _translated(error) from error
        except (OSError, TimeoutError, asyncpg.InterfaceError, InterfaceError) as error:
            raise Unavailable("the database cannot be reached") from error
        except PoolTimeoutError as error:
            raise Unavailable("every connection is in use") from error


async def raw_connection(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    """The driver's connection behind a SQLAlchemy one; it must be inside the transaction
    already.
    """
    proxied = await connection.get_raw_connection()
    raw = cast("asyncpg.Connection[Any]", proxied.driver_connection)
    if not raw.is_in_transaction():
        raise RuntimeError("the raw connection was asked for outside a transaction")
    return raw


def _translated(error: Exception) -> Exception:
    """`Contention` for what a retry heals, `Unavailable` for a lost server, the error itself
    for a bug.
    """
    origin = getattr(error, "orig", error)
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    if state in _CONTENTION:
        return Contention("the database is busy")
    if state is None or str(state)[:2] in {"08", "57", "53"} or state == _IDLE:
        return Unavailable("the database cannot be reached")
    return error
