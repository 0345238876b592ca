"""What `dockledger reader record --from` takes out of an agent's ring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from edge.drivers.port import RawReading
from edge.ring_start import ring_folder
from runtime import settings
from runtime.cli.exits import usage
from runtime.clock import now_us
from runtime.raw_past import devices_in, raw_past


def past_of(
    config: Path, *, device: str | None, since: str, until: str | None
) -> Iterator[RawReading]:
    """The readings of one device of this agent; ends the command where that is not one thing."""
    tree = settings.load(config, role=None)
    if tree.edge is None:
        raise usage("this configuration has no table edge")
    folder = ring_folder(tree.edge.spool.path)
    known = devices_in(folder)
    if device is None and len(known) == 1:
        device = known[0]
    if device not in known:
        raise usage(f"name a device the ring holds: {', '.join(known) or 'it holds none'}")
    end = now_us() if until is None else instant(until)
    return raw_past(folder, device=device, since=instant(since), until=end)


def instant(given: str) -> int:
    """Microseconds since 1970 of an ISO 8601 time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise usage(f"{given!r} is not a time as 2026-01-31T08:00:00Z") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.timestamp()) * 1_000_000 + found.microsecond
