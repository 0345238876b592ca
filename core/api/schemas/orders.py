"""Order bodies: every limit of the interface, and how an order is kept and shown."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, cast

from pydantic import Field, model_validator

from core.api.fields import (
    Body,
    ExternalId,
    Instant,
    Note,
    Quantity,
    Sku,
    choice,
    fail,
    instant_text,
    no_repeats,
    text,
)
from core.api.schemas.absent import ABSENT
from core.application.intake import OrderRequest, RequestedLine
from core.domain.orders import FillPolicy

FILL_POLICIES = ("fill_all", "fill_available", "fill_or_kill")
PRIORITIES = ("low", "normal", "high", "urgent")
TIMES = ("ship_by", "deliver_by", "requested_ship_date")
_Text = Annotated[str, text(128)]
_Scope = Annotated[str, text(64)]


class Address(Body):
    """Where the goods go; `country` is ISO 3166 alpha-2."""

    name: _Text = Field(default=ABSENT)
    company: _Text = Field(default=ABSENT)
    line1: _Text = Field(default=ABSENT)
    line2: _Text = Field(default=ABSENT)
    line3: _Text = Field(default=ABSENT)
    city: _Text = Field(default=ABSENT)
    region: _Text = Field(default=ABSENT)
    postal_code: Annotated[str, text(32)] = Field(default=ABSENT)
    country: Annotated[str, text(2, low=2)] = Field(default=ABSENT)
    phone: Annotated[str, text(64)] = Field(default=ABSENT)
    email: _Text = Field(default=ABSENT)


class Service(Body):
    """The carrier's service, or a speed."""

    carrier: _Text = Field(default=ABSENT)
    code: _Text = Field(default=ABSENT)
    speed: _Text = Field(default=ABSENT)


class Customs(Body):
    """What customs ask for: HS code, country of origin, value and currency."""

    hs_code: Annotated[str, text(16)] = Field(default=ABSENT)
    origin: Annotated[str, text(2, low=2)] = Field(default=ABSENT)
    value: Annotated[str, text(32)] = Field(default=ABSENT)
    currency: Annotated[str, text(3, low=3)] = Field(default=ABSENT)


class LineIn(Body):
    """One line; one SKU on two lines is legal and summed."""

    external_line_id: ExternalId = Field(default=ABSENT)
    sku: Sku
    quantity: Quantity
    customs: Customs = Field(default=ABSENT)


class OrderFields(Body):
    """What an order may say beside its identity and lines."""

    ship_to: Address = Field(default=ABSENT)
    priority: Annotated[str, choice(*PRIORITIES)] = Field(default="normal")
    ship_by: Instant = Field(default=ABSENT)
    deliver_by: Instant = Field(default=ABSENT)
    requested_ship_date: Instant = Field(default=ABSENT)
    service: Service = Field(default=ABSENT)
    hold: bool = Field(default=False)
    notes: Note = Field(default=ABSENT)
    tags: Annotated[list[Annotated[str, text(64)]], no_repeats()] = Field(
        default=ABSENT, max_length=20
    )
    customs: Customs = Field(default=ABSENT)


class OrderIn(OrderFields):
    """A new order."""

    external_order_id: ExternalId
    channel: ExternalId
    lines: list[LineIn] = Field(min_length=1, max_length=500)
    site: _Scope = Field(default=ABSENT)
    owner: _Scope = Field(default=ABSENT)
    fill_policy: Annotated[str, choice(*FILL_POLICIES)] = Field(default="fill_all")


class BulkIn(Body):
    """Up to 500 orders; `reject_all` takes all or none, `accept_valid` each by itself."""

    policy: Annotated[str, choice("reject_all", "accept_valid")]
    orders: list[Any] = Field(min_length=1, max_length=500)


class OrderPatch(OrderFields):
    """A change; only what is named changes."""

    lines: list[LineIn] = Field(default=ABSENT, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _something(self) -> OrderPatch:
        if not self.model_fields_set:
            raise fail("required", "Name at least one field to change.")
        return self


class Decision(Body):
    """The floor's answer to a cancel request."""

    decision: Annotated[str, choice("accept", "refuse")]
    reason: Annotated[str, text(200)] = Field(default=ABSENT)


class ReleaseIn(Body):
    """Orders to release by hand, or how many of the waiting ones to release by rule."""

    order_ids: list[Annotated[str, text(36)]] = Field(default=ABSENT, min_length=1, max_length=500)
    limit: Annotated[int, Field(ge=1, le=500)] = Field(default=100)


def requested_lines(lines: list[LineIn]) -> tuple[RequestedLine, ...]:
    """Lines with their ids; the default id is the line's position, from 1."""
    return tuple(
        RequestedLine(line.external_line_id or str(n), line.sku, line.quantity)
        for n, line in enumerate(lines, start=1)
    )


def document(body: Body) -> dict[str, Any]:
    """What is kept of a body: the members that were sent, times as RFC 3339 UTC."""
    kept = body.model_dump(exclude_unset=True)
    return {k: instant_text(v) if k in TIMES else v for k, v in kept.items()}


def order_request(body: OrderIn, *, owner: str, site: str) -> OrderRequest:
    """The request behind a valid body; equal bodies have equal digests, defaults written out."""
    lines = requested_lines(body.lines)
    whole = body.model_dump() | {"owner": owner, "site": site}
    for line, named in zip(whole["lines"], lines, strict=True):
        line["external_line_id"] = named.external_line_id
    canonical = json.dumps(whole, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return OrderRequest(
        owner=owner,
        channel=body.channel,
        external_order_id=body.external_order_id,
        lines=lines,
        fill_policy=cast("FillPolicy", body.fill_policy),
        priority=body.priority,
        ship_by=body.ship_by,
        on_hold=body.hold,
        body=document(body),
        digest=hashlib.sha256(canonical.encode()).digest(),
    )


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the read side as JSON: instants as text, the row's version left to the ETag."""
    return {
        name: instant_text(value)
        if name.endswith("_at") or name in ("at", "ship_by", "lease_until")
        else [shown(entry) if isinstance(entry, dict) else entry for entry in value]
        if isinstance(value, list)
        else value
        for name, value in row.items()
        if name not in ("version", "item_id")
    }
