"""Lots over HTTP: what there is of each, its trace both ways, recall and release."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import (
    caller,
    context,
    idempotent,
    json_answer,
    number_after,
    owners_scope,
    page_of,
    paged,
    transact,
)
from core.api.roles import LEADS, READERS, allow
from core.api.schemas.orders import shown
from core.api.schemas.tags import ReasonIn
from core.application.ports.uow import UnitOfWork
from core.application.recalls import Recall, recall_lot, release_lot
from core.domain.errors import not_found

router = APIRouter(dependencies=[Depends(check_query)], tags=["stock"])
_ONE = "/v1/lots/{lot_id}"
allow(READERS, "GET /v1/lots", f"GET {_ONE}", f"GET {_ONE}/trace")
allow(LEADS, f"POST {_ONE}/recall", f"POST {_ONE}/release")
checks.NEEDS_KEY |= {("POST", f"{_ONE}/recall"), ("POST", f"{_ONE}/release")}
TRACE_ROWS = 5000
Act = Callable[..., Awaitable[Recall]]


def lot_number(text: str) -> int:
    """The lot id of a path; anything but digits does not exist here."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise not_found("lot")
    return int(text)


@router.get("/v1/lots", summary="Lots, with what is on hand of each")
async def list_lots(
    request: Request,
    sku: str | None = None,
    lot: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Oldest first; `sku` and `lot` name one item or one code."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    after = number_after(page)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.lots.listed(
            owners=owners, sku=sku, code=lot, limit=page.limit + 1, after=after
        )

    found = paged(await transact(request, read, site=site), page, "id")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


@router.get(_ONE, summary="One lot")
async def get_lot(request: Request, lot_id: str, site: str | None = None) -> Response:
    """Its dates, its recall if there is one, and what is on hand."""
    number, owners = lot_number(lot_id), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.lots.one(number, owners)

    return json_answer(shown(await transact(request, read, site=site)))


@router.get(f"{_ONE}/trace", summary="Where a lot came from, lies, and went")
async def trace_lot(request: Request, lot_id: str, site: str | None = None) -> Response:
    """`received` by ASN and pass, `here` by bin, `in_orders` on the floor, `shipped` by order.

    At most 5,000 rows of each part, the newest; `complete` is false where there are more.
    """
    number, owners = lot_number(lot_id), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        lot = await unit.lots.one(number, owners)
        parts = await unit.lots.trace(number, limit=TRACE_ROWS + 1)
        return {"lot": lot, **parts}

    found = await transact(request, read, site=site)
    lot = found.pop("lot")
    whole = all(len(rows) <= TRACE_ROWS for rows in found.values())
    parts = {name: [shown(row) for row in rows[:TRACE_ROWS]] for name, rows in found.items()}
    return json_answer({"lot": shown(lot), **parts, "complete": whole})


async def _act(
    request: Request, lot_id: str, body: ReasonIn, site: str | None, act: Act
) -> Response:
    number, owners, found = lot_number(lot_id), owners_scope(request), context(request)
    actor = caller(request).name

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        done = await act(
            unit,
            number,
            reason=body.reason,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )
        orders = [{"order_number": o.order_number, "quantity": o.quantity} for o in done.orders]
        lot = shown(await unit.lots.one(number, owners))
        return 200, {"lot": lot, "moved": done.moved, "in_orders": orders}

    return await idempotent(request, work, site=site)


@router.post(f"{_ONE}/recall", summary="Hold a lot wherever it lies")
async def recall(
    request: Request, lot_id: str, body: ReasonIn, site: str | None = None
) -> Response:
    """What arrives of it later is held too; orders that have some in a carton raise an alarm."""
    return await _act(request, lot_id, body, site, recall_lot)


@router.post(f"{_ONE}/release", summary="End a recall")
async def release(
    request: Request, lot_id: str, body: ReasonIn, site: str | None = None
) -> Response:
    """All that is on hold of it, for whatever reason, becomes available, or expired."""
    return await _act(request, lot_id, body, site, release_lot)
