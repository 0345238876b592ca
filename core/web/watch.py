"""Pages of what needs a look: exceptions, devices, dead letters."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.deps import Page, context, paged, path_id
from core.api.orders import place_after
from core.application.map import read_map
from core.application.ports.uow import UnitOfWork
from core.application.redrive import discard, redrive
from core.domain.errors import Refused, not_found
from core.web.forms import chosen, field, page
from core.web.render import BUILDING, FLOOR, LEADS, only, read, scope_of, show, who
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


def _owners(request: Request) -> list[str] | None:
    """Owners whose exceptions the caller sees; `*` stands for those of the building."""
    caller = who(request)
    owners = scope_of(caller)
    return owners if owners is None or caller.role == "owner" else [*owners, "*"]


@router.get("/exceptions")
async def exceptions(request: Request) -> Response:
    """What stands, or what was settled."""
    owners, wanted = _owners(request), page(request)
    showing = chosen(request, "show", "open", "settled")
    after = place_after(wanted.after)

    async def find(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.exceptions(
            owners=owners, open_only=showing == "open", limit=wanted.limit + 1, after=after
        )

    rows = paged(await read(request, find), wanted, "opened_at", "id")
    return await show(request, "exceptions.html", showing=showing, **rows)


@router.post("/exceptions/{exception_id}/{act}")
async def settle(request: Request, exception_id: str, act: str) -> Response:
    """The answer is the exception's row as it is then."""
    roles = {"acknowledge": FLOOR, "resolve": LEADS}.get(act)
    if roles is None:
        raise not_found("action")
    caller, owners = only(request, *roles), _owners(request)
    wanted, now = path_id(exception_id, "exception"), context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        change = unit.floor.acknowledge if act == "acknowledge" else unit.floor.resolve
        await change(wanted, owners=owners, actor=caller.name, now=now)
        return await unit.inbound_views.exception(wanted, owners)

    return await show(request, "one_exception.html", e=await read(request, write))


@router.get("/devices")
async def devices(request: Request) -> Response:
    """Readers, sensors and the agents beside them."""
    owners, now = scope_of(only(request, *BUILDING)), context(request).clock()

    async def find(unit: UnitOfWork) -> tuple[list[dict[str, Any]], list[Any]]:
        picture = await read_map(unit, owners=owners, now=now, slow=())
        rows = [
            {**picture["devices"].get(f"{row['agent']}/{row['device']}", {}), **row}
            for row in await unit.inbound_views.devices()
        ]
        return rows, await unit.inbound_views.agents()

    found, agents = await read(request, find)
    return await show(request, "devices.html", devices=found, agents=agents)


@router.get("/dead-letters")
async def dead_letters(request: Request) -> Response:
    """Newest first."""
    only(request, *BUILDING)
    wanted, state = page(request), chosen(request, "state", "kept", "redriven", "discarded")
    after = _number(wanted)

    async def find(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.dead_letters(
            state=state, limit=wanted.limit + 1, after=after
        )

    rows = paged(await read(request, find), wanted, "id")
    return await show(request, "dead_letters.html", state=state, **rows)


def _number(wanted: Page) -> int | None:
    if wanted.after is None:
        return None
    if len(wanted.after) != 1 or type(wanted.after[0]) is not int:
        raise Refused("cursor-invalid", "This page cursor was not made here. Start without one.")
    return int(wanted.after[0])


@router.post("/dead-letters/{letter_id}/{act}")
async def settle_letter(request: Request, letter_id: str, act: str) -> Response:
    """Driven again or given up, with a reason; the answer is its row."""
    caller = only(request, *LEADS)
    if act not in ("redrive", "discard") or not letter_id.isascii() or not letter_id.isdigit():
        raise not_found("dead letter")
    if len(letter_id) > 18:
        raise not_found("dead letter")
    number, now, said = int(letter_id), context(request).clock(), ""
    reason = field(request, "reason")

    async def write(unit: UnitOfWork) -> None:
        change = redrive if act == "redrive" else discard
        await change(unit, dead_letter_id=number, reason=reason, now=now, actor=caller.name)

    async def find(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.dead_letter(number)

    try:
        await read(request, write)
    except Refused as refusal:
        if refusal.code == "not-found":
            raise
        said = refusal.detail
    return await show(request, "one_dead_letter.html", d=await read(request, find), said=said)
