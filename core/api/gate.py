"""The gate before every route: what can be refused before a field is looked at, in one fixed order.

host, path, method, URL and header size, key, role, rate, Accept, Content-Type, Content-Encoding,
body size, Idempotency-Key, JSON. The body reaches the route only when all of that holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api import checks
from core.api.auth import SESSION_COOKIE, Caller, authenticate
from core.api.errors import problem, refused, unavailable
from core.api.limits import Buckets
from core.api.roles import ANYONE, TABLE
from core.api.strict_json import JsonError, parse
from core.application.ports.platform import KeyStore
from core.domain.errors import Refused, Unavailable

log = logging.getLogger("dockledger.api")
GUEST = Caller("guest", "guest", "auditor", ("*",), ("*",), ())


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Named limits of the HTTP interface."""

    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    url_bytes: int = 8 * 1024
    header_bytes: int = 32 * 1024
    json_bytes: int = 1024 * 1024
    csv_bytes: int = 20 * 1024 * 1024
    requests_per_minute: int = 600
    failed_logins_per_minute: int = 10
    guest: bool = False


class Gate:
    """ASGI middleware around the application's router."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Callable[[], list[Any]],
        keys: KeyStore,
        limits: GateLimits,
        clock: Callable[[], int],
        ids: Callable[[], UUID],
    ) -> None:
        self._app = app
        self._routes = routes
        self._keys = keys
        self._limits = limits
        self._clock = clock
        self._ids = ids
        self._rates = Buckets(limits.requests_per_minute)
        self._failures = Buckets(limits.failed_logins_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with its problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = self._ids().hex
        scope.setdefault("state", {})["trace"] = trace
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            passed = await self._admit(scope, receive)
            await self._app(scope, passed, note)
            return
        except Refused as error:
            response = refused(error, trace)
            if error.code == "method-not-allowed":
                response.headers["Allow"] = str(error.facts.get("allow", ""))
            if error.code == "rate-limited":
                response.headers["Retry-After"] = "60"
        except Unavailable as error:
            response = unavailable(error, trace)
        except Exception:
            log.exception("request_failed", extra={"trace": trace})
            if started:
                raise
            response = problem("internal", "This is a fault of the server.", trace=trace)
        if not started:
            await response(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        checks.host(headers, self._limits.hosts)
        template, allowed = self._match(scope)
        checks.sizes(scope, self._limits.url_bytes, self._limits.header_bytes)
        caller = await self._caller(scope, allowed)
        scope["state"]["caller"] = caller
        # Pages ask for themselves: without a key they show themselves to a guest, or the log-in.
        scope["state"]["guest"] = GUEST if self._limits.guest else None
        now = self._clock()
        if caller is not None and not self._rates.take(caller.key_id, now):
            raise Refused("rate-limited", "Too many requests with this key. Slow down.")
        checks.accepts(headers, template)
        if scope["method"] in {"GET", "HEAD", "DELETE", "OPTIONS"}:
            checks.query(scope)
            return receive
        return await self._body(scope, receive, template)

    def _match(self, scope: Scope) -> tuple[str, frozenset[str]]:
        methods: set[str] = set()
        if "\0" in scope["path"]:
            raise Refused("not-found", "There is nothing at this path.")
        for route in self._routes():
            match, _ = route.matches(scope)
            if match is Match.FULL:
                path = getattr(route, "path", "")
                allowed = TABLE.get((scope["method"], path))
                if allowed is None and scope["method"] == "HEAD":
                    allowed = TABLE.get(("GET", path))
                if allowed is None and path and not path.startswith("/v1"):
                    allowed = ANYONE
                return path, allowed or frozenset()
            if match is Match.PARTIAL:
                methods |= set(getattr(route, "methods", None) or ())
        if methods:
            raise Refused(
                "method-not-allowed",
                "This path does not take that method.",
                allow=", ".join(sorted(methods)),
            )
        raise Refused("not-found", "There is nothing at this path.")

    async def _caller(self, scope: Scope, allowed: frozenset[str]) -> Caller | None:
        header = checks.single(scope["headers"], b"authorization")
        cookie = checks.cookie(scope["headers"], SESSION_COOKIE)
        if allowed == ANYONE and scope["path"].startswith("/static/"):
            return None
        if header is None and cookie is None and allowed == ANYONE:
            return None
        address = (scope.get("client") or ("unknown", 0))[0]
        now = self._clock()
        if header is None:
            checks.same_origin(scope)
            if cookie is None and self._limits.guest:
                return self._role(GUEST, scope, allowed)
        if self._failures.level(address, now) < 1:
            raise Refused("rate-limited", "Too many failed log-ins from this address. Wait.")
        try:
            caller = await authenticate(self._keys, header, cookie, now)
        except Refused:
            if header is None and allowed == ANYONE:
                return None
            self._failures.take(address, now)
            raise
        return self._role(caller, scope, allowed)

    def _role(self, caller: Caller, scope: Scope, allowed: frozenset[str]) -> Caller:
        if allowed != ANYONE and caller.role not in allowed:
            raise Refused("forbidden", "The role of this key may not do this.")
        return caller

    async def _body(self, scope: Scope, receive: Receive, template: str) -> Receive:
        headers = scope["headers"]
        is_import = template.startswith("/v1/imports/")
        kind = checks.content_type(headers, is_import=is_import, scope=scope)
        checks.content_encoding(headers)
        limit = self._limits.csv_bytes if kind != "json" else self._limits.json_bytes
        body = await checks.read_body(receive, headers, limit)
        if (scope["method"], template) in checks.NEEDS_KEY:
            scope["state"]["idempotency_key"] = checks.idempotency_key(headers)
        if kind == "json":
            try:
                scope["state"]["document"] = parse(body) if body else None
            except JsonError as error:
                raise Refused(error.code, error.detail) from None
        checks.query(scope)
        scope["state"]["body"] = body
        return checks.replay(body, receive)
