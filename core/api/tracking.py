"""Dead letters, held readings, agents and devices over HTTP."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, cursor_invalid, json_answer, page_of, paged, transact
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.inbound import DiscardIn
from core.api.schemas.orders import shown
from core.application.ports.uow import UnitOfWork
from core.application.redrive import discard, redrive
from core.domain.errors import not_found

router = APIRouter(dependencies=[Depends(check_query)], tags=["devices"])
allow(
    STAFF | {"auditor"},
    "GET /v1/dead-letters",
    "GET /v1/dead-letters/{dead_letter_id}",
    "GET /v1/holds",
    "GET /v1/devices",
    "GET /v1/agents",
)
allow(
    LEADS,
    "POST /v1/dead-letters/{dead_letter_id}/redrive",
    "POST /v1/dead-letters/{dead_letter_id}/discard",
)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise not_found("dead letter")
    return int(text)


def _after(place: tuple[Any, ...] | None, kind: type) -> Any:
    if place is None:
        return None
    if len(place) != 1 or type(place[0]) is not kind:
        raise cursor_invalid()
    return place[0]


@router.get("/v1/dead-letters", summary="Dead letters, newest first")
async def list_dead_letters(
    request: Request,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With reason code and bytes in base64."""
    page = page_of(limit, cursor)
    after = _after(page.after, int)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.dead_letters(state=state, limit=page.limit + 1, after=after)

    rows = paged(await transact(request, read, site=site), page, "id")
    return {"items": [_letter(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


def _letter(row: dict[str, Any]) -> dict[str, Any]:
    return shown({**row, "bytes": row["bytes"].replace("\n", "")})


@router.get("/v1/dead-letters/{dead_letter_id}", summary="One dead letter")
async def get_dead_letter(
    request: Request, dead_letter_id: str, site: str | None = None
) -> Response:
    """With reason code and bytes in base64."""
    wanted = _number(dead_letter_id)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.dead_letter(wanted)

    return json_answer(_letter(await transact(request, read, site=site)))


@router.post("/v1/dead-letters/{dead_letter_id}/redrive", summary="Drive it again after a fix")
async def drive_again(
    request: Request, dead_letter_id: str, body: DiscardIn, site: str | None = None
) -> Response:
    """One that fails again stays kept."""
    wanted, now, actor = _number(dead_letter_id), context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        count = await redrive(unit, dead_letter_id=wanted, reason=body.reason, now=now, actor=actor)
        return {**_letter(await unit.inbound_views.dead_letter(wanted)), "readings": count}

    return json_answer(await transact(request, write, site=site))


@router.post("/v1/dead-letters/{dead_letter_id}/discard", summary="Give it up")
async def give_up(
    request: Request, dead_letter_id: str, body: DiscardIn, site: str | None = None
) -> Response:
    """Its bytes stay."""
    wanted, now, actor = _number(dead_letter_id), context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await discard(unit, dead_letter_id=wanted, reason=body.reason, now=now, actor=actor)
        return await unit.inbound_views.dead_letter(wanted)

    return json_answer(_letter(await transact(request, write, site=site)))


@router.get("/v1/holds", summary="Held readings")
async def list_holds(
    request: Request, site: str | None = None, limit: str | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """Tags that move nothing until they are commissioned, bound or released."""
    page = page_of(limit, cursor)
    after = _after(page.after, str)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.holds(limit=page.limit + 1, after=after)

    rows = paged(await transact(request, read, site=site), page, "epc")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/devices", summary="Devices")
async def list_devices(request: Request, site: str | None = None) -> dict[str, Any]:
    """live, stale or dead; zero reads is a value, never a state."""

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.devices()

    return {"items": [shown(row) for row in await transact(request, read, site=site)]}


@router.get("/v1/agents", summary="Edge agents")
async def list_agents(request: Request, site: str | None = None) -> dict[str, Any]:
    """With their last status and how far the ledger has read them."""

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.agents()

    return {"items": [shown(row) for row in await transact(request, read, site=site)]}
