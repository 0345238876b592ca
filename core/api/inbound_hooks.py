"""Orders from a channel's own system: signed calls to `/v1/inbound/{channel}` instead of a key.

The signature is checked before a field is looked at; effect and note of the id commit together.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import context, json_answer
from core.api.errors import PROBLEM
from core.api.orders import short_answer
from core.api.roles import ANYONE, allow
from core.api.schemas.orders import OrderIn, order_request, shown
from core.api.validation import field_errors
from core.application.inbound_hooks import admit_call
from core.application.intake import OrderRequest, accept_order
from core.application.ports.uow import UnitOfWork, in_transaction
from core.domain.errors import Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["webhooks"])
allow(ANYONE, "POST /v1/inbound/{channel}")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "title": "As POST /v1/orders"}}
        },
    }
}


@router.post("/v1/inbound/{channel}", summary="An order, signed", openapi_extra=_BODY)
async def inbound(request: Request, channel: str) -> Response:
    """201 the new order; 200 when the order or this webhook-id came before."""
    found = context(request)
    headers = {
        name: checks.single(request.scope["headers"], name.encode())
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    }

    async def work(uow: UnitOfWork) -> tuple[int, Any]:
        owner = await admit_call(
            uow,
            channel,
            webhook_id=headers["webhook-id"],
            timestamp=headers["webhook-timestamp"],
            signatures=headers["webhook-signature"],
            body=request.state.body,
            now=found.clock(),
        )
        if owner is None:
            return 200, {"status": "duplicate"}
        wanted = _order(getattr(request.state, "document", None), channel, owner, uow.site)
        done = await accept_order(uow, wanted, now=found.clock(), ids=found.ids)
        if done.outcome == "unfilled":
            return 409, short_answer(request, done.shortages)
        order = shown(await uow.order_views.order(done.order_id, None))
        return (201 if done.outcome == "created" else 200), order

    status, value = await in_transaction(found.open_unit, found.site, work, jitter=found.jitter)
    return json_answer(value, status, {"content-type": PROBLEM} if status >= 400 else None)


def _order(document: Any, channel: str, owner: str, site: str) -> OrderRequest:
    """The order of a genuine call, within what the channel's secret covers."""
    try:
        body = OrderIn.model_validate(document)
    except ValidationError as error:
        found = field_errors([dict(finding) for finding in error.errors()])
        raise Refused(
            "validation", "One or more fields are wrong; see errors.", errors=found
        ) from None
    if body.channel != channel or body.owner not in (None, owner) or body.site not in (None, site):
        raise Refused("forbidden", "The secret covers one channel, one owner and one site.")
    return order_request(body, owner=owner, site=site)
