"""Telemetry: what a point costs the one who hands it over, and lines stored per second."""

from __future__ import annotations

import asyncio
import http.server
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Figure
from dashboards.influx import Telemetry
from dashboards.measurements import GATEWAY, line
from dashboards.spool import Spool
from dashboards.transport import Away, Transport, WriteV2

NOW = 1_795_000_000_000_000
LINES = 20_000
BATCH = 1_000
ROUNDS = 5
FIELDS = {
    "readings_s": 812.5,
    "messages_s": 33.25,
    "refused": 0,
    "group_size": 24.4,
    "commit_ms": 6.25,
    "lag_messages": 3,
}


class Gone:
    """A server that is not there."""

    def write(self, lines: Sequence[str]) -> None:
        """No answer."""
        raise Away("no answer")

    def close(self) -> None:
        """Nothing to close."""


class Taker(http.server.BaseHTTPRequestHandler):
    """Reads what is posted and thanks for it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """204 for everything."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def _encoded() -> tuple[list[str], float]:
    start = time.perf_counter()
    lines = [line(GATEWAY, {"site": "demo", "cell": "c"}, FIELDS, NOW + n) for n in range(LINES)]
    return lines, LINES / (time.perf_counter() - start)


def _sink(transport: Transport, place: Path) -> Telemetry:
    spool = Spool(place, max_bytes=256 * 1024 * 1024)
    return Telemetry(transport, spool, clock=lambda: NOW, memory_lines=LINES, batch_lines=BATCH)


def _handed(lines: list[str], place: Path) -> float:
    """Microseconds a line of the one who hands over, ten at a time."""
    sink = _sink(Gone(), place)
    start = time.perf_counter()
    for first in range(0, LINES, 10):
        sink.hand(lines[first : first + 10])
    return (time.perf_counter() - start) / LINES * 1e6


def _spooled(lines: list[str], place: Path) -> float:
    sink = _sink(Gone(), place)
    sink.hand(lines)
    start = time.perf_counter()
    sink.close()
    spent = time.perf_counter() - start
    if sink.counters.spooled != LINES:
        raise RuntimeError("lines are missing on the disk")
    return LINES / spent


def _stored(lines: list[str], url: str, place: Path) -> tuple[float, float]:
    """Lines a second through the sink, and through bare writes of the same batches."""
    transport = WriteV2(url, token="t", org="o", bucket="b")
    transport.write(lines[:1])
    batches = [lines[first : first + BATCH] for first in range(0, LINES, BATCH)]
    sink, stored, bare = _sink(transport, place), 0.0, 0.0
    for turn in range(1, ROUNDS + 1):
        start = time.perf_counter()
        for batch in batches:
            transport.write(batch)
        bare = max(bare, LINES / (time.perf_counter() - start))
        sink.hand(lines)
        start = time.perf_counter()
        asyncio.run(sink.step(NOW))
        stored = max(stored, LINES / (time.perf_counter() - start))
        if sink.counters.stored != turn * LINES:
            raise RuntimeError("lines are missing at the server")
    transport.close()
    return stored, bare


def run() -> list[Figure]:
    """Figures of encoding, handing over, spooling and storing."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as root:
            lines, encoded = _encoded()
            handed = _handed(lines, Path(root) / "handed")
            spooled = _spooled(lines, Path(root) / "spooled")
            url = f"http://127.0.0.1:{server.server_address[1]}"
            stored, bare = _stored(lines, url, Path(root) / "stored")
    finally:
        server.shutdown()
        server.server_close()
    size = len(lines[0])
    return [
        Figure("telemetry, encoded", encoded, "lines/s", None, f"{size} bytes a line, six fields"),
        Figure(
            "telemetry, handed over", handed, "us/line", None, "what it costs the movement path"
        ),
        Figure("telemetry, spooled", spooled, "lines/s", None, "server away: to the disk"),
        Figure(
            "telemetry, stored",
            stored,
            "lines/s",
            bare,
            f"batches of {BATCH} to a stub by influxdb-client; limit: its bare writes",
        ),
    ]
