"""The board of readers and pipeline: is it fast and right (RED), what is it made of (USE).

From InfluxDB by InfluxQL. A gap in a line is silence, which is never good news.
"""

from __future__ import annotations

from dashboards.boards import queries as q
from dashboards.measurements import AGENT, ANTENNA, API, DEVICE, GATEWAY, VERDICT, WORKER
from dashboards.panels import (
    INFLUX,
    About,
    Board,
    Limits,
    Section,
    address_variable,
    figure,
    lines,
    site_variable,
    states,
)

ONLINE = {"0": ("offline", "red"), "1": ("online", "green")}
DEVICE_STATES = {"0": ("dead", "red"), "1": ("stale", "orange"), "2": ("live", "green")}
SILENT = "silence: no telemetry in this time"


def board() -> Board:
    """`dl-pipeline`."""
    return Board(
        uid="dl-pipeline",
        title="Readers and pipeline",
        description="From the antenna to the ledger and out: rate, errors, duration of each stage,"
        " then readers and agents.",
        folder="50-platform",
        refresh="30s",
        since="now-3h",
        variables=[
            site_variable(INFLUX, 'SHOW TAG VALUES FROM "agent" WITH KEY = "site"'),
            address_variable(),
        ],
        sections=[_now(), _ingest(), _server(), _readers(), _agents()],
    )


def _now() -> Section:
    return Section(
        "$site now",
        [
            figure(
                About(
                    title="Agents online",
                    description="Share of the agents heard of that are online.",
                    unit="percentunit",
                    decimals=2,
                    width=6,
                    no_data=SILENT,
                ),
                q.series(AGENT, "online", "mean"),
                Limits(0.99, 0.5, higher_is_better=True),
            ),
            figure(
                About(
                    title="Readings refused",
                    description="Readings that became dead letters in this time.",
                    decimals=0,
                    width=6,
                    no_data=SILENT,
                ),
                q.total(GATEWAY, "refused"),
                Limits(1, 100),
            ),
            figure(
                About(
                    title="Slowest verdict",
                    description="The longest time from what decided a pass to its verdict.",
                    unit="ms",
                    decimals=0,
                    width=6,
                    no_data="no verdict in this time",
                ),
                q.total(VERDICT, "latency_ms", "max"),
                Limits(400, 500),
            ),
            figure(
                About(
                    title="Longest relay lag",
                    description="The longest that an event waited for the relay in this time.",
                    unit="s",
                    decimals=1,
                    width=6,
                    no_data=SILENT,
                ),
                q.total(WORKER, "relay_lag_s", "max"),
                Limits(5, 30),
            ),
        ],
    )


