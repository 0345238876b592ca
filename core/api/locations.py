"""Locations over HTTP: list them, read one, lock one for goods and open it again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    caller,
    choice_parameter,
    context,
    cursor_invalid,
    json_answer,
    page_of,
    paged,
    transact,
)
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.orders import shown
from core.api.schemas.tags import ReasonIn
from core.application.ports.uow import UnitOfWork
from core.domain.binding import the_reason
from core.domain.errors import Refused
from core.domain.layout import PHYSICAL_KINDS
from core.domain.stock import VIRTUAL_KINDS

router = APIRouter(dependencies=[Depends(check_query)], tags=["master data"])
_ONE = "/v1/locations/{code}"
allow(STAFF | {"auditor", "integrator"}, "GET /v1/locations", f"GET {_ONE}")
allow(LEADS, f"POST {_ONE}/lock", f"POST {_ONE}/unlock")


@router.get("/v1/locations", summary="Locations by code, with what is on hand")
async def list_locations(
    request: Request,
    kind: str | None = None,
    zone: str | None = None,
    locked: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`locked=true` for those that take no goods."""
    page = page_of(limit, cursor)
    choice_parameter("kind", kind, tuple(sorted(PHYSICAL_KINDS | VIRTUAL_KINDS)))
    choice_parameter("locked", locked, ("true", "false"))
    after = None if page.after is None else page.after[0]
    if after is not None and not isinstance(after, str):
        raise cursor_invalid()

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.locations.listed(
            kind=kind, zone=zone, locked=locked, limit=page.limit + 1, after=after
        )

    found = paged(await transact(request, read, site=site), page, "code")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


@router.get(_ONE, summary="One location")
async def get_location(request: Request, code: str, site: str | None = None) -> Response:
    """Where it is, what fits, whether it is locked and why."""

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.locations.one(code)

    return json_answer(shown(await transact(request, read, site=site)))


@router.post(f"{_ONE}/lock", summary="Let no goods in, and reserve none from it")
async def lock(request: Request, code: str, body: ReasonIn, site: str | None = None) -> Response:
    """What is reserved there already is still picked; what lies there may be carried out."""
    return await _set(request, code, the_reason(body.reason), site)


@router.post(f"{_ONE}/unlock", summary="Open a locked location")
async def unlock(request: Request, code: str, site: str | None = None) -> Response:
    """It takes goods again."""
    return await _set(request, code, None, site)


async def _set(request: Request, code: str, reason: str | None, site: str | None) -> Response:
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        if (await unit.locations.one(code))["kind"] in VIRTUAL_KINDS:
            raise Refused("location-virtual", "A virtual place has no shelf to lock.")
        await unit.locations.set_lock(code, reason=reason, actor=actor, now=now)
        return await unit.locations.one(code)

    return json_answer(shown(await transact(request, write, site=site)))
