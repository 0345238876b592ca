"""Keys, health and who-am-I."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from core.api.app import check_query
from core.api.auth import Caller, make_key
from core.api.deps import caller, context, json_answer, path_id, transact
from core.api.fields import Body, choice, text
from core.api.roles import ANYONE, MANAGER, READERS, allow
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused, not_found

router = APIRouter(dependencies=[Depends(check_query)])
allow(MANAGER, "GET /v1/keys", "POST /v1/keys", "DELETE /v1/keys/{key_id}")
allow(READERS | {"device"}, "GET /v1/me")
allow(ANYONE, "GET /healthz", "GET /readyz", "GET /v1/openapi.json")
_Word = Annotated[str, text(64)]


class KeyIn(Body):
    """A new API key: what it may do, and for which sites, owners and channels (`*` = all)."""

    name: _Word
    role: Annotated[
        str, choice("picker", "lead", "manager", "owner", "integrator", "device", "auditor")
    ]
    sites: list[_Word] = Field(min_length=1, max_length=50)
    owners: list[_Word] = Field(min_length=1, max_length=50)
    channels: list[_Word] = Field(default_factory=list, max_length=50)


@router.get("/healthz", tags=["platform"], summary="The process answers")
async def healthz() -> dict[str, str]:
    """Always ok while the process serves."""
    return {"status": "ok"}


@router.get("/readyz", tags=["platform"], summary="The database answers")
async def readyz(request: Request) -> dict[str, str]:
    """503 while the database cannot be reached."""
    found = context(request)
    async with found.open_unit(found.site):
        return {"status": "ready"}


@router.get("/v1/me", tags=["platform"], summary="Who this key is")
async def me(request: Request) -> dict[str, Any]:
    """Role and scope of the caller."""
    who = caller(request)
    return {
        "name": who.name,
        "role": who.role,
        "sites": list(who.sites),
        "owners": list(who.owners),
        "channels": list(who.channels),
    }


@router.get("/v1/keys", tags=["platform"], summary="Live keys")
async def keys(request: Request) -> dict[str, Any]:
    """Names, roles and prefixes; never a secret."""

    who = caller(request)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return [
            {
                "id": str(key.key_id),
                "name": key.name,
                "prefix": key.prefix,
                "role": key.role,
                "sites": list(key.sites),
                "owners": list(key.owners),
                "channels": list(key.channels),
            }
            for key in await unit.platform.keys()
            if _within(who, key.sites, key.owners)
        ]

    return {"items": await transact(request, read), "next_cursor": None}


@router.post("/v1/keys", status_code=201, tags=["platform"], summary="Make a key, shown once")
async def add_key(request: Request, body: KeyIn) -> Response:
    """The answer holds the clear key; it is never shown again."""
    found = context(request)
    if not _within(caller(request), body.sites, body.owners):
        raise Refused("forbidden", "A key opens only sites and owners that its maker's key covers.")
    clear, record = make_key(
        found.ids(),
        name=body.name,
        role=body.role,
        sites=tuple(body.sites),
        owners=tuple(body.owners),
        channels=tuple(body.channels),
        token=found.token,
    )

    async def write(unit: UnitOfWork) -> None:
        await unit.platform.add_key(record, now=found.clock())

    await transact(request, write)
    return json_answer({"id": str(record.key_id), "prefix": record.prefix, "key": clear}, 201)


@router.delete("/v1/keys/{key_id}", status_code=204, tags=["platform"], summary="Revoke a key")
async def revoke_key(request: Request, key_id: str) -> Response:
    """The key fails on its next request."""
    wanted, now = path_id(key_id, "key"), context(request).clock()

    who = caller(request)

    async def write(unit: UnitOfWork) -> bool:
        known = {key.key_id: key for key in await unit.platform.keys()}
        key = known.get(wanted)
        if key is None or not _within(who, key.sites, key.owners):
            raise not_found("key")
        return await unit.platform.revoke_key(wanted, now=now)

    if not await transact(request, write):
        raise not_found("key")
    return Response(status_code=204)


def _within(who: Caller, sites: Sequence[str], owners: Sequence[str]) -> bool:
    """Whether a caller's key covers all of these sites and owners."""
    return all(
        "*" in own or set(named) <= set(own)
        for own, named in ((who.sites, sites), (who.owners, owners))
    )
