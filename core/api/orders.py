"""Orders over HTTP: intake single and bulk, lists, changes, holds and cancels."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import (
    caller,
    context,
    cursor_id,
    cursor_invalid,
    idempotent,
    json_answer,
    owner_of,
    owners_scope,
    page_of,
    paged,
    path_id,
    site_of,
    transact,
)
from core.api.errors import PROBLEM, problem
from core.api.fields import parse_instant
from core.api.roles import LEADS, READERS, SELLERS, allow
from core.api.schemas.orders import (
    Decision,
    OrderIn,
    OrderPatch,
    document,
    order_request,
    requested_lines,
    shown,
)
from core.application import orders as rules
from core.application.intake import OrderRequest, accept_order
from core.application.order_rows import new_row
from core.application.ports.order_views import OrderFilter
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["orders"])
allow(SELLERS, "POST /v1/orders", "PATCH /v1/orders/{order_id}")
allow(READERS, "GET /v1/orders", "GET /v1/orders/{order_id}")
allow(
    SELLERS | LEADS,
    "POST /v1/orders/{order_id}/cancel",
    "POST /v1/orders/{order_id}/hold",
    "POST /v1/orders/{order_id}/unhold",
)
allow(LEADS, "POST /v1/orders/{order_id}/cancel/decision")
checks.NEEDS_KEY.add(("POST", "/v1/orders"))


def check_channel(request: Request, channel: str) -> None:
    """Orders of this channel may come in by this key."""
    if not caller(request).may_use_channel(channel):
        raise Refused("forbidden", "The key may not send orders of this channel.")


def request_of(request: Request, body: OrderIn) -> OrderRequest:
    """The order request of a body: channel, owner and site within what the key covers."""
    check_channel(request, body.channel)
    owner = owner_of(request, body.owner)
    return order_request(body, owner=owner, site=site_of(request, body.site))


def short_answer(request: Request, lines: tuple[dict[str, str | int], ...]) -> dict[str, Any]:
    """The problem of a fill_or_kill order that cannot be filled."""
    found = problem(
        "insufficient-stock",
        "The order cannot be promised in full; nothing was promised and the order is cancelled.",
        trace=request.state.trace,
        lines=lines,
    )
    answer: dict[str, Any] = json.loads(bytes(found.body))
    return answer


@router.post("/v1/orders", status_code=201, summary="Place an order")
async def add_order(request: Request, body: OrderIn) -> Response:
    """201 the new order; 200 the order that came with the same body before."""
    wanted = request_of(request, body)
    found = context(request)

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        done = await accept_order(unit, wanted, now=found.clock(), ids=found.ids)
        if done.outcome == "unfilled":
            return 409, short_answer(request, done.shortages)
        if done.order is not None:
            return 201, shown(new_row(done.order, wanted.body, site=unit.site))
        return 200, shown(await unit.order_views.order(done.order_id, None))

    response = await idempotent(request, work, site=body.site)
    if response.status_code >= 400:
        response.headers["content-type"] = PROBLEM
    return response


@router.get("/v1/orders", summary="Orders, newest first")
async def list_orders(
    request: Request,
    status: str | None = None,
    channel: str | None = None,
    external_order_id: str | None = None,
    updated_since: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Keyset paged; `updated_since` for polling."""
    page = page_of(limit, cursor)
    after = place_after(page.after)
    wanted = OrderFilter(
        owners=owners_scope(request, owner),
        status=status,
        channel=channel,
        external_order_id=external_order_id,
        updated_since=instant_parameter("updated_since", updated_since),
    )

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.order_views.orders(wanted, limit=page.limit + 1, after=after)

    rows = paged(await transact(request, read, site=site), page, "received_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


def place_after(place: tuple[Any, ...] | None) -> tuple[int, str] | None:
    """(instant, id) of a page cursor."""
    if place is None:
        return None
    if len(place) != 2 or type(place[0]) is not int:
        raise cursor_invalid()
    return place[0], str(cursor_id(place[1]))


def instant_parameter(name: str, value: str | None) -> int | None:
    """An RFC 3339 instant in the query."""
    if value is None:
        return None
    try:
        return parse_instant(value)
    except ValueError as error:
        detail = "Send a date and time with offset, as in 2026-03-02T09:15:00Z."
        code = getattr(error, "type", "format")
        raise Refused(
            "validation", detail, errors=(FieldError(f"?{name}", str(code), detail),)
        ) from None


@router.get("/v1/orders/{order_id}", summary="One order")
async def get_order(request: Request, order_id: str, site: str | None = None) -> Response:
    """With an ETag for PATCH."""
    wanted = path_id(order_id, "order")
    owners = owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.order_views.order(wanted, owners)

    return order_answer(await transact(request, read, site=site))


def order_answer(row: dict[str, Any]) -> Response:
    """An order with its ETag."""
    return json_answer(shown(row), headers={"ETag": f'"{row["version"]}"'})


def if_match(request: Request) -> int | None:
    """The version that a change was based on; `*` stands for whatever is there."""
    value = request.headers.get("if-match")
    if value is None:
        raise Refused("precondition-required", "Send If-Match with the ETag you read.")
    if value.strip() == "*":
        return None
    digits = value.strip().removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


@router.patch("/v1/orders/{order_id}", summary="Change an order")
async def patch_order(
    request: Request, order_id: str, body: OrderPatch, site: str | None = None
) -> Response:
    """Before release anything; later address, service and smaller quantities. Needs If-Match."""
    wanted, version = path_id(order_id, "order"), if_match(request)
    members = document(body)
    members.pop("lines", None)
    if "ship_by" in members:
        members["ship_by_us"] = body.ship_by
    lines = requested_lines(body.lines) if "lines" in body.model_fields_set else None
    change = rules.OrderChange(members=members, lines=lines, if_version=version)
    owners, found = owners_scope(request), context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await rules.change_order(
            unit, wanted, change, owners=owners, now=found.clock(), ids=found.ids
        )
        return await unit.order_views.order(wanted, owners)

    return order_answer(await transact(request, write, site=site))


@router.post("/v1/orders/{order_id}/cancel", summary="Cancel an order, or ask the floor to")
async def cancel(request: Request, order_id: str, site: str | None = None) -> Response:
    """Before release at once; from released to staged it sets `cancel_requested`."""
    wanted, owners = path_id(order_id, "order"), owners_scope(request)
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await rules.cancel_order(unit, wanted, owners=owners, now=now)
        return await unit.order_views.order(wanted, owners)

    return order_answer(await transact(request, write, site=site))


@router.post("/v1/orders/{order_id}/cancel/decision", summary="The floor answers a cancel request")
async def decide(
    request: Request, order_id: str, body: Decision, site: str | None = None
) -> Response:
    """Accepted: reservations are voided and picked goods get a put-back task."""
    wanted, owners = path_id(order_id, "order"), owners_scope(request)
    decision = cast("Literal['accept', 'refuse']", body.decision)
    found = context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await rules.decide_cancel(
            unit,
            wanted,
            decision,
            owners=owners,
            reason=body.reason,
            now=found.clock(),
            ids=found.ids,
        )
        return await unit.order_views.order(wanted, owners)

    return order_answer(await transact(request, write, site=site))


@router.post("/v1/orders/{order_id}/hold", summary="Put an order on hold")
async def hold(request: Request, order_id: str, site: str | None = None) -> Response:
    """It is not released until `unhold`."""
    return await _set_hold(request, order_id, "hold", site)


@router.post("/v1/orders/{order_id}/unhold", summary="Let an order go on")
async def unhold(request: Request, order_id: str, site: str | None = None) -> Response:
    """It may be released again."""
    return await _set_hold(request, order_id, "unhold", site)


async def _set_hold(
    request: Request, order_id: str, what: Literal["hold", "unhold"], site: str | None
) -> Response:
    wanted, owners = path_id(order_id, "order"), owners_scope(request)
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await rules.set_hold(unit, wanted, what, owners=owners, now=now)
        return await unit.order_views.order(wanted, owners)

    return order_answer(await transact(request, write, site=site))
