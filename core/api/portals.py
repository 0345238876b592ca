"""Portals over HTTP: modes, what stands at the door, and the report for the next step."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, owners_scope, transact
from core.api.roles import MANAGER, READERS, STAFF, allow
from core.api.schemas.inbound import ModeIn
from core.api.schemas.orders import shown
from core.application.map import light_now
from core.application.portals import set_portal_mode
from core.application.ports.uow import UnitOfWork
from core.domain.expected import Mode
from core.domain.portal_report import ReportRow

router = APIRouter(dependencies=[Depends(check_query)], tags=["doors"])
allow(READERS, "GET /v1/portals")
allow(STAFF | {"auditor"}, "GET /v1/portals/{portal}/report")
allow(MANAGER, "PUT /v1/portals/{portal}/mode")
LEAST_TAGS, BAR = 200, 0.995


@router.get("/v1/portals", summary="Portals and their modes")
async def list_portals(request: Request, site: str | None = None) -> dict[str, Any]:
    """The light is what the last verdict left: green for 5 s, then nothing."""
    now, owners = context(request).clock(), owners_scope(request)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.portals()

    rows = await transact(request, read, site=site)
    return {
        "items": [
            shown({**row, "light": _light(row, now), "modes": _modes(row, owners)}) for row in rows
        ]
    }


def _modes(row: dict[str, Any], owners: list[str] | None) -> list[dict[str, Any]]:
    """The modes of all owners, and of those that the caller's key covers."""
    return [
        mode
        for mode in row["modes"]
        if owners is None or mode["owner"] == "*" or mode["owner"] in owners
    ]


def _light(row: dict[str, Any], now: int) -> str:
    return light_now(row["last_verdict"], row["last_decided_at"], row["agent_state"], now)


@router.put("/v1/portals/{portal}/mode", summary="Set a portal's mode")
async def put_mode(
    request: Request, portal: str, body: ModeIn, site: str | None = None
) -> Response:
    """One step up at a time; any step down."""
    now, actor = context(request).clock(), caller(request).name

    async def write(unit: UnitOfWork) -> str:
        return await set_portal_mode(
            unit,
            portal=portal,
            direction=body.direction,
            owner=body.owner,
            mode=cast(Mode, body.mode),
            now=now,
            actor=actor,
        )

    before = await transact(request, write, site=site)
    return json_answer(
        {
            "portal": portal,
            "direction": body.direction,
            "owner": body.owner or "*",
            "mode": body.mode,
            "before": before,
        }
    )


@router.get("/v1/portals/{portal}/report", summary="Verdicts against what people booked")
async def report(request: Request, portal: str, site: str | None = None) -> dict[str, Any]:
    """Agreement, false accepts and rejects, and whether the bar for the next mode is met."""

    async def read(unit: UnitOfWork) -> list[ReportRow]:
        return await unit.inbound_views.report(portal)

    rows = await transact(request, read, site=site)
    return {
        "portal": portal,
        "bar": {"agreement": BAR, "tags": LEAST_TAGS, "false_accepts": 0},
        "directions": [_direction(row) for row in rows],
    }


def _direction(row: ReportRow) -> dict[str, Any]:
    return {
        "direction": row.direction,
        "passes": row.passes,
        "undecided": row.undecided,
        "confirmed": row.confirmed,
        "dismissed": row.dismissed,
        "reversed": row.reversed,
        "tags": row.tags,
        "agreed": row.agreed,
        "false_accepts": row.false_accepts,
        "false_rejects": row.false_rejects,
        "agreement": row.agreement,
        "may_step_up": row.may_step_up(least=LEAST_TAGS, bar=BAR),
    }
