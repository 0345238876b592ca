"""Pages: templates with autoescape, the files they load, who looks at them.

No page runs inline code. Files have the digest of all of them in their address, so browsers may
keep them for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from core.api.auth import SESSION_COOKIE, Caller
from core.api.deps import context
from core.application.ports.uow import UnitOfWork, in_transaction
from core.domain.errors import Refused

T = TypeVar("T")
HERE = Path(__file__).parent
STATIC = HERE / "static"
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LEADS = ("lead", "manager")
FLOOR = ("picker", "lead", "manager")
# What a page shows of the building; a 3PL's customer and an integrator see their own orders alone.
BUILDING = (*FLOOR, "auditor")


class LogIn(Exception):
    """Nobody may see this page without a key; where to come back to."""


@cache
def static_files() -> dict[str, bytes]:
    """Every file that pages load, by path."""
    return {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in (".js", ".css", ".svg")
    }


@cache
def build() -> str:
    """Digest of all files, part of their address."""
    digest = hashlib.sha256()
    for name, content in static_files().items():
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:12]


@cache
def vendored(stem: str, suffix: str) -> str:
    """The path of a vendored file by the beginning of its name."""
    return next(
        name
        for name in static_files()
        if name.startswith(f"vendor/{stem}-") and name.endswith(suffix)
    )


@cache
def environment() -> Environment:
    """Templates; a missing variable is an error, every value is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"build": build, "vendored": vendored}
    made.filters |= {"words": _words, "path": lambda text: quote(str(text), safe="")}
    return made


def _words(code: object) -> str:
    """`partially_promised` and `wrong-door` as a person writes them."""
    return str(code).replace("_", " ").replace("-", " ").replace(".", ": ", 1)


def who(request: Request) -> Caller:
    """Who looks at the page: a session, or a guest where guests may. Raises `LogIn`."""
    found: Caller | None = request.state.caller or request.state.guest
    if found is None:
        raise LogIn
    return found


def only(request: Request, *roles: str) -> Caller:
    """The caller, if of one of these roles; `forbidden` otherwise."""
    found = who(request)
    if found.role not in roles:
        raise Refused("forbidden", "The role of this key may not do this.")
    return found


def scope_of(caller: Caller) -> list[str] | None:
    """Owners whose goods this caller sees; None = all."""
    return None if "*" in caller.owners else list(caller.owners)


async def read(request: Request, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `work` in one transaction on the served site, with bounded retries."""
    found, caller = context(request), who(request)
    if "*" not in caller.sites and found.site not in caller.sites:
        raise Refused("forbidden", "The key does not cover this site.")
    return await in_transaction(found.open_unit, found.site, work, jitter=found.jitter)


async def show(
    request: Request, name: str, *, answer: int = 200, zone: str | None = None, **values: Any
) -> Response:
    """A page with HTTP status `answer`; times in the site's zone unless `zone` is given."""
    caller: Caller | None = request.state.caller or request.state.guest
    if zone is None and caller is not None:
        zone = (await read(request, lambda unit: unit.map.site()))["timezone"]
    clock = _clock(zone or "UTC")
    text = (
        environment()
        .get_template(name)
        .render(
            who=caller,
            is_guest=request.state.caller is None,
            path=request.url.path,
            local=clock,
            now=context(request).clock(),
            leads=caller is not None and caller.role in LEADS,
            floor=caller is not None and caller.role in FLOOR,
            building=caller is not None and caller.role in BUILDING,
            **{"said": "", **values},
        )
    )
    page = Response(text, answer, HEADERS, "text/html; charset=utf-8")
    if request.state.caller is None and SESSION_COOKIE in request.cookies:
        page.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return page


def _clock(zone: str) -> Callable[[int | None], str]:
    try:
        here: Any = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        here = UTC

    def written(us: int | None) -> str:
        if us is None:
            return "–"
        moment = datetime.fromtimestamp(us // 1_000_000, tz=here)
        return f"{moment:%Y-%m-%d %H:%M:%S}"

    return written


def to_login(request: Request) -> Response:
    """The log-in, which comes back here."""
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(back, safe='')}", 303, HEADERS)
