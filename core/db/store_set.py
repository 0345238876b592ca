"""The stores of one transaction, each made when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import asyncpg

from core.db.stores.adjustments import PgAdjustmentStore
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


class PgStores:
    """Every store on one raw connection, for one site."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self.raw = raw
        self.site = site

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
    def adjustments(self) -> PgAdjustmentStore:
        """Corrections and their approval."""
        return PgAdjustmentStore(self.raw, self.site)

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
