"""Portals over HTTP: modes, what stands at the door, and the report for the next step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, owners_scope, transact
from core.api.fields import instant_text
from core.api.orders import instant_parameter
from core.api.roles import MANAGER, READERS, STAFF, allow
from core.api.schemas.inbound import ModeIn
from core.api.schemas.orders import shown
from core.application.map import light_now
from core.application.portals import set_portal_mode
from core.application.ports.uow import UnitOfWork
from core.domain.expected import Mode
from core.domain.portal_report import Bar, PortalReport, ReportRow

router = APIRouter(dependencies=[Depends(check_query)], tags=["doors"])
allow(READERS, "GET /v1/portals")
allow(STAFF | {"auditor"}, "GET /v1/portals/{portal}/report")
allow(MANAGER, "PUT /v1/portals/{portal}/mode")


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
async def report(
    request: Request, portal: str, site: str | None = None, since: str | None = None
) -> dict[str, Any]:
    """By direction and owner: agreement, false accepts and rejects, what the next mode still wants.

    Counts begin when the present mode was set, or at `since`.
    """
    owners, start = owners_scope(request), instant_parameter("since", since)

    async def read(unit: UnitOfWork) -> PortalReport:
        return await unit.inbound_views.report(portal, owners=owners, since=start)

    found = await transact(request, read, site=site)
    return {
        "portal": portal,
        "bar": asdict(found.bar),
        "waiting": found.waiting,
        "directions": [_direction(row, found.bar) for row in found.rows],
    }


def _direction(row: ReportRow, bar: Bar) -> dict[str, Any]:
    return shown(
        {
            **asdict(row),
            "since": instant_text(row.since),
            "agreement": row.agreement,
            "next_mode": row.next_mode,
            "wanting": row.wanting(bar),
            "may_step_up": row.may_step_up(bar),
        }
    )
