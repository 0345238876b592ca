"""Imports over HTTP: layout as JSON, items and first stock as CSV or one uploaded file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import caller, context, json_answer, owner_of, site_of, transact
from core.api.roles import MANAGER, allow
from core.api.schemas.layout import LayoutIn
from core.application.imports import import_stock
from core.application.item_import import import_items
from core.application.layout_import import import_layout
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["imports"])
allow(
    MANAGER | {"integrator"},
    "POST /v1/imports/layout",
    "POST /v1/imports/items",
    "POST /v1/imports/stock",
)


@router.post("/v1/imports/layout", summary="Import a site's layout")
async def layout(request: Request, body: LayoutIn, dry_run: str | None = None) -> Response:
    """All or nothing; the same document again changes nothing."""
    found = context(request)
    if body.site.id != site_of(request):
        detail = "The document is of another site than this server's."
        raise Refused("validation", detail, errors=(FieldError("/site/id", "choice", detail),))
    who = caller(request)
    named = {row.owner for row in body.owners} | {row.owner for row in body.items}
    named |= {row.owner for row in body.pick_faces}
    if not all(who.covers_owner(owner) for owner in named):
        raise Refused("forbidden", "The document names an owner that the key does not cover.")
    rows = body.rows()

    async def write(unit: UnitOfWork) -> dict[str, int]:
        return await import_layout(unit, rows, now=found.clock())

    return await _imported(request, write, None, dry_run)


@router.post("/v1/imports/items", summary="Import items")
async def items(
    request: Request,
    owner: str | None = None,
    site: str | None = None,
    dry_run: str | None = None,
) -> Response:
    """CSV with the header sku,name,gtin,uom,min,max and any of an item's facts (see the export)."""
    data, found = await csv_of(request), context(request)
    who = await _owner(request, owner)

    async def write(unit: UnitOfWork) -> dict[str, int]:
        return {"rows": await import_items(unit, data, owner=who, now=found.clock())}

    return await _imported(request, write, site, dry_run)


@router.post("/v1/imports/stock", summary="Import counted stock")
async def stock(
    request: Request,
    owner: str | None = None,
    site: str | None = None,
    dry_run: str | None = None,
) -> Response:
    """CSV with the header location,sku,quantity and optionally lot,epc."""
    data, found, actor = await csv_of(request), context(request), caller(request).name
    who = await _owner(request, owner)

    async def write(unit: UnitOfWork) -> dict[str, int]:
        return await import_stock(
            unit, data, owner=who, now=found.clock(), ids=found.ids, actor=actor
        )

    return await _imported(request, write, site, dry_run)


class _Undone(Exception):
    """Ends a dry run: its transaction is rolled back, its result kept."""

    def __init__(self, done: dict[str, int]) -> None:
        super().__init__()
        self.done = done


async def _imported(
    request: Request,
    write: Callable[[UnitOfWork], Awaitable[dict[str, int]]],
    site: str | None,
    dry_run: str | None,
) -> Response:
    """Run an import; `dry_run=true` does all of it and keeps nothing."""
    if dry_run not in (None, "true", "false"):
        detail = "dry_run must be true or false."
        raise Refused("validation", detail, errors=(FieldError("?dry_run", "choice", detail),))
    if dry_run != "true":
        return json_answer({"imported": await transact(request, write, site=site)})

    async def undone(unit: UnitOfWork) -> dict[str, int]:
        raise _Undone(await write(unit))

    try:
        await transact(request, undone, site=site)
    except _Undone as end:
        return json_answer({"imported": end.done, "dry_run": True})
    raise RuntimeError("a dry run was kept")


async def _owner(request: Request, owner: str | None) -> str:
    """The owner of the goods; the only one that the site has may be left out."""

    async def only(unit: UnitOfWork) -> str | None:
        known = (await unit.layout.known()).owners
        return next(iter(known)) if len(known) == 1 else None

    return owner_of(request, owner, default=await transact(request, only))


async def csv_of(request: Request) -> bytes:
    """The file of the request: the body itself, or the one file of a form. Its name is not used."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        body: bytes = request.state.body
        return body
    async with request.form(max_files=1) as form:
        files: list[Any] = [value for value in form.values() if isinstance(value, UploadFile)]
        if len(files) != 1 or len(form) != 1:
            raise Refused("bad-request", "Send one file.")
        data: bytes = await files[0].read()
        return data
