"""The inbox of unknown EPCs over HTTP: list them, ignore one, watch it again, or bind it."""

from __future__ import annotations

import dataclasses
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from contracts.gs1.epc import EpcError, key_of
from core.api import checks
from core.api.app import check_query
from core.api.deps import (
    caller,
    choice_parameter,
    context,
    cursor_invalid,
    idempotent,
    json_answer,
    owners_scope,
    page_of,
    paged,
    transact,
)
from core.api.roles import LEADS, STAFF, allow
from core.api.schemas.orders import shown
from core.api.schemas.tags import BindIn, ReasonIn
from core.api.tags import binding_work, tag_of, tag_shown
from core.application.inbox import ignore_epc, watch_epc
from core.application.ports.inbox import HeldEpc
from core.application.ports.uow import UnitOfWork
from core.domain.errors import not_found

router = APIRouter(dependencies=[Depends(check_query)], tags=["tags"])
allow(STAFF | {"auditor"}, "GET /v1/inbox")
allow(LEADS, *(f"POST /v1/inbox/{{epc}}/{act}" for act in ("ignore", "watch", "bind")))
checks.NEEDS_KEY.add(("POST", "/v1/inbox/{epc}/bind"))
STATES = ("held", "ignored", "released")


def entry(one: HeldEpc) -> dict[str, Any]:
    """An EPC of the inbox with its normal key, where it has one."""
    try:
        key: str | None = key_of(one.epc)
    except EpcError:
        key = None
    return {**dataclasses.asdict(one), "key": key}


def place_of(after: tuple[Any, ...] | None) -> tuple[int, str] | None:
    """(last seen, EPC) of a page cursor."""
    if after is None:
        return None
    if len(after) != 2 or type(after[0]) is not int or type(after[1]) is not str:
        raise cursor_invalid()
    return after[0], after[1]


@router.get("/v1/inbox", summary="EPCs that stand for nothing here, latest seen first")
async def list_inbox(
    request: Request,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`state`: held (what waits, the default), ignored or released. They move nothing."""
    page, wanted = page_of(limit, cursor), "held" if state is None else state
    choice_parameter("state", wanted, STATES)
    after = place_of(page.after)

    async def read(unit: UnitOfWork) -> list[HeldEpc]:
        return await unit.inbox.held(state=wanted, limit=page.limit + 1, after=after)

    rows = [entry(one) for one in await transact(request, read, site=site)]
    found = paged(rows, page, "last_seen_at", "epc")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


async def _decide(
    request: Request, epc: str, reason: str, site: str | None, *, watch: bool
) -> Response:
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> HeldEpc:
        act = watch_epc if watch else ignore_epc
        return await act(unit, epc, reason=reason, now=now, actor=actor)

    return json_answer(shown(entry(await transact(request, write, site=site))))


@router.post("/v1/inbox/{epc}/ignore", summary="Put a stranger's tag aside")
async def ignore(request: Request, epc: str, body: ReasonIn, site: str | None = None) -> Response:
    """It is still counted, and asks for nothing. Saying it again replaces the reason."""
    return await _decide(request, epc, body.reason, site, watch=False)


@router.post("/v1/inbox/{epc}/watch", summary="Take an ignored EPC back")
async def watch(request: Request, epc: str, body: ReasonIn, site: str | None = None) -> Response:
    """It waits for a decision again."""
    return await _decide(request, epc, body.reason, site, watch=True)


@router.post("/v1/inbox/{epc}/bind", status_code=201, summary="Say what an unknown EPC is")
async def bind(request: Request, epc: str, body: BindIn, site: str | None = None) -> Response:
    """Commissions the tag; its readings count from now on. The answer is the tag."""
    owners = owners_scope(request)

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        held = await unit.inbox.one(epc.upper())
        if held is None:
            raise not_found("held EPC")
        tag = tag_of(held.epc)
        await binding_work(request, body, tag)(unit)
        return 201, await tag_shown(unit, tag.key, owners)

    return await idempotent(request, work, site=site)
