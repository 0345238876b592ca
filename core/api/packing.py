"""Packing, staging and handling units over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, owners_scope, path_id, transact
from core.api.roles import STAFF, allow
from core.api.schemas.floor import PackIn, StageIn
from core.application.packing import Carton, pack_order, stage
from core.application.ports.carriers import Carrier
from core.application.ports.uow import UnitOfWork

router = APIRouter(dependencies=[Depends(check_query)], tags=["packing"])
allow(STAFF, "POST /v1/orders/{order_id}/pack", "POST /v1/stage")


@router.post("/v1/orders/{order_id}/pack", summary="Close a carton with a tote's goods")
async def pack(request: Request, order_id: str, body: PackIn, site: str | None = None) -> Response:
    """The carton gets the next SSCC of the owner's range; sent again it gives the same carton."""
    wanted = path_id(order_id, "order")
    owners, found, who = owners_scope(request), context(request), caller(request)

    async def write(unit: UnitOfWork) -> Carton:
        return await pack_order(
            unit,
            wanted,
            tote=body.tote,
            station=body.station,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )

    carton = await transact(request, write, site=site)
    return json_answer(
        {
            "carton": {
                "id": str(carton.carrier.handling_unit_id),
                "sscc": carton.sscc,
                "epc_hex": carton.epc_hex,
                "key": carton.carrier.epc_key,
                "state": carton.carrier.state,
            }
        }
    )


@router.post("/v1/stage", summary="Bring a carton or pallet to its lane")
async def stage_unit(request: Request, body: StageIn, site: str | None = None) -> dict[str, Any]:
    """Its order is staged once all its cartons are."""
    owners, found, who = owners_scope(request), context(request), caller(request)

    async def write(unit: UnitOfWork) -> Carrier:
        return await stage(
            unit,
            body.handling_unit,
            location=body.location,
            owners=owners,
            now=found.clock(),
            ids=found.ids,
            actor=who.name,
        )

    carrier = await transact(request, write, site=site)
    return {
        "id": str(carrier.handling_unit_id),
        "key": carrier.epc_key,
        "state": carrier.state,
        "location": body.location,
    }
