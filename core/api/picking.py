"""Release and picking over HTTP: orders to the floor, tasks to pickers, picks into totes."""

from __future__ import annotations

from typing import Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    caller,
    context,
    cursor_id,
    json_answer,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.roles import LEADS, READERS, STAFF, allow
from core.api.schemas.floor import ConfirmPick, NextPick, ShortPick, ToteIn
from core.api.schemas.orders import ReleaseIn, shown
from core.application import picking
from core.application.ports.uow import UnitOfWork
from core.application.release import Released, dissolve, release_by_rule, release_orders
from core.application.totes import register_tote
from core.domain.errors import FieldError, Refused
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["picking"])
allow(LEADS, "POST /v1/releases", "POST /v1/orders/{order_id}/dissolve")
allow(READERS, "GET /v1/pick-tasks")
allow(
    STAFF,
    "POST /v1/pick-tasks/next",
    "POST /v1/pick-tasks/{task_id}/confirm",
    "POST /v1/pick-tasks/{task_id}/short",
    "POST /v1/pick-tasks/{task_id}/handback",
    "POST /v1/totes",
)
LEASE_US = 15 * 60 * 1_000_000


@router.post("/v1/releases", summary="Release orders to the floor")
async def release(request: Request, body: ReleaseIn, site: str | None = None) -> dict[str, Any]:
    """Named orders, or the most urgent waiting ones up to `limit`."""
    found, owners = context(request), owners_scope(request)
    wanted = [path_id(text, "order") for text in body.order_ids or ()]

    async def write(unit: UnitOfWork) -> Released:
        if wanted:
            return await release_orders(
                unit, wanted, owners=owners, now=found.clock(), ids=found.ids
            )
        return await release_by_rule(
            unit, limit=body.limit, now=found.clock(), ids=found.ids, owners=owners
        )

    done = await transact(request, write, site=site)
    return {
        "released": [str(order_id) for order_id in done.orders],
        "short": [
            {
                "id": str(short.order_id),
                "sku": short.sku,
                "wanted": short.wanted,
                "reservable": short.reservable,
            }
            for short in done.short
        ],
    }


@router.post("/v1/orders/{order_id}/dissolve", summary="Take an order back from the floor")
async def take_back(request: Request, order_id: str, site: str | None = None) -> Response:
    """Before its first pick: the promises are restored."""
    wanted, owners, found = path_id(order_id, "order"), owners_scope(request), context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await dissolve(unit, wanted, owners=owners, now=found.clock(), ids=found.ids)
        return await unit.order_views.order(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.get("/v1/pick-tasks", summary="Pick tasks")
async def list_tasks(
    request: Request,
    state: str | None = None,
    order: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """By id; `order` is an order id."""
    page = page_of(limit, cursor)
    order_id = None if order is None else path_id(order, "order")
    after = None if page.after is None else (str(cursor_id(page.after[0])),)
    owners = owners_scope(request, owner)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.order_views.pick_tasks(
            owners=owners, state=state, order_id=order_id, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.post("/v1/pick-tasks/next", summary="Work for a picker")
async def next_tasks(request: Request, body: NextPick, site: str | None = None) -> Response:
    """Tasks of one order in walking order: what the worker has in hand, else new ones; or 204."""
    owners, found = owners_scope(request), context(request)

    async def write(unit: UnitOfWork) -> list[dict[str, Any]]:
        task_ids = await picking.next_tasks(
            unit,
            worker=body.worker,
            tote=body.tote,
            owners=owners,
            now=found.clock(),
            lease_us=LEASE_US,
        )
        return await unit.order_views.pick_tasks(owners=owners, task_ids=task_ids)

    rows = await transact(request, write, site=site)
    if not rows:
        return Response(status_code=204)
    return json_answer({"tasks": [shown(row) for row in rows], "tote": rows[0]["tote"]})


@router.post("/v1/pick-tasks/{task_id}/confirm", summary="Goods are in the tote")
async def confirm(
    request: Request, task_id: str, body: ConfirmPick, site: str | None = None
) -> Response:
    """Sent again it changes nothing."""
    wanted = path_id(task_id, "pick task")
    picked = picking.Picked(quantity=body.quantity, tote=body.tote, epcs=_keys(body.epcs))
    owners, found, who = owners_scope(request), context(request), caller(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await picking.confirm_pick(
            unit,
            wanted,
            picked,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )
        return await _task(unit, wanted)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/pick-tasks/{task_id}/short", summary="The bin holds less")
async def short(
    request: Request, task_id: str, body: ShortPick, site: str | None = None
) -> Response:
    """The line is planned from another bin, promised again or backordered."""
    wanted = path_id(task_id, "pick task")
    taken = None
    if body.tote is not None:
        taken = picking.Picked(quantity=1, tote=body.tote, epcs=_keys(body.epcs))
    owners, found, who = owners_scope(request), context(request), caller(request)
    reason = cast("Literal['missing', 'damaged', 'unreachable']", body.reason)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        _, outcome = await picking.short_pick(
            unit,
            wanted,
            picked=body.picked,
            found=taken,
            reason=reason,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )
        return {
            "task": await _task(unit, wanted),
            "reserved": outcome.reserved,
            "promised": outcome.promised,
            "backordered": outcome.backordered,
        }

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/pick-tasks/{task_id}/handback", summary="Give a task back")
async def handback(request: Request, task_id: str, site: str | None = None) -> Response:
    """Someone else may take it."""
    wanted, owners = path_id(task_id, "pick task"), owners_scope(request)
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await picking.hand_back(unit, wanted, owners=owners, now=now)
        return await _task(unit, wanted)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/totes", summary="Make a tote known")
async def add_tote(request: Request, body: ToteIn, site: str | None = None) -> dict[str, Any]:
    """The same tote again is the same tote."""
    found = context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        tote = await register_tote(unit, body.key, now=found.clock(), ids=found.ids)
        return {"id": str(tote.handling_unit_id), "key": tote.epc_key, "state": tote.state}

    return await transact(request, write, site=site)


async def _task(unit: UnitOfWork, task_id: UUID) -> dict[str, Any]:
    rows = await unit.order_views.pick_tasks(owners=None, task_ids=[task_id])
    return rows[0]


def _keys(epcs: list[str]) -> tuple[str, ...]:
    keys = tuple(normal_unit_key(key, pointer=f"/epcs/{n}") for n, key in enumerate(epcs))
    if len(set(keys)) != len(keys):
        detail = "One tag is named twice in two forms."
        raise Refused("validation", detail, errors=(FieldError("/epcs", "duplicate", detail),))
    return keys
