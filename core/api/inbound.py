"""ASNs over HTTP: announce, read, cancel, receive by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api.app import check_query
from core.api.checks import NEEDS_KEY
from core.api.deps import (
    caller,
    context,
    idempotent,
    json_answer,
    owner_of,
    owners_scope,
    page_of,
    paged,
    path_id,
    transact,
)
from core.api.orders import place_after
from core.api.roles import LEADS, READERS, SELLERS, STAFF, allow
from core.api.schemas.inbound import AsnIn, ContentIn, ReceiveIn
from core.api.schemas.orders import shown
from core.application.inbound import (
    HandReceipt,
    NewAsn,
    NewContent,
    NewLine,
    announce_asn,
    cancel_asn,
    receive_by_hand,
)
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.naming import normal_unit_key

router = APIRouter(dependencies=[Depends(check_query)], tags=["inbound"])
allow(READERS, "GET /v1/asns", "GET /v1/asns/{asn_id}")
allow(SELLERS | LEADS, "POST /v1/asns", "POST /v1/asns/{asn_id}/cancel")
allow(STAFF, "POST /v1/asns/{asn_id}/receive")
NEEDS_KEY.add(("POST", "/v1/asns/{asn_id}/receive"))


@router.post("/v1/asns", status_code=201, summary="Announce a delivery")
async def add_asn(request: Request, body: AsnIn) -> Response:
    """All or nothing. The same delivery again is 200 with the existing ASN."""
    new, found = new_asn(body, owner_of(request, body.owner)), context(request)
    owners = owners_scope(request)

    async def write(unit: UnitOfWork) -> tuple[dict[str, Any], bool]:
        asn_id, fresh = await announce_asn(unit, new, now=found.clock(), ids=found.ids)
        return await unit.inbound_views.asn(asn_id, owners), fresh

    row, fresh = await transact(request, write, site=body.site)
    return json_answer(shown(row), 201 if fresh else 200)


def new_asn(body: AsnIn, owner: str) -> NewAsn:
    """The body as the use case takes it; tags become normal keys."""
    if not body.lines and not body.handling_units and not body.epcs:
        detail = "Name lines, handling units or tags."
        raise Refused("validation", detail, errors=(FieldError("/lines", "required", detail),))
    lines = tuple(
        NewLine(
            line_no=line.line_no if line.line_no is not None else n,
            sku=line.sku,
            quantity=line.quantity,
            lot=line.lot,
            expires_at=line.expires_at,
        )
        for n, line in enumerate(body.lines, start=1)
    )
    _unique([line.line_no for line in lines], "/lines/{}/line_no")
    holders: list[tuple[str, str]] = []
    contents: list[NewContent] = []
    places: list[str] = []
    for n, unit in enumerate(body.handling_units):
        key = normal_unit_key(unit.key, pointer=f"/handling_units/{n}/key")
        holders.append((key, unit.kind))
        for m, content in enumerate(unit.contents):
            pointer = f"/handling_units/{n}/contents/{m}"
            contents.append(_content(content, pointer, key))
            places.append(pointer + "/epc")
    for n, content in enumerate(body.epcs):
        contents.append(_content(content, f"/epcs/{n}", None))
        places.append(f"/epcs/{n}/epc")
    _unique([key for key, _ in holders], "/handling_units/{}/key")
    _unique([content.epc_key for content in contents], places)
    return NewAsn(
        owner_id=owner,
        external_asn_id=body.external_asn_id,
        supplier=body.supplier,
        expected_at=body.expected_at,
        lines=lines,
        holders=tuple(holders),
        contents=tuple(contents),
    )


def _content(content: ContentIn, pointer: str, holder: str | None) -> NewContent:
    if content.line_no is None and content.sku is None:
        detail = "Say the tag's line_no or its sku."
        raise Refused(
            "validation", detail, errors=(FieldError(f"{pointer}/sku", "required", detail),)
        )
    return NewContent(
        epc_key=normal_unit_key(content.epc, pointer=f"{pointer}/epc"),
        line_no=content.line_no,
        sku=content.sku,
        holder=holder,
    )


def _unique(values: list[Any], places: str | list[str]) -> None:
    seen: set[Any] = set()
    for n, value in enumerate(values):
        if value in seen:
            pointer = places.format(n) if isinstance(places, str) else places[n]
            detail = "This is named twice."
            raise Refused("validation", detail, errors=(FieldError(pointer, "duplicate", detail),))
        seen.add(value)


@router.get("/v1/asns", summary="ASNs, newest first")
async def list_asns(
    request: Request,
    state: str | None = None,
    owner: str | None = None,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """With their lines."""
    page, owners = page_of(limit, cursor), owners_scope(request, owner)
    after = place_after(page.after)

    async def read(unit: UnitOfWork) -> list[dict[str, Any]]:
        return await unit.inbound_views.asns(
            owners=owners, state=state, limit=page.limit + 1, after=after
        )

    rows = paged(await transact(request, read, site=site), page, "created_at", "id")
    return {"items": [shown(row) for row in rows["items"]], "next_cursor": rows["next_cursor"]}


@router.get("/v1/asns/{asn_id}", summary="One ASN")
async def get_asn(request: Request, asn_id: str, site: str | None = None) -> Response:
    """With lines, handling units and tags."""
    return await _answer(request, path_id(asn_id, "ASN"), site)


async def _answer(request: Request, asn_id: UUID, site: str | None) -> Response:
    owners = owners_scope(request)

    async def read(unit: UnitOfWork) -> dict[str, Any]:
        return await unit.inbound_views.asn(asn_id, owners)

    return json_answer(shown(await transact(request, read, site=site)))


@router.post("/v1/asns/{asn_id}/cancel", summary="Cancel an announced delivery")
async def cancel(request: Request, asn_id: str, site: str | None = None) -> Response:
    """Before anything of it has arrived."""
    wanted, owners, now = path_id(asn_id, "ASN"), owners_scope(request), context(request).clock()

    async def write(unit: UnitOfWork) -> dict[str, Any]:
        await cancel_asn(unit, asn_id=wanted, owners=owners, now=now)
        return await unit.inbound_views.asn(wanted, owners)

    return json_answer(shown(await transact(request, write, site=site)))


@router.post("/v1/asns/{asn_id}/receive", summary="Receive by hand")
async def receive(
    request: Request, asn_id: str, body: ReceiveIn, site: str | None = None
) -> Response:
    """What a person counted, by barcode; over and under the lines too."""
    wanted, owners, found = path_id(asn_id, "ASN"), owners_scope(request), context(request)
    actor = caller(request).name
    receipts = [
        HandReceipt(sku=line.sku, quantity=line.quantity, location=line.location)
        for line in body.lines
    ]

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        await receive_by_hand(
            unit,
            asn_id=wanted,
            owners=owners,
            receipts=receipts,
            now=found.clock(),
            ids=found.ids,
            actor=actor,
        )
        return 200, shown(await unit.inbound_views.asn(wanted, owners))

    return await idempotent(request, work, site=site)
