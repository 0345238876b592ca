"""Exceptions over HTTP: what the floor must look at, who has seen it, when it was settled."""

from __future__ import annotations

from typing import Any

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
from core.api.roles import LEADS, READERS, STAFF, allow
from core.api.schemas.orders import shown
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["work"])
allow(READERS, "GET /v1/exceptions", "GET /v1/exceptions/{exception_id}")
allow(STAFF, "POST /v1/exceptions/{exception_id}/acknowledge")
allow(LEADS, "POST /v1/exceptions/{exception_id}/resolve")


def _scope(request: Request, owner: str | None = None) -> list[str] | None:
    """Owners whose exceptions the caller sees; `*` stands for those of the building, for staff."""
    owners = owners_scope(request, owner)
    if owners is None or owner is not None or caller(request).role == "owner":
        return owners
    return [*owners, "*"]


@router.get("/v1/exceptions", summary="Exceptions, newest first")
async def list_exceptions(
    request: Request,
    open: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`open=true` for what stands, `open=false` for what is settled."""
    page, owners = page_of(limit, cursor), _scope(request, owner)
    after, standing = place_after(page.after), _flag(open)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.exceptions(
            owners=owners, open_only=standing, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "opened_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


def _flag(value: str | None) -> bool | None:
    if value is None:
        return None
    if value not in ("true", "false"):
        detail = "open must be true or false."
        raise Refused("validation", detail, errors=(FieldError("?open", "choice", detail),))
    return value == "true"


@router.get("/v1/exceptions/{exception_id}", summary="One exception")
async def get_exception(request: Request, exception_id: str, site: str | None = None) -> Response:
    """With its facts, pass and visit."""
    wanted, owners = path_id(exception_id, "exception"), _scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.exception(wanted, owners)

    return json_answer(shown(await transact(request, read, site=site)))


@router.post("/v1/exceptions/{exception_id}/acknowledge", summary="Note that it was seen")
async def acknowledge(request: Request, exception_id: str, site: str | None = None) -> Response:
    """It stays open until what it says is settled."""
    wanted, owners = path_id(exception_id, "exception"), _scope(request)
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await unit.floor.acknowledge(wanted, owners=owners, actor=actor, now=now)
        return await unit.inbound_views.exception(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/exceptions/{exception_id}/resolve", summary="Settle it")
async def resolve(request: Request, exception_id: str, site: str | None = None) -> Response:
    """A person says that nothing is left to do."""
    wanted, owners = path_id(exception_id, "exception"), _scope(request)
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await unit.floor.resolve(wanted, owners=owners, actor=actor, now=now)
        return await unit.inbound_views.exception(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))
