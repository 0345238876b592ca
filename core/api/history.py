"""The past over HTTP: the floor at an instant, and the readings of one tag in an hour."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import context, json_answer, owners_scope, transact
from core.api.fields import instant_text
from core.api.orders import instant_parameter
from core.api.roles import STAFF, allow
from core.api.schemas.orders import shown
from core.application.history import DAY_US, HOUR_US, check_kept, read_floor_at
from core.application.ports.history import Evidence
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused, Unavailable
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["map"])
allow(STAFF | {"auditor"}, "GET /v1/map/at", "GET /v1/observations")
EVIDENCE, POSITION_DAYS = "evidence", "position_days"
OBSERVATIONS = 5_000
NO_STORE = {"Cache-Control": "no-store"}


@router.get("/v1/map/at", summary="The floor at a past instant")
async def floor_at(request: Request, at: str) -> Response:
    """Stock and handling units by place as the ledger had recorded them, positions that stood,
    the latest passes, exceptions open then.
    """
    found, owners, wanted = context(request), owners_scope(request), _instant("at", at)
    kept_us = int(found.extras.get(POSITION_DAYS, 90)) * DAY_US

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await read_floor_at(
            unit, at=wanted, now=found.clock(), kept_us=kept_us, owners=owners
        )

    told = await transact(request, read)
    sections = {
        name: [shown(row) for row in rows]
        if isinstance(rows, list)
        else {key: shown(row) if isinstance(row, dict) else row for key, row in rows.items()}
        for name, rows in told.items()
    }
    return json_answer({"at": instant_text(wanted), "sections": sections}, headers=NO_STORE)


@router.get("/v1/observations", summary="The readings of one tag")
async def observations(
    request: Request, epc: str, since: str, until: str | None = None, site: str | None = None
) -> Response:
    """From the evidence archive: at most an hour from `since`, each reading once, by its time."""
    found, owners = context(request), owners_scope(request)
    archive: Evidence | None = found.extras.get(EVIDENCE)
    if archive is None:
        raise Unavailable("the evidence archive is not on this machine")
    key, begin = normal_unit_key(epc, pointer="?epc"), _instant("since", since)
    end = begin + HOUR_US if until is None else _instant("until", until)
    if not begin < end <= begin + HOUR_US:
        detail = "until must lie after since, by an hour at most."
        raise Refused("validation", detail, errors=(FieldError("?until", "range", detail),))
    check_kept(begin, now=found.clock(), kept_us=archive.kept_us, name="since")

    async def read(unit: UnitOfWork) -> dict[Any, int]:
        if owners is not None:
            await unit.stock_views.journey(key, owners, limit=1)
        return {stream: row.seq for stream, row in (await unit.tracking.cursors()).items()}

    cursors = await transact(request, read, site=site)
    rows = await asyncio.to_thread(
        archive.observations, key, since=begin, until=end, cursors=cursors, limit=OBSERVATIONS + 1
    )
    return json_answer(
        {
            "key": key,
            "since": instant_text(begin),
            "until": instant_text(end),
            "items": [shown(row) for row in rows[:OBSERVATIONS]],
            "more": len(rows) > OBSERVATIONS,
        },
        headers=NO_STORE,
    )


def _instant(name: str, value: str) -> int:
    found = instant_parameter(name, value)
    assert found is not None
    return found
