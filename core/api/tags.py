"""Tags over HTTP: commission one, read its history, re-tag, kill, settle a copy."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import (
    caller,
    context,
    idempotent,
    json_answer,
    owner_of,
    owners_scope,
    transact,
)
from core.api.roles import LEADS, READERS, STAFF, allow
from core.api.schemas.orders import shown
from core.api.schemas.tags import BindIn, ReasonIn, RetagIn, SettleTagIn, TagIn
from core.application.ports.uow import UnitOfWork
from core.application.suspicions import settle_suspicion
from core.application.tags import (
    CarrierTagging,
    Tag,
    UnitTagging,
    bind_carrier,
    bind_unit,
    kill,
    retag,
)
from core.domain.errors import wrong_field
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["tags"])
_ONE = "/v1/tags/{key:path}"
allow(READERS, f"GET {_ONE}")
allow(STAFF, "POST /v1/tags")
allow(LEADS, f"POST {_ONE}/retag", f"POST {_ONE}/kill", f"POST {_ONE}/settle")
checks.NEEDS_KEY |= {("POST", path) for path in ("/v1/tags", f"{_ONE}/retag", f"{_ONE}/kill")}
_HEX = re.compile(r"[0-9A-Fa-f]{24,}")
Work = Callable[[UnitOfWork], Awaitable[None]]


def tag_of(text: str) -> Tag:
    """The tag that a body names; its hex is kept, so that its held readings are released."""
    key = normal_unit_key(text, pointer="/epc")
    return Tag(key, text.upper() if _HEX.fullmatch(text) else None)


def binding_work(request: Request, body: BindIn, tag: Tag) -> Work:
    """The change that a body asks for: a unit or a handling unit gets this tag."""
    if (body.sku is None) == (body.kind is None):
        raise wrong_field("/sku", "required", "Name a sku for a unit, or a kind of handling unit.")
    found, who, owners = context(request), caller(request), owners_scope(request)
    common: dict[str, Any] = {"reason": body.reason, "owners": owners}
    common |= {"now": found.clock(), "actor": who.name}
    if body.sku is not None:
        if body.location is not None and body.handling_unit is not None:
            raise wrong_field(
                "/location", "choice", "Name a location or a handling unit, not both."
            )
        unit = UnitTagging(
            owner=owner_of(request, body.owner),
            sku=body.sku,
            lot=body.lot,
            location=body.location,
            handling_unit=body.handling_unit,
        )
        return lambda uow: bind_unit(uow, tag, unit, **common)
    if body.location is None:
        raise wrong_field("/location", "required", "Name where the handling unit stands.")
    owner = None if body.kind == "tote" else owner_of(request, body.owner)
    carrier = CarrierTagging(kind=body.kind, location=body.location, owner=owner)
    return lambda uow: bind_carrier(uow, tag, carrier, ids=found.ids, **common)


async def tag_shown(unit: UnitOfWork, key: str, owners: list[str] | None) -> dict[str, Any]:
    """A tag as the interface shows it."""
    return shown(await unit.tags.history(key, owners))


@router.post("/v1/tags", status_code=201, summary="Commission a tag")
async def commission(request: Request, body: TagIn, site: str | None = None) -> Response:
    """One EPC stands for one thing: one that is taken is refused and its holder named."""
    tag = tag_of(body.epc)
    bind, owners = binding_work(request, body, tag), owners_scope(request)

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        await bind(unit)
        return 201, await tag_shown(unit, tag.key, owners)

    return await idempotent(request, work, site=site)


@router.post(f"{_ONE}/retag", summary="Give its goods a new tag")
async def exchange(request: Request, key: str, body: RetagIn, site: str | None = None) -> Response:
    """The old tag is retired for good; the answer is the new one with both in its history."""
    old, tag, owners = normal_unit_key(key, pointer="/key"), tag_of(body.epc), owners_scope(request)
    now, actor = context(request).clock(), caller(request).name

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        await retag(unit, old, tag, reason=body.reason, owners=owners, now=now, actor=actor)
        return 200, await tag_shown(unit, tag.key, owners)

    return await idempotent(request, work, site=site)


@router.post(f"{_ONE}/kill", summary="A tag is dead")
async def end(request: Request, key: str, body: ReasonIn, site: str | None = None) -> Response:
    """Its goods stay in the book without a tag. Reads of it move nothing and raise an exception."""
    wanted, owners = normal_unit_key(key, pointer="/key"), owners_scope(request)
    now, actor = context(request).clock(), caller(request).name

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        await kill(unit, wanted, reason=body.reason, owners=owners, now=now, actor=actor)
        return 200, await tag_shown(unit, wanted, owners)

    return await idempotent(request, work, site=site)


@router.post(f"{_ONE}/settle", summary="Settle a tag that was seen as two")
async def settle(
    request: Request, key: str, body: SettleTagIn, site: str | None = None
) -> Response:
    """It counts again; a copy is then re-tagged or killed."""
    wanted, owners = normal_unit_key(key, pointer="/key"), owners_scope(request)
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await settle_suspicion(
            unit,
            wanted,
            verdict=body.verdict,
            reason=body.reason,
            owners=owners,
            now=now,
            actor=actor,
        )
        return await tag_shown(unit, wanted, owners)

    return json_answer(await transact(request, write, site=site))


@router.get(_ONE, summary="One tag and its history")
async def get_tag(request: Request, key: str, site: str | None = None) -> Response:
    """What carries it, who bound, re-tagged or killed it and why, and its suspicions."""
    wanted, owners = normal_unit_key(key, pointer="/key"), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await tag_shown(unit, wanted, owners)

    return json_answer(await transact(request, read, site=site))
