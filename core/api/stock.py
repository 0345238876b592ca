"""Stock over HTTP: what can be sold, what lies where, what moved, and where one unit has been."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    Page,
    context,
    cursor_invalid,
    json_answer,
    number_after,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.orders import instant_parameter
from core.api.roles import READERS, allow
from core.api.schemas.orders import shown
from core.application.ports.stock_views import MoveFilter
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.naming import normal_unit_key
from core.domain.presence import age_s, presence_of

router = APIRouter(dependencies=[Depends(check_query)], tags=["stock"])
allow(
    READERS,
    "GET /v1/availability",
    "GET /v1/stock",
    "GET /v1/moves",
    "GET /v1/units/{key:path}",
    "GET /v1/handling-units/{name:path}",
    "GET /v1/journey/{key:path}",
)
JOURNEY_STEPS = 500


@router.get("/v1/availability", summary="What can be sold")
async def availability(
    request: Request,
    sku: Annotated[list[str] | None, Query()] = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """By item: on hand, available, promised, reserved, incoming and blocked quantities."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    after = number_after(page)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.order_views.availability(
            owners=owners,
            skus=sku or [],
            limit=page.limit + 1,
            after=None if after is None else (after,),
        )

    return _list(await transact(request, read, site=site), page, "item_id")


@router.get("/v1/stock", summary="What lies where")
async def stock(
    request: Request,
    sku: str | None = None,
    location: str | None = None,
    as_of: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """One row per item, lot, place, handling unit and status.

    With `as_of`, an instant of the past: what the book held then, without reservations.
    """
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    instant = instant_parameter("as_of", as_of)
    if instant is not None:
        return await _past(request, instant, page, owners, sku, location, site)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.stock_views.stock(
            owners=owners,
            sku=sku,
            location=location,
            limit=page.limit + 1,
            after=number_after(page),
        )

    return _list(await transact(request, read, site=site), page, "quant_id")


async def _past(
    request: Request,
    at: int,
    page: Page,
    owners: list[str] | None,
    sku: str | None,
    location: str | None,
    site: str | None,
) -> dict[str, Any]:
    if at > context(request).clock():
        detail = "as_of lies in the future: the book knows the past."
        raise Refused("validation", detail, errors=(FieldError("?as_of", "range", detail),))
    after = page.after
    if after is not None and tuple(map(type, after)) != (int, int, int, str, str):
        raise cursor_invalid()

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.stock_views.stock_as_of(
            at,
            owners=owners,
            sku=sku,
            location=location,
            limit=page.limit + 1,
            after=after,
        )

    rows = await transact(request, read, site=site)
    keys = ("item_id", "location_id", "lot_id", "handling_unit_text", "status")
    found = paged(rows, page, *keys)
    inner = {"location_id", "lot_id", "handling_unit_text"}
    unknown = dict.fromkeys(("reserved", "available", "received_at"))
    items = [
        {k: v for k, v in shown(row).items() if k not in inner} | unknown for row in found["items"]
    ]
    return {"items": items, "next_cursor": found["next_cursor"]}


@router.get("/v1/moves", summary="What moved")
async def moves(
    request: Request,
    item: str | None = None,
    epc: str | None = None,
    pass_: Annotated[str | None, Query(alias="pass")] = None,
    order: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Ledger lines, newest first; `item` is an SKU, `pass` and `order` are ids."""
    page = page_of(limit, cursor)
    wanted = MoveFilter(
        owners=owners_scope(request, owner),
        sku=item,
        epc_key=None if epc is None else normal_unit_key(epc, pointer="?epc"),
        pass_id=None if pass_ is None else path_id(pass_, "pass"),
        order_id=None if order is None else path_id(order, "order"),
    )

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.stock_views.moves(wanted, limit=page.limit + 1, before=number_after(page))

    return _list(await transact(request, read, site=site), page, "id")


@router.get("/v1/units/{key:path}", summary="One tagged unit")
async def unit(request: Request, key: str, site: str | None = None) -> Response:
    """By key, EPC in hex, URN or element string."""
    wanted, owners = normal_unit_key(key, pointer="/key"), owners_scope(request)

    async def read(uow: UnitOfWork) -> dict[str, Any]:
        return await uow.stock_views.unit(wanted, owners)

    return json_answer(shown(_believed(request, await transact(request, read, site=site))))


def _believed(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    """The row with what its position is worth by now: presence and age."""
    now, seen_at = context(request).clock(), row["last_seen_at"]
    presence = presence_of(row["confidence"], seen_at, now=now)
    return {**row, "presence": presence, "age_s": age_s(seen_at, now=now)}


@router.get("/v1/handling-units/{name:path}", summary="One handling unit and what it holds")
async def handling_unit(request: Request, name: str, site: str | None = None) -> Response:
    """By id or any form of its key."""
    owners = owners_scope(request)
    wanted = _id_or_key(name)

    async def read(uow: UnitOfWork) -> dict[str, Any]:
        return await uow.stock_views.handling_unit(wanted, owners)

    return json_answer(shown(_believed(request, await transact(request, read, site=site))))


def _id_or_key(name: str) -> UUID | str:
    try:
        UUID(name)
    except ValueError:
        return normal_unit_key(name, pointer="/name")
    return path_id(name, "handling unit")


@router.get("/v1/journey/{key:path}", summary="Where a unit or handling unit has been")
async def journey(request: Request, key: str, site: str | None = None) -> Response:
    """Moves, passes and positions in time order, at most the newest 500."""
    wanted, owners = normal_unit_key(key, pointer="/key"), owners_scope(request)

    async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
        return await uow.stock_views.journey(wanted, owners, limit=JOURNEY_STEPS)

    steps = [shown(step) for step in await transact(request, read, site=site)]
    return json_answer({"key": wanted, "steps": steps, "complete": len(steps) < JOURNEY_STEPS})


def _list(rows: list[dict[str, Any]], page: Any, key: str) -> dict[str, Any]:
    found = paged(rows, page, key)
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}