def _ingest() -> Section:
    return Section(
        "Ingest: rate, errors, duration",
        [
            lines(
                About(
                    title="Readings and messages",
                    description="What the gateway took into the ledger. The rate of each agent is"
                    " capped; what is above it waits in the agent's spool.",
                    unit="cps",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(GATEWAY, "readings_s", alias="readings/s"),
                q.series(GATEWAY, "messages_s", alias="messages/s", ref="B"),
            ),
            lines(
                About(
                    title="Commit of a group",
                    description="The slowest transaction of each five seconds: the mean of them,"
                    " and the longest.",
                    unit="ms",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(GATEWAY, "commit_ms", alias="mean"),
                q.series(GATEWAY, "commit_ms", "max", alias="longest", ref="B"),
            ),
            lines(
                About(
                    title="Refused readings, cursor lag",
                    description="Dead letters, and messages that agents hold beyond their cursor.",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(GATEWAY, "refused", "sum", alias="refused"),
                q.series(GATEWAY, "lag_messages", "max", alias="cursor lag, messages", ref="B"),
            ),
            lines(
                About(
                    title="Verdict latency by portal",
                    description="From the read, beam edge or timer that decided to the verdict."
                    " The limit for p99 is 500 ms.",
                    unit="ms",
                    width=12,
                    height=7,
                    no_data="no verdict in this time",
                ),
                q.quantile_series(VERDICT, "latency_ms", 50, by="portal"),
                q.quantile_series(VERDICT, "latency_ms", 99, by="portal", ref="B"),
                limits=Limits(400, 500),
            ),
        ],
    )


def _server() -> Section:
    return Section(
        "Interface and relay",
        [
            lines(
                About(
                    title="Requests",
                    description="Requests to the HTTP interface, and those answered with 5xx.",
                    unit="reqps",
                    width=8,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(API, "requests_s", alias="requests"),
                q.series(API, "errors_s", alias="errors", ref="B"),
            ),
            lines(
                About(
                    title="Request duration, p99",
                    description="The slowest hundredth of the requests.",
                    unit="ms",
                    width=8,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(API, "p99_ms", "max", alias="p99"),
            ),
            lines(
                About(
                    title="Relay lag and work queues",
                    description="How long events wait for the relay, and the oldest open work.",
                    unit="s",
                    width=8,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(WORKER, "relay_lag_s", "max", alias="relay lag"),
                q.series(WORKER, "queue_age_s", "max", alias="oldest work", ref="B"),
            ),
        ],
    )


def _readers() -> Section:
    return Section(
        "Readers",
        [
            states(
                About(
                    title="State of each device",
                    description="Live, stale, dead. Zero reads is a value, never a state.",
                    width=12,
                    height=8,
                    no_data=SILENT,
                ),
                q.series(DEVICE, "state", "last", by="device"),
                DEVICE_STATES,
            ),
            lines(
                About(
                    title="Readings of each device",
                    description="Smoothed observations a second. Zero at an idle door is normal.",
                    unit="cps",
                    width=12,
                    height=8,
                    no_data=SILENT,
                ),
                q.series(DEVICE, "reads_s", by="device"),
            ),
            lines(
                About(
                    title="Reads of each antenna",
                    description="Raw reads in the last minute. One line that falls alone is an"
                    " antenna or its cable.",
                    width=12,
                    height=8,
                    no_data="no reader tells its antennas",
                ),
                q.series(ANTENNA, "reads", by="antenna"),
            ),
            lines(
                About(
                    title="Level of each antenna",
                    description="Mean of the tags it heard in the last minute.",
                    unit="dBm",
                    width=12,
                    height=8,
                    no_data="no antenna has heard a tag",
                ),
                q.series(ANTENNA, "rssi_dbm", by="antenna"),
            ),
            lines(
                About(
                    title="Alarms of each device",
                    description="Antenna, read rate, reference tag, overflow, clock: how many.",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(DEVICE, "alarms", "max", by="device"),
            ),
            lines(
                About(
                    title="Clock of each device",
                    description="Its clock against its agent's; corrected in all readings.",
                    unit="ms",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(DEVICE, "skew_ms", by="device"),
            ),
        ],
    )


def _agents() -> Section:
    return Section(
        "Edge agents",
        [
            states(
                About(
                    title="State of each agent",
                    description="A gap is an agent that nobody heard.",
                    width=8,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(AGENT, "online", "last", by="agent"),
                ONLINE,
            ),
            lines(
                About(
                    title="Messages in the spool",
                    description="Not yet in the ledger; 0 in steady state.",
                    width=8,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(AGENT, "spooled", "max", by="agent"),
            ),
            lines(
                About(
                    title="Oldest message in the spool",
                    description="How long the oldest one has waited.",
                    unit="s",
                    width=8,
                    height=7,
                    no_data="no agent has told an age in this time",
                ),
                q.series(AGENT, "age_s", "max", by="agent"),
            ),
            lines(
                About(
                    title="Free disk of each agent",
                    description="Where the spool lies.",
                    unit="bytes",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(AGENT, "free_bytes", "min", by="agent"),
            ),
            lines(
                About(
                    title="Clock of each agent",
                    description="Its clock against the gateway's.",
                    unit="ms",
                    width=12,
                    height=7,
                    no_data=SILENT,
                ),
                q.series(AGENT, "clock_offset_ms", by="agent"),
            ),
        ],
    )
