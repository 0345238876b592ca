"""Passes over HTTP: what crossed a portal, its evidence, and a person's word on it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, page_of, paged, path_id, transact
from core.api.orders import place_after
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.inbound import SettleIn
from core.api.schemas.orders import shown
from core.application.passes import confirm_pass, dismiss_pass, reverse_pass, settle_pass
from core.application.ports.inbound_views import PassFilter
from core.application.ports.uow import UnitOfWork
from core.domain.judgement import Direction

router = APIRouter(dependencies=[Depends(check_query)], tags=["doors"])
allow(STAFF | {"auditor"}, "GET /v1/passes", "GET /v1/passes/{pass_id}")
allow(
    LEADS,
    "POST /v1/passes/{pass_id}/settle",
    "POST /v1/passes/{pass_id}/confirm",
    "POST /v1/passes/{pass_id}/dismiss",
    "POST /v1/passes/{pass_id}/reverse",
)


@router.get("/v1/passes", summary="Passes, newest first")
async def list_passes(
    request: Request,
    portal: str | None = None,
    state: str | None = None,
    booking: str | None = None,
    verdict: str | None = None,
    visit: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With how many tags crossed and how many were rejected."""
    page = page_of(limit, cursor)
    after = place_after(page.after)
    wanted = PassFilter(
        portal=portal,
        state=state,
        booking=booking,
        verdict=verdict,
        visit_id=None if visit is None else path_id(visit, "visit"),
    )

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.passes(wanted, limit=page.limit + 1, after=after)

    rows = paged(await transact(request, read, site=site), page, "opened_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/passes/{pass_id}", summary="One pass with its evidence")
async def get_pass(request: Request, pass_id: str, site: str | None = None) -> Response:
    """Every tag with outcome, reason, features and the observations it stands on."""
    wanted = path_id(pass_id, "pass")

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.portal_pass(wanted)

    return json_answer(shown(await transact(request, read, site=site)))


@router.post("/v1/passes/{pass_id}/settle", summary="Say what an undecided pass was")
async def settle(
    request: Request, pass_id: str, body: SettleIn, site: str | None = None
) -> Response:
    """It is then booked by the portal's mode."""
    wanted, found, actor = path_id(pass_id, "pass"), context(request), caller(request).name

    async def act(unit: UnitOfWork) -> None:
        await settle_pass(
            unit,
            pass_id=wanted,
            state=cast(Direction, body.state),
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )

    return await _act(request, wanted, act, site)


@router.post("/v1/passes/{pass_id}/confirm", summary="Book what a portal proposes")
async def confirm(request: Request, pass_id: str, site: str | None = None) -> Response:
    """One tap; passes of one visit in their order."""
    wanted, found, actor = path_id(pass_id, "pass"), context(request), caller(request).name

    async def act(unit: UnitOfWork) -> None:
        await confirm_pass(unit, pass_id=wanted, now=found.clock(), ids=found.ids, actor=actor)

    return await _act(request, wanted, act, site)


@router.post("/v1/passes/{pass_id}/dismiss", summary="Refuse what a portal proposes")
async def dismiss(request: Request, pass_id: str, site: str | None = None) -> Response:
    """Nothing moves."""
    wanted, now, actor = path_id(pass_id, "pass"), context(request).clock(), caller(request).name

    async def act(unit: UnitOfWork) -> None:
        await dismiss_pass(unit, pass_id=wanted, now=now, actor=actor)

    return await _act(request, wanted, act, site)


@router.post("/v1/passes/{pass_id}/reverse", summary="Take a booked pass back")
async def reverse(request: Request, pass_id: str, site: str | None = None) -> Response:
    """By reverse moves; refused once its goods have moved on."""
    wanted, found, actor = path_id(pass_id, "pass"), context(request), caller(request).name

    async def act(unit: UnitOfWork) -> None:
        await reverse_pass(unit, pass_id=wanted, now=found.clock(), ids=found.ids, actor=actor)

    return await _act(request, wanted, act, site)


async def _act(request: Request, pass_id: UUID, act: Any, site: str | None) -> Response:
    """Do it and answer with the pass as it is then."""

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await act(unit)
        return await unit.inbound_views.portal_pass(pass_id)

    return json_answer(shown(await transact(request, write, site=site)))
