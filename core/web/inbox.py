"""The inbox page: unknown EPCs and tags that were seen as two, each decided with one tap."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from contracts.gs1.keys import split_key
from core.api.deps import context, paged
from core.api.inbox import STATES, entry, place_of
from core.api.schemas.tags import BindIn
from core.api.tags import binding_work, tag_of
from core.application.inbox import ignore_epc, watch_epc
from core.application.ports.uow import UnitOfWork
from core.application.suspicions import settle_suspicion
from core.domain.errors import Refused, not_found
from core.domain.naming import normal_unit_key
from core.web.forms import chosen, field, page
from core.web.render import BUILDING, LEADS, only, read, scope_of, show
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 100
ASIDE = {"ignore": "not ours", "watch": "looked at again"}


@router.get("/inbox")
async def inbox(request: Request) -> Response:
    """What waits for a decision, latest seen first, with the item that its GTIN names."""
    owners, wanted = scope_of(only(request, *BUILDING)), page(request)
    state, after = chosen(request, "state", *STATES), place_of(wanted.after)

    async def find(unit: UnitOfWork) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        held = await unit.inbox.held(state=state, limit=wanted.limit + 1, after=after)
        rows = await _with_items(unit, [entry(one) for one in held], owners)
        doubts = await unit.tags.open_suspicions(owners, limit=MOST) if after is None else []
        return rows, doubts

    rows, doubts = await read(request, find)
    found = paged(rows, wanted, "last_seen_at", "epc")
    return await show(request, "inbox.html", state=state, doubts=doubts, **found)


async def _with_items(
    unit: UnitOfWork, rows: list[dict[str, Any]], owners: list[str] | None
) -> list[dict[str, Any]]:
    """Each entry with the owner and SKU of its GTIN, where one item has it."""
    gtins = {row["epc"]: dict(split_key(row["key"])).get("01") for row in rows if row["key"]}
    known = [gtin for gtin in gtins.values() if gtin is not None]
    items = await unit.inbox.fitting(known, owners) if known else {}
    return [{**row, "fits": items.get(gtins.get(row["epc"]) or "")} for row in rows]


@router.post("/inbox/{epc}/{act}")
async def decide(request: Request, epc: str, act: str) -> Response:
    """A lead's one tap; the answer is the entry's row as it is then."""
    caller = only(request, *LEADS)
    now, owners, said = context(request).clock(), scope_of(caller), ""

    async def write(unit: UnitOfWork) -> None:
        if act == "bind":
            tag = tag_of(epc)
            wanted = BindIn(
                reason="bound in the inbox",
                sku=field(request, "sku"),
                owner=field(request, "owner"),
            )
            await binding_work(request, wanted, tag)(unit)
        elif act in ASIDE:
            change = ignore_epc if act == "ignore" else watch_epc
            await change(unit, epc, reason=ASIDE[act], now=now, actor=caller.name)
        else:
            raise not_found("action")

    async def find(unit: UnitOfWork) -> dict[str, Any]:
        held = await unit.inbox.one(epc.upper())
        if held is None:
            raise not_found("held EPC")
        return (await _with_items(unit, [entry(held)], owners))[0]

    await read(request, find)
    try:
        await read(request, write)
    except Refused as refusal:
        if refusal.code == "not-found":
            raise
        said = refusal.detail
    return await show(request, "one_held.html", h=await read(request, find), said=said)


@router.post("/suspicions/{verdict}")
async def settle(request: Request, verdict: str) -> Response:
    """A lead has looked at the goods: their tag is genuine, or it is the copy."""
    caller = only(request, *LEADS)
    if verdict not in ("genuine", "copy"):
        raise not_found("action")
    key, now = normal_unit_key(field(request, "key"), pointer="/key"), context(request).clock()

    async def write(unit: UnitOfWork) -> None:
        await settle_suspicion(
            unit,
            key,
            verdict=verdict,
            reason="looked at, settled in the inbox",
            owners=scope_of(caller),
            now=now,
            actor=caller.name,
        )

    await read(request, write)
    return await show(request, "settled_doubt.html", key=key, verdict_word=verdict)
