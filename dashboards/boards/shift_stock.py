"""Sections of the shift board: stock and book; what needs a look."""

from __future__ import annotations

from dashboards.boards import queries as q
from dashboards.boards.words import DEVICE, FIND, LIMITS, NOTHING, SEVERITY
from dashboards.panels import About, Column, Limits, Section, bars, figure, table


def stock() -> Section:
    return Section(
        "Stock and book of $site",
        [
            figure(
                About(
                    title="Ledger drift",
                    description="Rows where the last `dockledger verify` disagreed with the moves.",
                    no_data="never checked",
                ),
                q.level("ledger_drift_v1"),
                LIMITS["ledger_drift"],
            ),
            figure(
                About(
                    title="Age of the last check",
                    description="How long ago the book was last compared with its moves.",
                    unit="m",
                    decimals=0,
                    no_data="never checked",
                ),
                q.listed("ledger_drift_v1", "age_min::float8 AS value", "1", limit=1),
                Limits(70, 130),
            ),
            figure(
                About(
                    title="Oversold items",
                    description="Items promised beyond what the site holds, now.",
                ),
                q.level("oversell_v1"),
                LIMITS["oversell"],
            ),
            figure(
                About(
                    title="Empty faces with reserve",
                    description="Pick faces that are empty while storage holds free stock.",
                ),
                q.level("pick_face_stockouts_v1"),
                LIMITS["pick_face_stockouts"],
            ),
            figure(
                About(
                    title="Items below reorder point",
                    description="Items whose available stock is below min_stock, now.",
                ),
                q.level("low_stock_v1"),
                LIMITS["low_stock"],
            ),
            figure(
                About(
                    title="Lines per direct hour",
                    description="Lines picked over quarter hours in which a picker picked.",
                    decimals=1,
                    no_data="nothing picked in this time",
                ),
                q.rate("lines_per_hour_v1"),
            ),
            bars(
                About(
                    title="Units on hand by kind of place",
                    description="Where the stock lies now.",
                    width=8,
                    height=7,
                    no_data="no stock",
                ),
                q.summed("inventory_v1", "kind", "units"),
            ),
            table(
                About(
                    title="Empty pick faces",
                    description="Where the next pick of this item will find nothing.",
                    width=8,
                    height=7,
                    no_data=NOTHING,
                ),
                q.listed("pick_face_stockouts_v1", "location, sku, reserve", "location"),
                Column(name="location", link=FIND),
            ),
            table(
                About(
                    title="Items below reorder point, worst first",
                    description="Available is sellable stock minus what is promised.",
                    width=8,
                    height=7,
                    no_data=NOTHING,
                ),
                q.listed("low_stock_v1", "sku, name, available, min_stock", "available"),
                Column(name="sku", link=FIND),
            ),
        ],
    )


def exceptions() -> Section:
    return Section(
        "What needs a look at $site",
        [
            figure(
                About(
                    title="Open exceptions",
                    description="Exceptions that nobody has settled yet.",
                    height=8,
                ),
                q.level("exceptions_open_v1"),
                LIMITS["exceptions_open"],
            ),
            table(
                About(
                    title="Exceptions, critical and oldest first",
                    description="The age tells how long each waits for a person.",
                    width=12,
                    height=8,
                    no_data=NOTHING,
                ),
                q.listed(
                    "exceptions_open_v1",
                    "severity, kind, subject, message, age_min, acknowledged_by",
                    "severity = 'critical' DESC, opened_at",
                ),
                Column(name="severity", words=SEVERITY),
                Column(name="age_min", unit="m"),
            ),
            table(
                About(
                    title="Readers and sensors",
                    description="Stale, dead and never heard are states; zero reads is a value.",
                    width=8,
                    height=8,
                    no_data="no device is set up",
                ),
                q.listed(
                    "devices_v1",
                    "device, agent, state, since, last_read_at",
                    "state = 'live', device",
                ),
                Column(name="state", words=DEVICE),
            ),
            figure(
                About(
                    title="Devices not live",
                    description="Readers and sensors that are stale, dead or were never heard.",
                    width=12,
                ),
                q.level("devices_v1"),
                LIMITS["devices"],
            ),
            figure(
                About(
                    title="Dead letters",
                    description="Readings kept outside the ledger with their reason.",
                    width=12,
                ),
                q.level("dead_letters_v1"),
                LIMITS["dead_letters"],
            ),
        ],
    )
