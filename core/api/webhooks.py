"""Webhook endpoints: make, list, rotate, enable, replay; the secret is shown once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    context,
    cursor_id,
    cursor_invalid,
    json_answer,
    owner_of,
    owners_scope,
    page_of,
    paged,
    path_id,
    site_of,
    transact,
)
from core.api.fields import instant_text
from core.api.roles import MANAGER, SELLERS, allow
from core.api.schemas.webhooks import InboundIn, ReplayIn, WebhookIn
from core.application.inbound_hooks import rotate_inbound
from core.application.ports.uow import UnitOfWork
from core.application.ports.webhooks import ALL_OWNERS, Endpoint, WebhookSender
from core.application.webhooks import (
    add_endpoint,
    delete_endpoint,
    enable_endpoint,
    replay_endpoint,
    rotate_secret,
)
from core.domain.errors import FieldError, Refused

SENDER = "webhook_sender"
router = APIRouter(dependencies=[Depends(check_query)])
allow(
    SELLERS,
    "GET /v1/webhooks",
    "POST /v1/webhooks",
    "GET /v1/webhooks/{webhook_id}",
    "DELETE /v1/webhooks/{webhook_id}",
    "GET /v1/webhooks/{webhook_id}/deliveries",
    "POST /v1/webhooks/{webhook_id}/rotate",
    "POST /v1/webhooks/{webhook_id}/enable",
    "POST /v1/webhooks/{webhook_id}/replay",
)
allow(MANAGER, "POST /v1/inbound-secrets")
_TAGS: list[Any] = ["webhooks"]


def shown(endpoint: Endpoint, *, secret: str | None = None) -> dict[str, Any]:
    """An endpoint as the interface shows it; the secret only when it was just made."""
    document: dict[str, Any] = {
        "id": str(endpoint.endpoint_id),
        "owner": endpoint.owner_id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "timeout_s": endpoint.timeout_s,
        "state": endpoint.state,
        "state_reason": endpoint.state_reason,
        "rotated_at": instant_text(endpoint.rotated_at),
        "created_at": instant_text(endpoint.created_at),
    }
    return document if secret is None else {**document, "secret": secret}


@router.post("/v1/webhooks", status_code=201, tags=_TAGS, summary="Make a webhook endpoint")
async def add(
    request: Request, body: WebhookIn, site: str | None = None, owner: str | None = None
) -> Response:
    """The answer holds the signing secret; it is never shown again."""
    found = context(request)
    site_of(request, site)
    wanted = owner_of(request, owner, default=ALL_OWNERS)
    if wanted == ALL_OWNERS and owners_scope(request) is not None:
        wanted = owner_of(request, owner)
    for place, event in enumerate(body.events):
        if event in body.events[:place]:
            error = FieldError(f"/events/{place}", "duplicate", "This event is named twice.")
            raise Refused("validation", "An event is named twice.", errors=(error,))
    sender: WebhookSender = found.extras[SENDER]
    await sender.check(body.url)

    async def write(uow: UnitOfWork) -> Endpoint:
        return await add_endpoint(
            uow,
            owner=wanted,
            url=body.url,
            events=body.events,
            timeout_s=body.timeout_s,
            now=found.clock(),
            ids=found.ids,
            token=found.token,
        )

    made = await transact(request, write, site=site)
    return json_answer(shown(made, secret=made.secret), 201)


@router.get("/v1/webhooks", tags=_TAGS, summary="Webhook endpoints")
async def listed(
    request: Request,
    site: str | None = None,
    owner: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Endpoints of the owners that this key covers."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    after = cursor_id(page.after[0]) if page.after else None

    async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
        rows = await uow.webhooks.endpoints(owners, after=after, limit=page.limit + 1)
        return [shown(row) for row in rows]

    return paged(await transact(request, read, site=site), page, "id")


@router.get("/v1/webhooks/{webhook_id}", tags=_TAGS, summary="One webhook endpoint")
async def one(request: Request, webhook_id: str, site: str | None = None) -> dict[str, Any]:
    """Never with its secret."""
    wanted, owners = path_id(webhook_id, "webhook"), owners_scope(request)

    async def read(uow: UnitOfWork) -> Endpoint:
        return await uow.webhooks.endpoint(wanted, owners)

    return shown(await transact(request, read, site=site))


@router.delete("/v1/webhooks/{webhook_id}", status_code=204, tags=_TAGS, summary="Delete")
async def delete(request: Request, webhook_id: str, site: str | None = None) -> Response:
    """What waits for it is dropped."""
    wanted, owners = path_id(webhook_id, "webhook"), owners_scope(request)

    async def write(uow: UnitOfWork) -> None:
        await delete_endpoint(uow, wanted, owners=owners)

    await transact(request, write, site=site)
    return Response(status_code=204)


@router.get("/v1/webhooks/{webhook_id}/deliveries", tags=_TAGS, summary="Its deliveries")
async def deliveries(
    request: Request,
    webhook_id: str,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Newest first; `last_outcome` says how the last try ended."""
    wanted, owners = path_id(webhook_id, "webhook"), owners_scope(request)
    page = page_of(limit, cursor)
    if state not in (None, "due", "delivered", "dead"):
        detail = "state must be due, delivered or dead."
        raise Refused("validation", detail, errors=(FieldError("?state", "choice", detail),))
    after = page.after[0] if page.after else None
    if after is not None and not isinstance(after, int):
        raise cursor_invalid()

    async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
        await uow.webhooks.endpoint(wanted, owners)
        return [
            _delivery(row)
            for row in await uow.webhooks.deliveries(
                wanted, state=state, after=after, limit=page.limit + 1
            )
        ]

    return paged(await transact(request, read, site=site), page, "event_id")


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: instant_text(row[name]) for name in ("due_at", "created_at", "delivered_at")}
    kept = ("event", "aggregate", "state", "attempts", "last_outcome")
    return {
        "id": str(row["delivery_id"]),
        "event_id": row["outbox_id"],
        **{name: row[name] for name in kept},
        **times,
    }


