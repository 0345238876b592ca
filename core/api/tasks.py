"""Floor work over HTTP: next task, confirm, hand back, cancel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    caller,
    context,
    json_answer,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.orders import place_after
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.inbound import ConfirmTaskIn, NextTaskIn, ReasonIn
from core.api.schemas.orders import shown
from core.application.ports.uow import UnitOfWork
from core.application.tasks import cancel_task, confirm_task, hand_back, next_task
from core.domain.errors import not_found

router = APIRouter(dependencies=[Depends(check_query)], tags=["work"])
allow(STAFF | {"auditor"}, "GET /v1/tasks", "GET /v1/tasks/{task_id}")
allow(
    STAFF,
    "POST /v1/tasks/next",
    "POST /v1/tasks/{task_id}/confirm",
    "POST /v1/tasks/{task_id}/handback",
)
allow(LEADS, "POST /v1/tasks/{task_id}/cancel")
LEASE_US = 15 * 60 * 1_000_000


@router.get("/v1/tasks", summary="Floor tasks, oldest first")
async def list_tasks(
    request: Request,
    kind: str | None = None,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With the names of goods and places."""
    page, owners = page_of(limit, cursor), owners_scope(request)
    after = place_after(page.after)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.tasks(
            owners=owners, kind=kind, state=state, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "created_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/tasks/{task_id}", summary="One task")
async def get_task(request: Request, task_id: str, site: str | None = None) -> Response:
    """With the names of goods and places."""
    wanted, owners = path_id(task_id, "task"), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await _task(unit, wanted, owners)

    return json_answer(shown(await transact(request, read, site=site)))


async def _task(unit: UnitOfWork, task_id: UUID, owners: list[str] | None) -> dict[str, Any]:
    rows = await unit.inbound_views.tasks(owners=owners, task_id=task_id)
    if not rows:
        raise not_found("task")
    return rows[0]


@router.post("/v1/tasks/next", summary="Take the next task")
async def take(request: Request, body: NextTaskIn, site: str | None = None) -> Response:
    """The worker's own task first; 204 when there is no work. The lease is 15 minutes."""
    found, owners = context(request), owners_scope(request)

    async def write(unit: UnitOfWork) -> dict[str, Any] | None:
        task = await next_task(
            unit,
            kind=body.kind,
            worker=body.worker,
            now=found.clock(),
            lease_us=LEASE_US,
            owners=owners,
        )
        return None if task is None else await _task(unit, task.task_id, owners)

    row = await transact(request, write, site=site)
    return Response(status_code=204) if row is None else json_answer(shown(row))


@router.post("/v1/tasks/{task_id}/confirm", summary="The work is done")
async def confirm(
    request: Request, task_id: str, body: ConfirmTaskIn | None = None, site: str | None = None
) -> Response:
    """The goods move to where the task sends them, or to `location`."""
    wanted, found, actor = path_id(task_id, "task"), context(request), caller(request).name
    how = body if body is not None else ConfirmTaskIn()

    async def act(unit: UnitOfWork) -> None:
        await confirm_task(
            unit,
            task_id=wanted,
            location=how.location,
            quantity=how.quantity,
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )

    return await _act(request, wanted, act, site)


@router.post("/v1/tasks/{task_id}/handback", summary="Give a task back")
async def give_back(request: Request, task_id: str, site: str | None = None) -> Response:
    """Its bin is free again."""
    wanted, now = path_id(task_id, "task"), context(request).clock()

    async def act(unit: UnitOfWork) -> None:
        await hand_back(unit, task_id=wanted, now=now)

    return await _act(request, wanted, act, site)


@router.post("/v1/tasks/{task_id}/cancel", summary="Cancel a task")
async def cancel(
    request: Request, task_id: str, body: ReasonIn | None = None, site: str | None = None
) -> Response:
    """The work is not needed."""
    wanted, now = path_id(task_id, "task"), context(request).clock()
    reason = None if body is None else body.reason

    async def act(unit: UnitOfWork) -> None:
        await cancel_task(unit, task_id=wanted, reason=reason, now=now)

    return await _act(request, wanted, act, site)


async def _act(
    request: Request,
    task_id: UUID,
    act: Callable[[UnitOfWork], Awaitable[None]],
    site: str | None,
) -> Response:
    """Do it and answer with the task as it is then; another owner's task does not exist."""
    owners = owners_scope(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await _task(unit, task_id, owners)
        await act(unit)
        return await _task(unit, task_id, owners)

    return json_answer(shown(await transact(request, write, site=site)))
