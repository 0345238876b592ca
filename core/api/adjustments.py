"""Corrections over HTTP: what was posted, what waits for a second person, and their word on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    caller,
    choice_parameter,
    context,
    json_answer,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.orders import place_after
from core.api.roles import LEADS, allow
from core.api.schemas.orders import shown
from core.api.schemas.tags import ReasonIn
from core.application.approvals import approve_adjustment, refuse_adjustment
from core.application.ports.uow import UnitOfWork

router = APIRouter(dependencies=[Depends(check_query)], tags=["stock"])
_ONE = "/v1/adjustments/{adjustment_id}"
allow(LEADS | {"auditor"}, "GET /v1/adjustments", f"GET {_ONE}")
allow(LEADS, f"POST {_ONE}/approve", f"POST {_ONE}/refuse")
STATES = ("proposed", "posted", "refused")


@router.get("/v1/adjustments", summary="Corrections, newest first")
async def list_adjustments(
    request: Request,
    state: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`state`: proposed (waits for a second person), posted or refused."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    choice_parameter("state", state, STATES)
    after = place_after(page.after)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.adjustments.listed(
            owners=owners, state=state, limit=page.limit + 1, after=after
        )

    found = paged(await transact(request, read, site=site), page, "proposed_at", "id")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


@router.get(_ONE, summary="One correction")
async def get_adjustment(request: Request, adjustment_id: str, site: str | None = None) -> Response:
    """Who proposed it and who decided."""
    wanted, owners = path_id(adjustment_id, "adjustment"), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.adjustments.one(wanted, owners)

    return json_answer(shown(await transact(request, read, site=site)))


Act = Callable[[UnitOfWork, UUID], Awaitable[None]]


async def _act(request: Request, adjustment_id: str, site: str | None, act: Act) -> Response:
    wanted, owners = path_id(adjustment_id, "adjustment"), owners_scope(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await act(unit, wanted)
        return await unit.adjustments.one(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post(f"{_ONE}/approve", summary="Post what somebody else proposed")
async def approve(request: Request, adjustment_id: str, site: str | None = None) -> Response:
    """Who proposed it is refused (`second-person`)."""
    found, who, owners = context(request), caller(request), owners_scope(request)

    async def act(unit: UnitOfWork, one: UUID) -> None:
        await approve_adjustment(
            unit, one, owners=owners, now=found.clock(), ids=found.ids, actor=who.name
        )

    return await _act(request, adjustment_id, site, act)


@router.post(f"{_ONE}/refuse", summary="Do not post it")
async def refuse(
    request: Request, adjustment_id: str, body: ReasonIn, site: str | None = None
) -> Response:
    """With a reason; whoever proposed it takes it back so too."""
    now, who, owners = context(request).clock(), caller(request), owners_scope(request)

    async def act(unit: UnitOfWork, one: UUID) -> None:
        await refuse_adjustment(
            unit, one, reason=body.reason, owners=owners, now=now, actor=who.name
        )

    return await _act(request, adjustment_id, site, act)
