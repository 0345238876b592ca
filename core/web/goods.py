"""Pages of goods: orders with their trail, and the journey of whatever carries a tag."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.deps import context, paged, path_id
from core.api.orders import place_after
from core.application.ports.order_views import OrderFilter
from core.application.ports.stock_views import MoveFilter
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused
from core.domain.naming import normal_unit_key
from core.domain.presence import presence_of
from core.domain.states import ORDER
from core.web.forms import chosen, page
from core.web.render import read, scope_of, show, who
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOVES, PICKS, STEPS = 100, 200, 300


@router.get("/orders")
async def orders(request: Request) -> Response:
    """Newest first."""
    owners, wanted = scope_of(who(request)), page(request)
    status = chosen(request, "status", "", *ORDER.states)
    external = request.query_params.get("external", "").strip()
    after = place_after(wanted.after)

    async def find(unit: UnitOfWork) -> list[dict[str, Any]]:
        only = OrderFilter(owners=owners, status=status or None, external_order_id=external or None)
        return await unit.order_views.orders(only, limit=wanted.limit + 1, after=after)

    rows = paged(await read(request, find), wanted, "received_at", "id")
    return await show(request, "orders.html", status=status, external=external, **rows)


@router.get("/orders/{order_id}")
async def order(request: Request, order_id: str) -> Response:
    """Lines, cartons, picks, moves."""
    wanted, owners = path_id(order_id, "order"), scope_of(who(request))

    async def find(unit: UnitOfWork) -> dict[str, Any]:
        return {
            "o": await unit.order_views.order(wanted, owners),
            "picks": await unit.order_views.pick_tasks(owners=owners, order_id=wanted, limit=PICKS),
            "moves": await unit.stock_views.moves(
                MoveFilter(owners=owners, order_id=wanted), limit=MOVES, before=None
            ),
        }

    return await show(request, "order.html", **await read(request, find))


@router.get("/find/{key:path}")
async def found(request: Request, key: str) -> Response:
    """Where a unit or handling unit is, was, and how that is known."""
    wanted, owners = normal_unit_key(key, pointer="/key"), scope_of(who(request))

    async def look(unit: UnitOfWork) -> dict[str, Any]:
        steps = await unit.stock_views.journey(wanted, owners, limit=STEPS)
        try:
            it, is_carrier = await unit.stock_views.handling_unit(wanted, owners), True
        except Refused:
            it, is_carrier = await unit.stock_views.unit(wanted, owners), False
        now = context(request).clock()
        believed = presence_of(it["confidence"], it["last_seen_at"], now=now)
        return {"it": it, "is_carrier": is_carrier, "steps": steps, "presence": believed}

    return await show(request, "find.html", key=wanted, **await read(request, look))
