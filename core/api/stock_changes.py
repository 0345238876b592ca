"""Stock changed by people over HTTP: corrections with a reason, and floor moves."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import caller, context, idempotent, owner_of, owners_scope, transact
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.floor import AdjustmentIn, MoveIn, StatusChangeIn
from core.application.adjust import move_carrier, move_goods, move_unit
from core.application.approvals import enter_adjustment
from core.application.ports.uow import UnitOfWork
from core.application.statuses import StatusChange, change_status
from core.domain.adjusting import Adjustment
from core.domain.errors import wrong_field
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["stock"])
allow(LEADS, "POST /v1/adjustments", "POST /v1/status-changes")
allow(STAFF, "POST /v1/moves")
checks.NEEDS_KEY |= {("POST", "/v1/adjustments"), ("POST", "/v1/status-changes")}


@router.post("/v1/adjustments", status_code=201, summary="Correct stock at a place")
async def adjust(request: Request, body: AdjustmentIn) -> Response:
    """Reserved goods may go too: their orders are planned again.

    Above the site's limit `state` is `proposed`: a second person posts it.
    """
    found, who = context(request), caller(request)
    epcs = tuple(normal_unit_key(key, pointer=f"/epcs/{n}") for n, key in enumerate(body.epcs))
    wanted = Adjustment(
        owner=owner_of(request, body.owner),
        sku=body.sku,
        location=body.location,
        delta=body.delta,
        reason=body.reason,
        status=body.status,
        epcs=epcs,
    )

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        made, state = await enter_adjustment(
            unit, wanted, now=found.clock(), ids=found.ids, actor=who.name
        )
        return 201, {
            "id": str(made),
            "state": state,
            "sku": wanted.sku,
            "location": wanted.location,
            "delta": wanted.delta,
            "reason": wanted.reason,
        }

    return await idempotent(request, work, site=body.site)


@router.post("/v1/status-changes", status_code=201, summary="Hold, release or block goods")
async def change(request: Request, body: StatusChangeIn) -> Response:
    """Goods stay where they lie; only available ones are promised, reserved and picked.

    Reserved goods may be held: their orders are planned again. Goods of a recalled or outdated lot
    do not become available.
    """
    found, who = context(request), caller(request)
    fields = body.model_dump(exclude={"site", "owner", "epcs"})
    epcs = tuple(normal_unit_key(key, pointer=f"/epcs/{n}") for n, key in enumerate(body.epcs))
    wanted = StatusChange(owner=owner_of(request, body.owner), epcs=epcs, **fields)

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        made = await change_status(unit, wanted, now=found.clock(), ids=found.ids, actor=who.name)
        shown = body.model_dump(exclude={"site", "owner", "epcs"}, exclude_none=True)
        return 201, {"id": str(made), **shown}

    return await idempotent(request, work, site=body.site)


@router.post("/v1/moves", status_code=201, summary="Say that goods were moved")
async def move(request: Request, body: MoveIn, site: str | None = None) -> dict[str, Any]:
    """A handling unit with all it holds, one tagged unit, or a quantity from a place."""
    named = [body.handling_unit is not None, body.epc is not None, body.sku is not None]
    if named.count(True) != 1:
        raise wrong_field(
            "/handling_unit",
            "required",
            "Name a handling unit, a unit by epc, or a sku; one of them.",
        )
    found, who, owners = context(request), caller(request), owners_scope(request)

    async def write(unit: UnitOfWork) -> None:
        now, ids, actor = found.clock(), found.ids, who.name
        if body.handling_unit is not None:
            await move_carrier(
                unit,
                body.handling_unit,
                to=body.to,
                owners=owners,
                now=now,
                ids=ids,
                actor=actor,
            )
        elif body.epc is not None:
            key = normal_unit_key(body.epc, pointer="/epc")
            await move_unit(unit, key, to=body.to, owners=owners, now=now, ids=ids, actor=actor)
        else:
            await move_goods(
                unit,
                owner=owner_of(request, body.owner),
                sku=body.sku,
                quantity=body.quantity,
                origin=body.from_,
                to=body.to,
                now=now,
                ids=ids,
                actor=actor,
            )

    if body.sku is not None and (body.quantity is None or body.from_ is None):
        raise wrong_field("/quantity", "required", "Say how many, and from which place.")
    await transact(request, write, site=site)
    return {"moved": True, "to": body.to}
