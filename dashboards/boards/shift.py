"""The board of the shift: orders, doors, stock and what waits for a person, from PostgreSQL."""

from __future__ import annotations

from dashboards.boards.shift_doors import doors
from dashboards.boards.shift_orders import orders
from dashboards.boards.shift_stock import exceptions, stock
from dashboards.panels import POSTGRES, Board, address_variable, site_variable


def board() -> Board:
    """`dl-shift`."""
    return Board(
        uid="dl-shift",
        title="Shift",
        description="What the shift must know now: orders, doors, stock and exceptions of a site.",
        folder="10-operations",
        refresh="10s",
        since="now-12h",
        variables=[
            site_variable(POSTGRES, "SELECT site_id FROM kpi.sites_v1 ORDER BY site_id"),
            address_variable(),
        ],
        sections=[orders(), doors(), stock(), exceptions()],
    )
