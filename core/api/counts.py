"""Counts over HTTP: open or plan them, take one, say what is in the bin, recount, reconcile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import (
    caller,
    choice_parameter,
    context,
    idempotent,
    json_answer,
    owner_of,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.orders import place_after
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.counts import CountsIn, NextCountIn, PlanCountsIn, SubmitCountIn
from core.api.schemas.orders import shown
from core.application.ports.uow import UnitOfWork
from core.application.stocktake import (
    cancel_count,
    open_counts,
    plan_counts,
    reconcile_count,
    recount,
    submit_count,
)
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["stock"])
_ONE = "/v1/counts/{count_id}"
allow(STAFF | {"auditor"}, "GET /v1/counts", f"GET {_ONE}")
allow(STAFF, "POST /v1/counts/next", f"POST {_ONE}/submit")
allow(LEADS, "POST /v1/counts", "POST /v1/counts/plan")
allow(LEADS, *(f"POST {_ONE}/{act}" for act in ("recount", "reconcile", "cancel")))
checks.NEEDS_KEY.add(("POST", f"{_ONE}/submit"))
STATES = ("open", "counted", "reconciled", "cancelled")


@router.get("/v1/counts", summary="Counts, newest first")
async def list_counts(
    request: Request,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`state`: open, counted (waits for a second person), reconciled or cancelled."""
    page = page_of(limit, cursor)
    choice_parameter("state", state, STATES)
    after = place_after(page.after)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.counts.listed(state=state, limit=page.limit + 1, after=after)

    found = paged(await transact(request, read, site=site), page, "created_at", "id")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


@router.get(_ONE, summary="One count with what was found")
async def get_count(request: Request, count_id: str, site: str | None = None) -> Response:
    """Counting is blind: findings of an earlier round are shown to leads alone while it is open."""
    wanted, owners = path_id(count_id, "count"), owners_scope(request)
    blind = caller(request).role not in LEADS

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.counts.one(wanted, owners)

    found = await transact(request, read, site=site)
    if blind and found["state"] == "open":
        found |= {"lines": [], "units": []}
    return json_answer(shown(found))


@router.post("/v1/counts", status_code=201, summary="Have bins counted")
async def create(request: Request, body: CountsIn, site: str | None = None) -> dict[str, Any]:
    """A bin that waits for a count already is left out of `opened`."""
    found, who = context(request), caller(request)

    async def write(unit: UnitOfWork) -> list[UUID]:
        return await open_counts(
            unit,
            body.locations,
            reason=body.reason,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )

    return {"opened": [str(one) for one in await transact(request, write, site=site)]}


@router.post("/v1/counts/plan", status_code=201, summary="Open the counts that are due")
async def plan(request: Request, body: PlanCountsIn, site: str | None = None) -> dict[str, Any]:
    """By class: busy items every 30 days, the next 90, the rest 180; the most overdue first."""
    found, who = context(request), caller(request)

    async def write(unit: UnitOfWork) -> list[UUID]:
        return await plan_counts(
            unit,
            limit=body.limit,
            zone=body.zone,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )

    return {"opened": [str(one) for one in await transact(request, write, site=site)]}


@router.post("/v1/counts/next", summary="Take the next bin to count")
async def take(request: Request, body: NextCountIn, site: str | None = None) -> Response:
    """Where to go; not what the book says. 204 when no bin waits."""
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any] | None:
        count = await unit.counts.take(worker=body.worker, zone=body.zone, now=now)
        if count is None:
            return None
        return {"id": str(count.count_id), "location": count.code, "round": count.round}

    taken = await transact(request, write, site=site)
    return Response(status_code=204) if taken is None else json_answer(taken)


@router.post(f"{_ONE}/submit", summary="What is in the bin")
async def submit(
    request: Request, count_id: str, body: SubmitCountIn, site: str | None = None
) -> Response:
    """`result`: reconciled; recount (somebody else counts it again); approval by a second person.

    Goods that moved while the count ran are no difference.
    """
    wanted, found, who = path_id(count_id, "count"), context(request), caller(request)
    goods = [line.goods(owner_of(request, line.owner)) for line in body.lines]
    epcs = [normal_unit_key(key, pointer=f"/epcs/{n}") for n, key in enumerate(body.epcs)]

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        done = await submit_count(
            unit,
            wanted,
            goods,
            epcs,
            worker=body.worker,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )
        return 200, {"id": str(wanted), "result": done.result, "off": done.off}

    return await idempotent(request, work, site=site)


async def _act(
    request: Request,
    count_id: str,
    site: str | None,
    act: Callable[[UnitOfWork, UUID], Awaitable[None]],
) -> Response:
    wanted, owners = path_id(count_id, "count"), owners_scope(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await act(unit, wanted)
        return await unit.counts.one(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post(f"{_ONE}/recount", summary="Have it counted once more")
async def again(request: Request, count_id: str, site: str | None = None) -> Response:
    """By somebody else; what was found is kept until then."""
    now, actor = context(request).clock(), caller(request).name
    return await _act(
        request, count_id, site, lambda unit, one: recount(unit, one, now=now, actor=actor)
    )


@router.post(f"{_ONE}/reconcile", summary="Book what was found")
async def reconcile(request: Request, count_id: str, site: str | None = None) -> Response:
    """By a second person: who counted is refused."""
    found, actor = context(request), caller(request).name
    now, ids = found.clock(), found.ids
    return await _act(
        request,
        count_id,
        site,
        lambda unit, one: reconcile_count(unit, one, now=now, ids=ids, actor=actor),
    )


@router.post(f"{_ONE}/cancel", summary="Give an open count up")
async def cancel(request: Request, count_id: str, site: str | None = None) -> Response:
    """Nothing is booked."""
    now, actor = context(request).clock(), caller(request).name
    return await _act(
        request, count_id, site, lambda unit, one: cancel_count(unit, one, now=now, actor=actor)
    )
