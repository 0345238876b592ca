"""Items over HTTP: list, read and change them, and export the file that the import takes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.deps import (
    json_answer,
    number_after,
    owner_of,
    owners_scope,
    page_of,
    paged,
    transact,
)
from core.api.orders import if_match
from core.api.roles import MANAGER, READERS, allow
from core.api.schemas.items import ItemPatch
from core.api.schemas.orders import shown
from core.application.item_import import export_items
from core.application.items import change_item
from core.application.ports.uow import UnitOfWork

router = APIRouter(dependencies=[Depends(check_query)], tags=["master data"])
_ONE = "/v1/items/{sku}"
allow(READERS, "GET /v1/items", f"GET {_ONE}", "GET /v1/exports/items")
allow(MANAGER | {"integrator"}, f"PATCH {_ONE}")


@router.get("/v1/items", summary="Items with their facts and packagings")
async def list_items(
    request: Request,
    sku: str | None = None,
    text: str | None = None,
    owner: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`text` is looked for in SKU and name."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    after = number_after(page)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.items.listed(
            owners=owners, sku=sku, text=text, limit=page.limit + 1, after=after
        )

    found = paged(await transact(request, read), page, "id")
    return {"items": [shown(row) for row in found["items"]], "next_cursor": found["next_cursor"]}


@router.get(_ONE, summary="One item")
async def get_item(request: Request, sku: str, owner: str | None = None) -> Response:
    """With an ETag for PATCH."""
    whose = owner_of(request, owner)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.items.one(whose, sku)

    return _answer(await transact(request, read))


@router.patch(_ONE, summary="Change an item")
async def patch_item(
    request: Request, sku: str, body: ItemPatch, owner: str | None = None
) -> Response:
    """What is named is set, null clears it. Needs If-Match. Tracking stays while there is stock."""
    whose, version = owner_of(request, owner), if_match(request)

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await change_item(
            unit, whose, sku, head=body.head(), facts=body.facts(), if_version=version
        )
        return await unit.items.one(whose, sku)

    return _answer(await transact(request, write))


def _answer(row: dict[str, Any]) -> Response:
    return json_answer(shown(row), headers={"ETag": f'"{row["version"]}"'})


@router.get("/v1/exports/items", summary="Items as a file")
async def export(request: Request, owner: str | None = None) -> Response:
    """CSV; the import takes it back and changes nothing. One owner's: an SKU is unique in it."""
    whose = owner_of(request, owner)

    async def read(unit: UnitOfWork) -> bytes:
        return b"".join([part async for part in export_items(unit, [whose])])

    return Response(await transact(request, read), media_type="text/csv; charset=utf-8")