@router.post("/v1/webhooks/{webhook_id}/rotate", tags=_TAGS, summary="Make a new secret")
async def rotate(request: Request, webhook_id: str, site: str | None = None) -> dict[str, Any]:
    """For 24 hours both secrets sign."""
    wanted, owners, found = path_id(webhook_id, "webhook"), owners_scope(request), context(request)

    async def write(uow: UnitOfWork) -> Endpoint:
        return await rotate_secret(uow, wanted, owners=owners, now=found.clock(), token=found.token)

    endpoint = await transact(request, write, site=site)
    return shown(endpoint, secret=endpoint.secret)


@router.post("/v1/webhooks/{webhook_id}/enable", tags=_TAGS, summary="Enable after a 410")
async def enable(request: Request, webhook_id: str, site: str | None = None) -> dict[str, Any]:
    """What waited is sent now."""
    wanted, owners, found = path_id(webhook_id, "webhook"), owners_scope(request), context(request)

    async def write(uow: UnitOfWork) -> Endpoint:
        return await enable_endpoint(uow, wanted, owners=owners, now=found.clock())

    return shown(await transact(request, write, site=site))


@router.post("/v1/webhooks/{webhook_id}/replay", tags=_TAGS, summary="Try dead deliveries again")
async def replay(
    request: Request, webhook_id: str, body: ReplayIn, site: str | None = None
) -> dict[str, int]:
    """Those created since the moment named; ids stay, so receivers can drop doubles."""
    wanted, owners, found = path_id(webhook_id, "webhook"), owners_scope(request), context(request)

    async def write(uow: UnitOfWork) -> int:
        return await replay_endpoint(
            uow, wanted, owners=owners, since=body.since, now=found.clock()
        )

    return {"replayed": await transact(request, write, site=site)}


@router.post("/v1/inbound-secrets", status_code=201, tags=_TAGS, summary="Let a channel sign")
async def inbound_secret(
    request: Request, body: InboundIn, site: str | None = None, owner: str | None = None
) -> Response:
    """A new secret for orders posted to `/v1/inbound/{channel}`; the old one lives 24 h more."""
    found = context(request)
    wanted = owner_of(request, owner)

    async def write(uow: UnitOfWork) -> str:
        return await rotate_inbound(
            uow, body.channel, owner=wanted, now=found.clock(), token=found.token
        )

    secret = await transact(request, write, site=site)
    return json_answer({"channel": body.channel, "owner": wanted, "secret": secret}, 201)
