"""What routes take from the application: caller, transaction, clock, idempotency, paging."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from core.api.auth import Caller, pick_site
from core.application.ports.uow import Contention, UnitOfWork, UnitOfWorkFactory, in_transaction
from core.domain.errors import FieldError, Refused, not_found, wrong_field

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What the application was built with; `request.app.state.context`."""

    site: str
    open_unit: UnitOfWorkFactory
    clock: Callable[[], int]
    ids: Callable[[], UUID]
    token: Callable[[int], bytes]
    jitter: Callable[[], float]
    extras: dict[str, Any]


def context(request: Request) -> Context:
    """The application's context."""
    found: Context = request.app.state.context
    return found


def caller(request: Request) -> Caller:
    """Who calls; the gate has checked key and role."""
    found: Caller | None = request.state.caller
    if found is None:
        raise Refused("unauthenticated", "Send a key in the header `Authorization: Bearer KEY`.")
    return found


def site_of(request: Request, site: str | None = None) -> str:
    """The site of this request; `forbidden` when the key does not cover it."""
    return pick_site(caller(request), site, served=context(request).site)


def owner_of(request: Request, owner: str | None, *, default: str | None = None) -> str:
    """The owner of a new document: named, or the only one the key covers, or `default`."""
    who = caller(request)
    if owner is not None:
        if not who.covers_owner(owner):
            raise Refused("forbidden", "The key does not cover this owner.")
        return owner
    if len(who.owners) == 1 and who.owners[0] != "*":
        return who.owners[0]
    if default is not None:
        return default
    detail = "The key covers several owners: name one."
    error = FieldError("/owner", "required", detail)
    raise Refused("validation", detail, errors=(error,))


def owners_scope(request: Request, owner: str | None = None) -> list[str] | None:
    """Which owners a list may show: None = all. A named owner outside the key is forbidden."""
    who = caller(request)
    if owner is not None:
        if not who.covers_owner(owner):
            raise Refused("forbidden", "The key does not cover this owner.")
        return [owner]
    return None if "*" in who.owners else list(who.owners)


async def transact(
    request: Request, work: Callable[[UnitOfWork], Awaitable[T]], *, site: str | None = None
) -> T:
    """Run `work` in one transaction on the request's site, with bounded retries on contention."""
    found = context(request)
    return await in_transaction(found.open_unit, site_of(request, site), work, jitter=found.jitter)


async def idempotent(
    request: Request,
    work: Callable[[UnitOfWork], Awaitable[tuple[int, Any]]],
    *,
    site: str | None = None,
) -> Response:
    """Run `work` once per Idempotency-Key; a repeat gets the stored answer.

    `work` returns (status, JSON value). Its effect and its answer commit together; a refusal undoes
    both, so the key stays free. Another body under the same key is refused.
    """
    found, who = context(request), caller(request)
    key: str = request.state.idempotency_key
    route = f"{request.method} {request.scope['route'].path}"
    fingerprint = hashlib.sha256(request.state.body).digest()

    async def once(unit: UnitOfWork) -> Response:
        stored = await unit.platform.claim(
            key_id=who.key_id, route=route, key=key, fingerprint=fingerprint, now=found.clock()
        )
        if stored is not None:
            if stored.fingerprint != fingerprint:
                raise Refused(
                    "idempotency-key-reused",
                    "This Idempotency-Key was used with another body. Use a new key.",
                )
            return json_bytes(
                stored.body or b"null", stored.status or 200, {"Idempotent-Replayed": "true"}
            )
        status, value = await work(unit)
        body = dumps(value)
        await unit.platform.answer(
            key_id=who.key_id, route=route, key=key, status=status, body=body
        )
        return json_bytes(body, status)

    try:
        return await transact(request, once, site=site)
    except Contention:
        raise Refused(
            "idempotency-in-progress", "The first call with this key still runs. Send it again."
        ) from None


def dumps(value: Any) -> bytes:
    """Compact JSON bytes; UUIDs as text."""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":")).encode()


def json_bytes(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer from ready bytes."""
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer from a value."""
    return json_bytes(dumps(value), status, headers)


def path_id(text: str, thing: str) -> UUID:
    """A UUID of the path in its one written form; anything else does not exist here."""
    try:
        found = UUID(text)
    except ValueError:
        raise not_found(thing) from None
    if str(found) != text.lower():
        raise not_found(thing)
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """Keyset page: at most `limit` rows after `after` (the last row's sort values)."""

    limit: int
    after: tuple[Any, ...] | None


def page_of(limit: str | None, cursor: str | None) -> Page:
    """The page of `?limit=&cursor=`; a cursor that we did not make is `cursor-invalid`."""
    size = 50
    if limit is not None:
        if not limit.isascii() or not limit.isdigit() or len(limit) > 9:
            raise _limit("type", "limit must be a whole number from 1 to 500.")
        size = int(limit)
        if not 1 <= size <= 500:
            raise _limit("range", "limit must be between 1 and 500.")
    if cursor is None:
        return Page(size, None)
    try:
        after = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        ours = isinstance(after, list) and after[0] == "k1" and len(after) > 1
        ours = ours and all(_is_place(value) for value in after[1:])
    except (ValueError, binascii.Error, UnicodeError, RecursionError, IndexError, KeyError):
        ours = False
    if not ours:
        raise cursor_invalid()
    return Page(size, tuple(after[1:]))


def _is_place(value: Any) -> bool:
    """Whether a sort value can be one of ours: what the database holds as a number or text."""
    if type(value) is int:
        return 0 <= value < 1 << 63
    return isinstance(value, str) and len(value) <= 256 and value.isprintable()


def cursor_invalid() -> Refused:
    """A page cursor that no list of ours gave out."""
    return Refused("cursor-invalid", "This page cursor was not made here. Start without one.")


def number_after(page: Page) -> int | None:
    """The row number in a page cursor."""
    if page.after is None:
        return None
    if len(page.after) != 1 or type(page.after[0]) is not int or not 0 <= page.after[0] < 1 << 62:
        raise cursor_invalid()
    return page.after[0]


def choice_parameter(name: str, value: str | None, words: Sequence[str]) -> None:
    """Refuse a query parameter that is none of its words."""
    if value is not None and value not in words:
        raise wrong_field(f"?{name}", "choice", f"{name} must be one of: {', '.join(words)}.")


def cursor_id(value: Any) -> UUID:
    """The id in a page cursor."""
    try:
        return path_id(str(value), "page")
    except Refused:
        raise cursor_invalid() from None


def _limit(code: str, detail: str) -> Refused:
    return Refused("validation", detail, errors=(FieldError("?limit", code, detail),))


def paged(rows: Sequence[dict[str, Any]], page: Page, *keys: str) -> dict[str, Any]:
    """The answer of a list: fetch `limit + 1` rows, show `limit`, point at the next by `keys`."""
    shown = list(rows[: page.limit])
    cursor = None
    if len(rows) > page.limit:
        place = ["k1", *(shown[-1][key] for key in keys)]
        cursor = base64.urlsafe_b64encode(json.dumps(place, default=str).encode()).decode()
    return {"items": shown, "next_cursor": cursor}
