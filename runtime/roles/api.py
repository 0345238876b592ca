"""The api role: routes, pages and streams on one socket. Composition only."""

from __future__ import annotations

import importlib

from fastapi import APIRouter

# Areas of the interface, in the order of the reference. A module offers `router`.
AREAS = (
    "core.api.platform",
    "core.api.order_bulk",
    "core.api.orders",
    "core.api.picking",
    "core.api.packing",
    "core.api.shipments",
    "core.api.tracking",
    "core.api.imports",
    "core.api.exceptions",
    "core.api.tasks",
    "core.api.portals",
    "core.api.passes",
    "core.api.visits",
    "core.api.inbound",
    "core.api.stock",
    "core.api.stock_changes",
    "core.api.webhooks",
    "core.api.inbound_hooks",
)


def routers() -> list[APIRouter]:
    """The routers of every area."""
    return [importlib.import_module(area).router for area in AREAS]
