"""Door visits over HTTP: open, read the remainder, scan, close."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, page_of, paged, path_id, transact
from core.api.orders import place_after
from core.api.roles import STAFF, allow
from core.api.schemas.inbound import CloseIn, ScanIn, VisitIn, show_judgement, show_remainder
from core.api.schemas.orders import shown
from core.application.door_scan import scan_at_door
from core.application.ports.uow import UnitOfWork
from core.application.visits import close_visit, open_visit, remainder_for
from core.domain.expected import Crossing
from core.domain.naming import normal_unit_key
from core.domain.tags import Document

router = APIRouter(dependencies=[Depends(check_query)], tags=["doors"])
WATCHERS = STAFF | {"auditor"}
allow(WATCHERS, "GET /v1/visits", "GET /v1/visits/{visit_id}")
allow(
    STAFF,
    "POST /v1/visits",
    "POST /v1/visits/{visit_id}/close",
    "POST /v1/visits/{visit_id}/scan",
)


@router.post("/v1/visits", status_code=201, summary="A truck is at a door")
async def add_visit(request: Request, body: VisitIn) -> Response:
    """Closes the visit that was open there."""
    found, actor = context(request), caller(request).name
    documents = [Document("asn", path_id(one, "ASN")) for one in body.asn_ids]
    documents += [Document("shipment", path_id(one, "shipment")) for one in body.shipment_ids]

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        visit_id = await open_visit(
            unit,
            portal=body.portal,
            truck=body.truck,
            documents=documents,
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )
        return await _visit(unit, visit_id, with_units="none")

    return json_answer(await transact(request, write, site=body.site), 201)


async def _visit(unit: UnitOfWork, visit_id: UUID, *, with_units: str) -> dict[str, Any]:
    row = shown(await unit.inbound_views.visit(visit_id))
    remainder = await remainder_for(unit, visit_id)
    return {**row, "remainder": show_remainder(remainder, with_units=with_units)}


@router.get("/v1/visits", summary="Door visits, newest first")
async def list_visits(
    request: Request,
    portal: str | None = None,
    state: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With their documents and, once closed, their summary."""
    page = page_of(limit, cursor)
    after = place_after(page.after)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.visits(
            portal=portal, state=state, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "opened_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/visits/{visit_id}", summary="One door visit")
async def get_visit(request: Request, visit_id: str, site: str | None = None) -> Response:
    """With what its documents still owe; each tag names the pass that is its evidence."""
    wanted = path_id(visit_id, "visit")

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await _visit(unit, wanted, with_units="all")

    return json_answer(await transact(request, read, site=site))


@router.post("/v1/visits/{visit_id}/close", summary="The truck leaves")
async def close(
    request: Request, visit_id: str, body: CloseIn | None = None, site: str | None = None
) -> Response:
    """Says short, over and wrong; ships what is verified, holds what is not whole."""
    wanted, found, actor = path_id(visit_id, "visit"), context(request), caller(request).name
    how = body if body is not None else CloseIn()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        summary = await close_visit(
            unit,
            visit_id=wanted,
            now=found.clock(),
            ids=found.ids,
            actor=actor,
            more_expected=how.more_expected,
            force=how.force,
        )
        return {"id": str(wanted), "state": "closed", **summary}

    return json_answer(await transact(request, write, site=site))


@router.post("/v1/visits/{visit_id}/scan", summary="Handheld load scan")
async def scan(request: Request, visit_id: str, body: ScanIn, site: str | None = None) -> Response:
    """A person vouches for one unit or handling unit; booked at once."""
    wanted, found, actor = path_id(visit_id, "visit"), context(request), caller(request).name
    key = normal_unit_key(body.code, pointer="/code")

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        pass_id, judgement = await scan_at_door(
            unit,
            visit_id=wanted,
            epc_key=key,
            direction=cast(Crossing, body.direction),
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )
        return {"pass_id": str(pass_id), "key": key, **show_judgement(judgement)}

    return json_answer(await transact(request, write, site=site))
