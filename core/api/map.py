"""The floor map over HTTP: snapshot, stream of deltas, one place, search."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from core.api.app import check_query
from core.api.deps import Context, context, json_answer, owners_scope, site_of, transact
from core.api.map_hub import MapHub
from core.api.roles import STAFF, allow
from core.api.schemas.orders import shown
from core.application import search as rules
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused, Unavailable

router = APIRouter(dependencies=[Depends(check_query)], tags=["map"])
allow(
    STAFF | {"auditor"},
    "GET /v1/map/snapshot",
    "GET /v1/map/stream",
    "GET /v1/map/places/{code}",
    "GET /v1/map/search",
)
HUBS = "map_hubs"
SCOPES, CLIENTS, CONTENTS, TEXT = 16, 500, 60, 200
NO_STORE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def hub_of(request: Request) -> MapHub:
    """The picture of this caller's owners; made when first asked for."""
    found, owners = context(request), owners_scope(request)
    site_of(request)
    hubs: dict[str, MapHub] = found.extras.setdefault(HUBS, {})
    name = "*" if owners is None else "\n".join(sorted(owners))
    if name not in hubs:
        if len(hubs) >= SCOPES:
            _forget_idle(hubs)
        hubs[name] = MapHub(found, owners, found.ids().hex[-12:])
    return hubs[name]


def _forget_idle(hubs: dict[str, MapHub]) -> None:
    idle = next((name for name, hub in hubs.items() if not hub.clients), None)
    if idle is None:
        raise Unavailable("too many kinds of keys watch the map")
    hubs.pop(idle).end_streams()


@contextlib.asynccontextmanager
async def background(found: Context) -> AsyncIterator[None]:
    """Pollers end with the server."""
    try:
        yield
    finally:
        for hub in found.extras.get(HUBS, {}).values():
            await hub.close()


def closing(found: Context) -> None:
    """The server is about to stop: streams must not hold it up."""
    for hub in found.extras.get(HUBS, {}).values():
        hub.end_streams()


@router.get("/v1/map/snapshot", summary="The floor now")
async def snapshot(request: Request) -> Response:
    """Places, stock by place, handling units, doors, devices, exceptions, alarms, counters."""
    return json_answer(await hub_of(request).fresh(), headers=NO_STORE)


@router.get("/v1/map/stream", summary="The floor as it changes")
async def stream(request: Request) -> StreamingResponse:
    """Server-sent events: `snapshot`, then numbered `delta`s, `beat` in silence.

    A client that comes back with Last-Event-ID goes on from there, or gets a new snapshot.
    """
    hub = hub_of(request)
    if hub.clients >= CLIENTS:
        raise Unavailable("too many clients watch the map", retry_after_s=5)
    frames = hub.frames(request.headers.get("last-event-id"))
    return StreamingResponse(frames, media_type="text/event-stream", headers=NO_STORE)


@router.get("/v1/map/places/{code}", summary="One place and what is in it")
async def place(request: Request, code: str) -> Response:
    """Stock, handling units, open work, last seen."""
    owners = owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.map.contents(code, owners, limit=CONTENTS)

    return json_answer(shown(await transact(request, read)), headers=NO_STORE)


@router.get("/v1/map/search", summary="Find by EPC, SSCC, SKU, order or place")
async def search(request: Request, q: str) -> dict[str, Any]:
    """Hits with the places where they are."""
    if len(q) > TEXT:
        detail = f"q takes at most {TEXT} characters."
        raise Refused("validation", detail, errors=(FieldError("?q", "length", detail),))
    owners = owners_scope(request)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await rules.search(unit, q, owners=owners)

    return {"items": [shown(row) for row in await transact(request, read)]}
