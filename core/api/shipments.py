"""Shipments over HTTP: plan, palletize, read, cancel. They ship at the door alone."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import context, json_answer, owners_scope, page_of, paged, path_id, transact
from core.api.orders import place_after
from core.api.roles import LEADS, READERS, STAFF, allow
from core.api.schemas.floor import PalletizeIn, ShipmentIn
from core.api.schemas.orders import shown
from core.application.ports.uow import UnitOfWork
from core.application.shipments import ShipmentPlan, cancel_shipment, palletize, plan_shipment
from core.application.shipping import resume_shipment
from core.domain.errors import FieldError, Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["shipments"])
allow(READERS, "GET /v1/shipments", "GET /v1/shipments/{shipment_id}")
allow(STAFF, "POST /v1/shipments", "POST /v1/shipments/{shipment_id}/palletize")
allow(LEADS, "POST /v1/shipments/{shipment_id}/cancel", "POST /v1/shipments/{shipment_id}/resume")


@router.post("/v1/shipments", status_code=201, summary="Plan a shipment")
async def add_shipment(request: Request, body: ShipmentIn, site: str | None = None) -> Response:
    """Packed goods of one owner for one truck."""
    if not body.order_ids and not body.handling_units:
        detail = "Name orders or handling units."
        error = FieldError("/order_ids", "required", detail)
        raise Refused("validation", detail, errors=(error,))
    plan = ShipmentPlan(
        order_ids=tuple(dict.fromkeys(path_id(text, "order") for text in body.order_ids)),
        handling_units=tuple(body.handling_units),
        portal=body.portal,
        carrier=body.carrier,
        external_id=body.external_id,
    )
    owners, found = owners_scope(request), context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        made = await plan_shipment(unit, plan, owners=owners, now=found.clock(), ids=found.ids)
        return await unit.order_views.shipment(made, owners)

    return json_answer(shown(await transact(request, write, site=site)), 201)


@router.get("/v1/shipments", summary="Shipments, newest first")
async def list_shipments(
    request: Request,
    state: str | None = None,
    portal: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With their units and what is loaded."""
    page = page_of(limit, cursor)
    after, owners = place_after(page.after), owners_scope(request, owner)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.order_views.shipments(
            owners=owners, state=state, portal=portal, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "created_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/shipments/{shipment_id}", summary="One shipment")
async def get_shipment(request: Request, shipment_id: str, site: str | None = None) -> Response:
    """With its units and what is loaded."""
    wanted, owners = path_id(shipment_id, "shipment"), owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.order_views.shipment(wanted, owners)

    return json_answer(shown(await transact(request, read, site=site)))


@router.post("/v1/shipments/{shipment_id}/palletize", summary="Nest cartons on a pallet")
async def add_pallet(
    request: Request, shipment_id: str, body: PalletizeIn, site: str | None = None
) -> Response:
    """The pallet joins the shipment and moves with all it holds."""
    wanted, owners = path_id(shipment_id, "shipment"), owners_scope(request)
    found = context(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        pallet = await palletize(
            unit,
            wanted,
            pallet_key=body.pallet_key,
            handling_units=body.handling_units,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
        )
        shipment = await unit.order_views.shipment(wanted, owners)
        return {
            "pallet": {"id": str(pallet.handling_unit_id), "key": pallet.epc_key},
            "shipment": shown(shipment),
        }

    return json_answer(await transact(request, write, site=site))


@router.post("/v1/shipments/{shipment_id}/cancel", summary="Cancel a shipment")
async def cancel(request: Request, shipment_id: str, site: str | None = None) -> Response:
    """Before the door only; its goods may go on another one."""
    wanted, owners = path_id(shipment_id, "shipment"), owners_scope(request)
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await cancel_shipment(unit, wanted, owners=owners, now=now)
        return await unit.order_views.shipment(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/shipments/{shipment_id}/resume", summary="Clear what held a shipment")
async def resume(request: Request, shipment_id: str, site: str | None = None) -> Response:
    """A person looked: it is verified again at the door."""
    wanted, owners = path_id(shipment_id, "shipment"), owners_scope(request)
    now = context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await unit.order_views.shipment(wanted, owners)
        await resume_shipment(unit, wanted, now=now)
        return await unit.order_views.shipment(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))
