"""MQTT topics: the only place that builds or parses a topic string."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

UpKind = Literal["reads", "scans", "sensors", "status"]
DownKind = Literal["cursor", "command"]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,127}")
_UP = re.compile(r"wh/v1/([^/]+)/agents/([^/]+)/(reads|scans|sensors|status)")
_POSITION = re.compile(r"wh/v1/([^/]+)/positions/([^/]+)")


class UpTopic(NamedTuple):
    """Who published, and which kind of message."""

    site: str
    agent: str
    kind: UpKind


def is_name(text: str, *, limit: int) -> bool:
    """Whether `text` may name a site or device (limit 64) or an agent (limit 128)."""
    return len(text) <= limit and _NAME.fullmatch(text) is not None


def up(site: str, agent: str, kind: UpKind) -> str:
    """The topic an agent publishes to."""
    return f"wh/v1/{site}/agents/{agent}/{kind}"


def down(site: str, agent: str, kind: DownKind) -> str:
    """The topic an agent listens to."""
    return f"wh/v1/{site}/agents/{agent}/{kind}"


def position(site: str, handling_unit: str) -> str:
    """The retained topic of a handling unit's position; `handling_unit` is its ledger id."""
    return f"wh/v1/{site}/positions/{handling_unit}"


def all_up(site: str) -> list[str]:
    """The filters a gateway subscribes to."""
    return [f"wh/v1/{site}/agents/+/{kind}" for kind in ("reads", "scans", "sensors", "status")]


def all_down(site: str, agent: str) -> list[str]:
    """The filters an agent subscribes to."""
    return [down(site, agent, "cursor"), down(site, agent, "command")]


def parse_up(topic: str) -> UpTopic | None:
    """Who sent this, or None when it is no topic of ours."""
    found = _UP.fullmatch(topic)
    return UpTopic(found[1], found[2], found[3]) if found else None  # type: ignore[arg-type]


def parse_position(topic: str) -> tuple[str, str] | None:
    """(site, handling unit id) of a position topic, or None."""
    found = _POSITION.fullmatch(topic)
    return (found[1], found[2]) if found else None
