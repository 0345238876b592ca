"""The map's page, log-in and log-out, and the files that pages load."""

from __future__ import annotations

import base64
import hmac
import mimetypes
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from core.api import checks
from core.api.auth import SESSION_COOKIE, SESSION_US, digest
from core.api.deps import Context, context
from core.api.limits import Buckets
from core.application.ports.platform import KeyRecord
from core.application.ports.uow import UnitOfWork, in_transaction
from core.domain.errors import Refused, not_found
from core.web.render import BUILDING, HEADERS, build, show, static_files, who
from core.web.routing import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FAILURES_A_MINUTE = 10
FAILURES = "page_login_failures"


@router.get("/")
async def home(request: Request) -> Response:
    """The floor map; who may not see the building starts with orders."""
    if who(request).role not in BUILDING:
        return RedirectResponse("/orders", 303, HEADERS)
    return await show(request, "map.html")


@router.get("/map")
async def floor(request: Request) -> Response:
    """Another name of the same page; what is searched for comes along."""
    query = request.url.query
    return RedirectResponse("/" + (f"?{query}" if query else ""), 303, HEADERS)


@router.get("/login")
async def ask(request: Request, next: str = "/") -> Response:
    """Where a key becomes a session."""
    return await show(request, "login.html", zone="UTC", problem="", next=_inside(next))


@router.post("/login")
async def log_in(request: Request) -> Response:
    """A live key opens a session of twelve hours."""
    checks.same_origin(request.scope)
    found = context(request)
    form = parse_qs(request.state.body.decode("utf-8", "replace"), max_num_fields=8)
    clear, back = form.get("key", [""])[0].strip(), _inside(form.get("next", ["/"])[0])
    address, now = request.client.host if request.client else "unknown", found.clock()
    failures: Buckets = found.extras.setdefault(FAILURES, Buckets(FAILURES_A_MINUTE))
    if failures.level(address, now) < 1:
        raise Refused("rate-limited", "Too many failed log-ins from this address. Wait.")
    token = base64.urlsafe_b64encode(found.token(32)).decode().rstrip("=")

    async def open_session(unit: UnitOfWork) -> bool:
        key = _match(await unit.platform.keys(), clear)
        if key is None or key.role == "device":
            return False
        await unit.platform.add_session(
            digest(token), key.key_id, now=now, expires_at=now + SESSION_US
        )
        return True

    if not await _transact(found, open_session):
        failures.take(address, now)
        problem = "This is no live key. Paste the whole key, as it was shown once."
        return await show(request, "login.html", answer=401, zone="UTC", problem=problem, next=back)
    answer = RedirectResponse(back, 303, HEADERS)
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=SESSION_US // 1_000_000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def _transact(found: Context, work: Any) -> Any:
    return await in_transaction(found.open_unit, found.site, work, jitter=found.jitter)


def _match(keys: Any, clear: str) -> KeyRecord | None:
    """The live key whose digest this is; every key is compared in full."""
    wanted, matched = digest(clear), None
    for key in keys:
        if hmac.compare_digest(key.digest, wanted):
            matched = key
    return matched


def _inside(path: str) -> str:
    """A path of this server and nothing else."""
    parts = urlsplit(path)
    fits = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return path if fits and path.isascii() and path.isprintable() else "/"


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """The session ends here and on the server."""
    token = request.cookies.get(SESSION_COOKIE)
    if token is not None:

        async def end(unit: UnitOfWork) -> None:
            await unit.platform.end_session(digest(token))

        await _transact(context(request), end)
    answer = RedirectResponse("/login", 303, HEADERS)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/static/{version}/{name:path}")
async def static_file(version: str, name: str) -> Response:
    """A file of this build; the address changes with the content."""
    content = static_files().get(name)
    if content is None:
        raise not_found("file")
    kept = "public, max-age=31536000, immutable" if version == build() else "no-store"
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") and name.endswith(".js"):
        kind = "text/javascript"
    headers = {**HEADERS, "Cache-Control": kept}
    return Response(content, headers=headers, media_type=f"{kind}; charset=utf-8")
