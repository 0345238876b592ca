"""Section of the shift board: orders from intake to shipped, and what is late."""

from __future__ import annotations

from dashboards.boards import queries as q
from dashboards.boards.words import FIND, LIMITS
from dashboards.panels import About, Column, Limits, Section, bars, figure, lines, table


def orders() -> Section:
    return Section(
        "Orders of $site",
        [
            figure(
                About(title="Orders in", description="Orders accepted in this time."),
                q.count("orders_v1"),
            ),
            figure(
                About(title="Open orders", description="Orders not yet shipped or cancelled, now."),
                q.level("open_orders_v1"),
            ),
            figure(
                About(
                    title="Orders at risk",
                    description="Open orders that will be ready less than 30 minutes before their"
                    " ship_by: intake plus the median cycle of the last 24 hours.",
                ),
                q.level("orders_at_risk_v1"),
                LIMITS["orders_at_risk"],
            ),
            figure(
                About(
                    title="Order cycle, median",
                    description="Shipped minus accepted. Grey: fewer than 30 orders.",
                    unit="m",
                    decimals=1,
                    no_data="nothing shipped in this time",
                ),
                q.quantile("order_cycle_v1", 0.5),
                LIMITS["order_cycle"],
            ),
            figure(
                About(
                    title="Shipped on time",
                    description="Orders shipped by their ship_by, over shipped ones that have it.",
                    unit="percent",
                    decimals=1,
                    no_data="nothing with a ship_by shipped in this time",
                ),
                q.ratio("on_time_shipment_v1"),
                LIMITS["on_time_shipment"],
            ),
            figure(
                About(
                    title="Backorder rate",
                    description="Lines that wait for stock over open lines, now.",
                    unit="percent",
                    decimals=1,
                    no_data="no open lines",
                ),
                q.ratio_now("backorder_rate_v1"),
                LIMITS["backorder_rate"],
            ),
            lines(
                About(
                    title="Orders per hour",
                    description="Received and shipped; shipped below received means a backlog.",
                    width=9,
                    height=7,
                ),
                q.per_bucket("order_flow_v1", "sum(numerator)", "step"),
            ),
            bars(
                About(
                    title="Open orders by state",
                    description="Where the open orders stand now.",
                    width=6,
                    height=7,
                    no_data="no open orders",
                ),
                q.listed("open_orders_v1", "state, value::float8 AS orders", "value DESC"),
            ),
            table(
                About(
                    title="Orders closest to their cut-off",
                    description="Open orders with a ship_by; minutes left after the forecast.",
                    width=9,
                    height=7,
                    no_data="no open order has a ship_by",
                ),
                q.listed(
                    "orders_at_risk_v1",
                    'external_order_id AS "order", state, ship_by, left_min',
                    "left_min",
                ),
                Column(name="order", link=FIND),
                Column(name="left_min", unit="m", limits=Limits(30, 0, higher_is_better=True)),
            ),
        ],
    )
