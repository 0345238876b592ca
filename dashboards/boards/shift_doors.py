"""Section of the shift board: visits, passes and how well the doors read."""

from __future__ import annotations

from dashboards.boards import queries as q
from dashboards.boards.words import LIMITS
from dashboards.panels import About, Column, Limits, Section, figure, lines, table


def doors() -> Section:
    return Section(
        "Doors of $site",
        [
            figure(
                About(title="Door visits", description="Trucks at the doors in this time."),
                q.count("door_visits_v1"),
            ),
            figure(
                About(
                    title="Perfect visits",
                    description="Visits closed without short, over, wrong over visits with a list.",
                    unit="percent",
                    decimals=1,
                    no_data="no visit with a list closed in this time",
                ),
                q.ratio("perfect_visit_v1"),
                LIMITS["perfect_visit"],
            ),
            figure(
                About(
                    title="Handling units read whole",
                    description="Own tag and every known content read in the pass. Look at it"
                    " before the share of tags read: 99.8 % of tags can be 80 % of pallets.",
                    unit="percent",
                    decimals=1,
                    no_data="no handling unit with known content crossed",
                ),
                q.ratio("perfect_pass_rate_v1"),
                LIMITS["perfect_pass_rate"],
            ),
            figure(
                About(
                    title="Passes undecided",
                    description="Passes left to a person over closed passes.",
                    unit="percent",
                    decimals=1,
                    no_data="no pass closed in this time",
                ),
                q.ratio("undecided_share_v1"),
                LIMITS["undecided_share"],
            ),
            figure(
                About(
                    title="Verdict latency, p99",
                    description="Verdict said minus the read, beam edge or timer that decided it.",
                    unit="ms",
                    decimals=0,
                    no_data="no verdict in this time",
                ),
                q.quantile("verdict_latency_v1", 0.99),
                LIMITS["verdict_latency"],
            ),
            figure(
                About(
                    title="Dock to stock, mean",
                    description="Putaway confirmed minus arrival at the dock.",
                    unit="h",
                    decimals=2,
                    no_data="no putaway in this time",
                ),
                q.mean("dock_to_stock_v1"),
                LIMITS["dock_to_stock"],
            ),
            lines(
                About(
                    title="Passes per hour by verdict",
                    description="What passes through the doors were judged to be.",
                    width=8,
                    height=7,
                ),
                q.per_bucket("passes_v1", "sum(numerator)", "verdict"),
            ),
            lines(
                About(
                    title="Stray tags by door",
                    description="Tags rejected at a pass over tags seen by it, by the hour.",
                    unit="percent",
                    width=7,
                    height=7,
                ),
                q.per_bucket(
                    "stray_share_v1",
                    "100.0 * sum(numerator) / nullif(sum(denominator), 0)",
                    "portal",
                ),
            ),
            table(
                About(
                    title="Door visits, newest first",
                    description="What each truck was closed with; red is not as announced.",
                    width=9,
                    height=7,
                    no_data="no truck came in this time",
                ),
                q.listed(
                    "door_visits_v1",
                    "at AS opened, portal, truck, state, minutes, expected, received, short, over,"
                    " wrong",
                    "at_us DESC",
                    facts=True,
                ),
                Column(name="minutes", unit="m"),
                *(Column(name=name, limits=Limits(red=1)) for name in ("short", "over", "wrong")),
            ),
        ],
    )
