"""A reader tried from the command line: connect, listen for a while, count by antenna."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.drivers.llrp import LlrpConfig, LlrpDriver
from edge.drivers.llrp_capabilities import Capabilities
from edge.drivers.port import DriverNotice, FatalError, RawRead, RawReading, TransientError
from runtime.cli.exits import Code, CommandError
from runtime.clock import now_us


@dataclass(slots=True)
class Tally:
    """What was heard, by antenna port (None = the reader did not say)."""

    reads: Counter[int | None] = field(default_factory=Counter)
    tags: defaultdict[int | None, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    levels: defaultdict[int | None, list[float]] = field(default_factory=lambda: defaultdict(list))
    notices: list[DriverNotice] = field(default_factory=list)

    def add(self, reading: RawReading) -> None:
        """Count one reading; a read the device merged counts as often as it says."""
        if isinstance(reading, RawRead):
            self.reads[reading.antenna] += reading.count
            self.tags[reading.antenna].add(reading.epc)
            if reading.rssi_dbm is not None:
                self.levels[reading.antenna].append(reading.rssi_dbm)
        elif isinstance(reading, DriverNotice) and reading.what != "connected":
            self.notices.append(reading)

    def rows(self, ports: list[int], seconds: float) -> list[dict[str, object]]:
        """A row for each port, also for one that heard nothing: zero is a value."""
        unnamed: list[int | None] = [None] if self.reads[None] else []
        return [
            {
                "antenna": port,
                "reads": self.reads[port],
                "reads_per_s": round(self.reads[port] / seconds, 1),
                "tags": len(self.tags[port]),
                "rssi_dbm_median": _median(self.levels[port]),
                "rssi_dbm_best": max(self.levels[port], default=None),
            }
            for port in [*ports, *unnamed]
        ]


def _median(levels: list[float]) -> float | None:
    return round(statistics.median(levels), 1) if levels else None


async def listen(
    config: LlrpConfig, *, seconds: float | None, each: Callable[[RawReading], None]
) -> Capabilities:
    """Connect, hand over what is heard for so long (None = until cancelled), and let go.

    Ends the command: `reader-away` when it cannot be reached or is lost, `reader-refused` when it
    cannot work as asked.
    """
    driver = LlrpDriver(config, now_us=now_us)
    try:
        await driver.connect()
        try:
            async with asyncio.timeout(seconds):
                async for reading in driver.readings():
                    each(reading)
        except TimeoutError:
            pass
    except TransientError as error:
        raise CommandError(Code.TRY_AGAIN, "reader-away", str(error)) from None
    except FatalError as error:
        raise CommandError(Code.REFUSED, "reader-refused", str(error)) from None
    finally:
        await driver.close()
    return driver.capabilities
