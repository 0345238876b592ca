"""Sparkplug B 3.0 topics: the only place that builds or parses them.

Topics (sections 4 and 5): `spBv1.0/{group}/{type}/{node}[/{device}]`, `spBv1.0/STATE/{host}`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from edge.drivers.sparkplug_payload import PayloadError

MessageKind = Literal[
    "NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD", "STATE"
]
_NODE_KINDS: Final = frozenset({"NBIRTH", "NDEATH", "NDATA", "NCMD"})
_DEVICE_KINDS: Final = frozenset({"DBIRTH", "DDEATH", "DDATA", "DCMD"})
_NAMESPACE: Final = "spBv1.0"


class SparkplugTopic(NamedTuple):
    """Whose message this is; `device` is empty for the node itself, `node` is the host of STATE."""

    kind: MessageKind
    group: str
    node: str
    device: str = ""


def is_level(text: str) -> bool:
    """Whether `text` may be one level of a Sparkplug topic."""
    return 0 < len(text) <= 128 and not set(text) & set("+/#\0")


def parse_topic(topic: str) -> SparkplugTopic:
    """Raises `PayloadError` with the code `topic`."""
    levels = topic.split("/")
    if levels[0] == _NAMESPACE and all(is_level(level) for level in levels):
        if len(levels) == 3 and levels[1] == "STATE":
            return SparkplugTopic("STATE", "", levels[2])
        if len(levels) == 4 and levels[2] in _NODE_KINDS:
            return SparkplugTopic(levels[2], levels[1], levels[3])  # type: ignore[arg-type]
        if len(levels) == 5 and levels[2] in _DEVICE_KINDS:
            return SparkplugTopic(levels[2], levels[1], levels[3], levels[4])  # type: ignore[arg-type]
    raise PayloadError("topic", "not a Sparkplug B topic")


def data_filters(group: str, node: str) -> list[str]:
    """What to subscribe to for one node and its devices; commands are not listened to."""
    of_node = [f"{_NAMESPACE}/{group}/{kind}/{node}" for kind in ("NBIRTH", "NDEATH", "NDATA")]
    of_devices = [f"{_NAMESPACE}/{group}/{kind}/{node}/+" for kind in ("DBIRTH", "DDEATH", "DDATA")]
    return of_node + of_devices


def command_topic(group: str, node: str, device: str = "") -> str:
    """Where the node (or one of its devices) takes commands."""
    if device:
        return f"{_NAMESPACE}/{group}/DCMD/{node}/{device}"
    return f"{_NAMESPACE}/{group}/NCMD/{node}"
