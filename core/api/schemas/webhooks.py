"""Bodies of the webhook routes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core.api.fields import Body, Check, Instant, choice, fail, text, whole
from core.domain.webhooks import EVENTS


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise fail("type", "This must be a text.")
    if not value.strip():
        raise fail("required", "This must not be empty.")
    return value


# Everything else about a URL has codes of its own, after the fields.
Url = Annotated[str, Check(_url, {"type": "string", "format": "uri", "maxLength": 2048})]


class WebhookIn(Body):
    """An endpoint that gets the events it names, signed with a secret that we make."""

    url: Url
    events: list[Annotated[str, choice(*EVENTS)]] = Field(min_length=1, max_length=50)
    timeout_s: Annotated[int, whole(1, 30)] = 5


class ReplayIn(Body):
    """Which dead deliveries to try again: those created since this moment."""

    since: Instant


class InboundIn(Body):
    """A channel whose system posts orders by signature."""

    channel: Annotated[str, text(64)]
