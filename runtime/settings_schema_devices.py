"""The keys of devices beside readers: sensors, outputs, serial lines and key layouts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Words = tuple[str, ...]
# Key below `edge.device[]` to the words it may hold.
CHOICES: Final[Mapping[str, Words]] = {
    "sensor[].kind": (
        "photo_eye",
        "gpi",
        "conveyor",
        "weight",
        "temperature",
        "humidity",
        "battery",
    ),
    "sensor[].event": ("jam", "speed"),
    "framing": ("8N1", "8E1", "8O1", "7E1", "7O1", "8N2"),
    "prefix": ("none", "stx"),
    "suffix": ("cr", "lf", "crlf", "etx", "tab"),
    "encoding": ("ascii", "utf-8", "latin-1"),
    "layout": ("us", "de", "fr"),
    "fnc1_key": ("none", "ctrl-bracket", "f8", "f12"),
}
# Key to its least and greatest whole number.
WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "unit_id": (0, 255),
    "poll_ms": (2, 1_000),
    "debounce_ms": (0, 500),
    "baud": (300, 921_600),
    "repeat_ms": (0, 10_000),
    "sensor[].input": (0, 65_535),
    "sensor[].port": (1, 64),
    "output[].port": (1, 64),
    "output[].coil": (0, 65_535),
    "reference[].every_s": (5, 86_400),
    "health.skew_ms": (10, 3_600_000),
}
NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "sensor[].factor": (-1_000_000, 1_000_000),
    "sensor[].step": (0, 100_000),
}
FLAGS: Final[Words] = ("sensor[].invert", "health.steady")
NAMES: Final[Words] = ("sensor[].belt",)
LEVELS: Final[Words] = ("group", "node", "sensor[].source", "output[].source")
TEXTS: Final[Words] = ("sensor[].metric", "output[].metric")
PATHS: Final[Words] = ("tty", "event_path")
SUBSTITUTES: Final[Words] = ("fnc1",)
EPCS: Final[Words] = ("reference[].epc",)
DRIVERS: Final[Words] = (
    *("llrp", "trace", "r700", "zebra", "zebra-handheld", "json"),
    *("sparkplug", "modbus", "serial", "hid"),
)
# These listen to a broker: the agent's own, or one on this machine.
MQTT_DRIVERS: Final = frozenset({"r700", "zebra", "zebra-handheld", "json", "sparkplug"})
MEASURED: Final = frozenset({"weight", "temperature", "humidity", "battery"})
_EPC = re.compile(r"(?:[0-9A-Fa-f]{4}){1,31}")
_LEVEL = re.compile(r"[^+/#\x00-\x1f\x7f]{1,128}")


def is_epc(value: object) -> bool:
    """Whether it is an EPC as readers report it: hex digits in fours, up to 496 bits."""
    return isinstance(value, str) and _EPC.fullmatch(value) is not None


def is_level(value: object) -> bool:
    """Whether it may be one level of a Sparkplug topic."""
    return isinstance(value, str) and _LEVEL.fullmatch(value) is not None


def is_substitute(value: object) -> bool:
    """Whether it may stand for FNC1: printable ASCII that no GS1 value could start with alone."""
    return (
        isinstance(value, str) and 1 <= len(value) <= 4 and value.isascii() and value.isprintable()
    )
