"""Orders in bulk: up to 500 in one transaction, with one result per order."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import context, idempotent, json_answer
from core.api.errors import MAX_ERRORS, status_of
from core.api.orders import request_of
from core.api.roles import SELLERS, allow
from core.api.schemas.orders import BulkIn, OrderIn
from core.api.validation import field_errors
from core.application.intake import Accepted, OrderRequest, accept_order, lock_items
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused

router = APIRouter(dependencies=[Depends(check_query)], tags=["orders"])
allow(SELLERS, "POST /v1/orders/bulk")
checks.NEEDS_KEY.add(("POST", "/v1/orders/bulk"))
_STATUS = {"created": 201, "existing": 200, "unfilled": 409}
Result = dict[str, Any]


class _RejectedError(Exception):
    """One order of a `reject_all` bulk is refused: the transaction is undone."""


@router.post("/v1/orders/bulk", summary="Place up to 500 orders")
async def add_orders(request: Request, body: BulkIn) -> Response:
    """`reject_all` takes all or none, `accept_valid` each by itself; results in the order sent."""
    parsed = [_parsed(request, document) for document in body.orders]
    results: list[Result] = [
        _refusal(n, one) if isinstance(one, Refused) else {"index": n, "status": 424}
        for n, one in enumerate(parsed)
    ]
    valid = [(n, one) for n, one in enumerate(parsed) if not isinstance(one, Refused)]
    strict = body.policy == "reject_all"
    if strict and len(valid) < len(parsed):
        return json_answer({"results": results})
    found = context(request)

    async def work(unit: UnitOfWork) -> tuple[int, Any]:
        await lock_items(unit, [one for _, one in valid])
        for n, one in valid:
            try:
                done = await accept_order(unit, one, now=found.clock(), ids=found.ids)
                results[n] = _result(n, done)
            except Refused as error:
                results[n] = _refusal(n, error)
                if strict:
                    raise _RejectedError from None
        return 200, {"results": results}

    try:
        return await idempotent(request, work)
    except _RejectedError:
        for n, _ in valid:
            if results[n]["status"] < 400:
                results[n] = {"index": n, "status": 424}
        return json_answer({"results": results})


def _parsed(request: Request, document: Any) -> OrderRequest | Refused:
    try:
        return request_of(request, OrderIn.model_validate(document))
    except ValidationError as error:
        found = field_errors([dict(finding) for finding in error.errors()])
        return Refused("validation", "One or more fields are wrong; see errors.", errors=found)
    except Refused as error:
        return error


def _result(index: int, done: Accepted) -> Result:
    found: Result = {"index": index, "status": _STATUS[done.outcome], "id": str(done.order_id)}
    if done.outcome == "unfilled":
        found |= {"code": "insufficient-stock", "lines": list(done.shortages)}
    return found


def _refusal(index: int, error: Refused) -> Result:
    return {
        "index": index,
        "status": status_of(error.code),
        "code": error.code,
        "detail": error.detail,
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": e.detail}
            for e in error.errors[:MAX_ERRORS]
        ],
    }
