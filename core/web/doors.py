"""Pages of the doors: visits with short, over and wrong; passes with proof and a person's word."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from core.api.deps import context, paged, path_id
from core.api.orders import place_after
from core.application.passes import confirm_pass, dismiss_pass, settle_pass
from core.application.ports.inbound_views import PassFilter
from core.application.ports.stock_views import MoveFilter
from core.application.ports.uow import UnitOfWork
from core.application.visits import remainder_for
from core.domain.errors import Refused, not_found
from core.domain.judgement import Direction
from core.domain.portal_report import PortalReport
from core.web.forms import chosen, document, field, page
from core.web.render import BUILDING, LEADS, only, read, scope_of, show
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
DIRECTIONS = ("in", "out", "not_crossed")
ODD = ("wrong_door", "unexpected", "missing")
MOST, MOVES = 100, 300


@router.get("/visits")
async def visits(request: Request) -> Response:
    """Portals as they stand, and the trucks that were there."""
    only(request, *BUILDING)
    wanted = page(request)
    after = place_after(wanted.after)

    async def find(unit: UnitOfWork) -> tuple[list[Any], list[Any]]:
        rows = await unit.inbound_views.visits(
            portal=None, state=None, limit=wanted.limit + 1, after=after
        )
        return rows, await unit.inbound_views.portals()

    rows, portals = await read(request, find)
    rows = [{**row, "summary": document(row["summary"])} for row in rows]
    found = paged(rows, wanted, "opened_at", "id")
    return await show(request, "visits.html", portals=portals, **found)


@router.get("/portals")
async def portals(request: Request) -> Response:
    """Each portal's verdicts against what people booked, and what the next mode still wants."""
    owners = scope_of(only(request, *BUILDING))

    async def find(unit: UnitOfWork) -> list[PortalReport]:
        rows = await unit.inbound_views.portals()
        return [await unit.inbound_views.report(row["portal"], owners=owners) for row in rows]

    return await show(request, "portals.html", reports=await read(request, find))


@router.get("/visits/{visit_id}")
async def visit(request: Request, visit_id: str) -> Response:
    """What its documents still owe, and the pass that proves each tag."""
    only(request, *BUILDING)
    wanted = path_id(visit_id, "visit")

    async def find(unit: UnitOfWork) -> dict[str, Any]:
        return {
            "v": await unit.inbound_views.visit(wanted),
            "remainder": await remainder_for(unit, wanted),
            "passes": await unit.inbound_views.passes(
                PassFilter(visit_id=wanted), limit=MOST, after=None
            ),
        }

    return await show(request, "visit.html", **await read(request, find))


@router.get("/passes")
async def passes(request: Request) -> Response:
    """First what waits for a person."""
    only(request, *BUILDING)
    wanted, showing = page(request), chosen(request, "show", "todo", "odd", "all")
    after = place_after(wanted.after)

    async def find(unit: UnitOfWork) -> list[dict[str, Any]]:
        views = unit.inbound_views
        if showing == "all":
            return await views.passes(PassFilter(), limit=wanted.limit + 1, after=after)
        filters = (
            [PassFilter(state="undecided"), PassFilter(booking="proposed")]
            if showing == "todo"
            else [PassFilter(verdict=verdict) for verdict in ODD]
        )
        rows = [row for each in filters for row in await views.passes(each, limit=MOST, after=None)]
        return sorted(rows, key=lambda row: (row["opened_at"], str(row["id"])), reverse=True)

    rows = await read(request, find)
    found: dict[str, Any] = {"items": rows, "next_cursor": None}
    if showing == "all":
        found = paged(rows, wanted, "opened_at", "id")
    return await show(request, "passes.html", showing=showing, **found)


@router.get("/passes/{pass_id}")
async def one_pass(request: Request, pass_id: str) -> Response:
    """Why the verdict is what it is, tag by tag."""
    caller = only(request, *BUILDING)
    wanted = path_id(pass_id, "pass")

    async def find(unit: UnitOfWork) -> dict[str, Any]:
        moves = MoveFilter(owners=scope_of(caller), pass_id=wanted)
        return {
            "p": await unit.inbound_views.portal_pass(wanted),
            "moves": await unit.stock_views.moves(moves, limit=MOVES, before=None),
        }

    found = await read(request, find)
    features = {
        name: value
        for name, value in document(found["p"]["features"]).items()
        if isinstance(value, str | int | float)
    }
    for tag in found["p"]["tags"]:
        tag["evidence_lines"] = _lines(document(tag["evidence"]))
    return await show(request, "pass.html", features=features, **found)


def _lines(evidence: dict[str, Any]) -> list[str]:
    """Evidence as one line an observation."""
    lines = []
    for name, value in evidence.items():
        for entry in value if isinstance(value, list) else [value]:
            parts = entry.items() if isinstance(entry, dict) else [(name, entry)]
            lines.append(" ".join(f"{key}={part}" for key, part in parts))
    return lines


@router.post("/passes/{pass_id}/{act}")
async def decide(request: Request, pass_id: str, act: str) -> Response:
    """A lead's one tap; the answer is the pass's row as it is then."""
    caller = only(request, *LEADS)
    wanted, found = path_id(pass_id, "pass"), context(request)
    common: dict[str, Any] = {"pass_id": wanted, "now": found.clock(), "actor": caller.name}
    state = field(request, "state") if act == "settle" else ""
    if act not in ("settle", "confirm", "dismiss") or (act == "settle" and state not in DIRECTIONS):
        raise not_found("action")

    async def write(unit: UnitOfWork) -> None:
        if act == "settle":
            await settle_pass(unit, state=cast(Direction, state), ids=found.ids, **common)
        elif act == "confirm":
            await confirm_pass(unit, ids=found.ids, **common)
        else:
            await dismiss_pass(unit, **common)

    said = ""
    try:
        await read(request, write)
    except Refused as refusal:
        said = refusal.detail
    return await _row(request, wanted, said)


async def _row(request: Request, pass_id: UUID, said: str) -> Response:
    async def find(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.portal_pass(pass_id)

    found = await read(request, find)
    return await show(request, "one_pass.html", p=found, said=said)
