"""Thresholds of portals: start values, overridden by a portal's settings; passes name the version.

Powers in dBm and dB, times in microseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What decides at a portal: start values, each a setting of the portal."""

    observed_reads: int = 2
    observed_us: int = 200_000
    motion_db: float = 3.0
    motion_window_us: int = 1_500_000
    floor_dbm: float = -78.0
    static_sd_db: float = 0.5
    static_reads: int = 5
    same_level_db: float = 3.0
    louder_db: float = 3.0
    # So much weaker than before the door, a later read on the entry side is no return: two-way
    # free space from 1.6 m, past the antenna, to 5.4 m, well beyond the door.
    echo_db: float = 21.0
    quiet_us: int = 3_000_000
    longest_us: int = 30_000_000
    lookback_us: int = 6_000_000
    # Around the beam sequence, or the median crossing time: where a load is at the door.
    core_us: int = 500_000
    apart_us: int = 2_000_000
    same_load_us: int = 700_000
    majority: float = 0.6
    lead: float = 0.2
    alone: float = 0.9
    expected_reads: float = 3.0
    late_us: int = 10_000_000
    silent_agent_us: int = 15_000_000

    @property
    def version(self) -> str:
        """A name for these very values."""
        text = ";".join(f"{name}={value}" for name, value in asdict(self).items())
        return f"rules-1/{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def thresholds_of(settings: Mapping[str, object]) -> Thresholds:
    """The start values with a portal's own in their place; other settings are not ours."""
    given: dict[str, float | int] = {}
    defaults = asdict(Thresholds())
    for one in fields(Thresholds):
        value = settings.get(one.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            whole = isinstance(defaults[one.name], int)
            given[one.name] = int(value) if whole else float(value)
    return replace(Thresholds(), **given)  # type: ignore[arg-type]
