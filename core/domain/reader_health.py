"""What the health of a device or a refused configuration means to a person: kind and sentence.

Only of devices that are live: what a stale or dead one does not hear needs no second alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

ANTENNA, RATE, REFERENCE = "device.antenna", "device.rate", "device.reference"
OVERFLOW, SKEW, CONFIG = "device.overflow", "device.skew", "agent.config"
DEVICE_HEALTH: Final = (ANTENNA, RATE, REFERENCE, OVERFLOW, SKEW)
Said = tuple[str, str]


def health_alarms(health: Mapping[str, object]) -> list[Said]:
    """(kind, message) of every alarm that should stand by what the agent told."""
    alarms = set(_texts(health.get("alarms")))
    found: list[Said] = []
    ports = antennas_in(health, "fault")
    if "antenna_fault" in alarms:
        found.append((ANTENNA, f"The reader says that {_antennas(ports)} is not connected."))
    elif "antenna_silent" in alarms:
        ports = antennas_in(health, "silent")
        text = f"{_antennas(ports)} hears nothing of what its neighbours hear."
        found.append((ANTENNA, text[0].upper() + text[1:]))
    if "rate_collapse" in alarms:
        text = "The reader reads at most a fifth of what it read over the last minutes."
        found.append((RATE, text))
    if "reference_missing" in alarms:
        tags = ", ".join(_texts(health.get("missing"))[:3]) or "its reference tag"
        found.append((REFERENCE, f"A reference tag is not heard in its time: {tags}."))
    if "overflow" in alarms:
        found.append((OVERFLOW, "The reader's buffer ran over: it lost reads by itself."))
    if "skew" in alarms:
        found.append((SKEW, f"The device's clock is wrong{_by(health)}; its times are corrected."))
    return found


def config_alarm(state: str | None, offered: int | None, error: str | None) -> Said | None:
    """A configuration that the agent does not run though it was offered."""
    if state not in ("refused", "fallback"):
        return None
    did = "refused" if state == "refused" else "gave up"
    return CONFIG, f"The agent {did} configuration {offered}: {error or 'no reason given'}."


def antennas_in(health: Mapping[str, object], state: str) -> list[int]:
    """The ports of the antennas in this state."""
    antennas = health.get("antennas")
    rows = antennas if isinstance(antennas, Sequence) else ()
    return [row["antenna"] for row in rows if row.get("state") == state]


def _antennas(ports: Sequence[int]) -> str:
    return f"antenna {', '.join(map(str, ports))}" if ports else "an antenna"


def _by(health: Mapping[str, object]) -> str:
    skew = health.get("clock_skew_ms")
    if not isinstance(skew, int | float):
        return ""
    return f" by {abs(skew) / 1000:.1f} s ({'ahead' if skew > 0 else 'behind'})"


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, Iterable) else []
