"""The HTTP application: routes of every area behind one gate, problems for every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from core.api import checks
from core.api.deps import Context
from core.api.errors import refused
from core.api.gate import Gate, GateLimits
from core.api.openapi import document_of
from core.api.roles import TABLE
from core.api.validation import field_errors
from core.application.ports.platform import KeyStore
from core.application.ports.uow import UnitOfWorkFactory
from core.domain.errors import Refused

DESCRIPTION = """Know where everything is in the warehouse, and prove it.

Send `Authorization: Bearer KEY`. Each problem is `application/problem+json` with a stable code."""


class Application(FastAPI):
    """FastAPI with the completed document."""

    def openapi(self) -> dict[str, Any]:
        """Made when first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = document_of(self)
        return self.openapi_schema


def build_app(
    *,
    site: str,
    open_unit: UnitOfWorkFactory,
    keys: KeyStore,
    routers: Iterable[APIRouter],
    limits: GateLimits,
    clock: Callable[[], int],
    ids: Callable[[], UUID],
    token: Callable[[int], bytes],
    jitter: Callable[[], float],
    extras: dict[str, Any] | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """Compose the application. Raises `LookupError` for an operation that no role may call."""
    app = Application(
        title="Dockledger",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.context = Context(site, open_unit, clock, ids, token, jitter, extras or {})
    for router in routers:
        # Flat, so that the gate can match each route by its own path.
        app.router.routes.extend(router.routes)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _unreadable)
    app.user_middleware.append(
        Middleware(
            Gate,
            routes=lambda: list(app.router.routes),
            keys=keys,
            limits=limits,
            clock=clock,
            ids=ids,
        )
    )
    _complete(app)
    return app


def _complete(app: FastAPI) -> None:
    """Every operation under /v1 has its roles; every GET knows its parameters."""
    for route in app.router.routes:
        if not isinstance(route, APIRoute) or not route.path.startswith("/v1"):
            continue
        for method in route.methods or ():
            if (method, route.path) not in TABLE:
                raise LookupError(f"no role may call {method} {route.path}: add it to the table")


def check_query(request: Request) -> None:
    """Route dependency: unknown or repeated query parameters are refused."""
    route = request.scope["route"]
    names, many = [], []
    for parameter in route.dependant.query_params:
        names.append(parameter.alias)
        if str(parameter.field_info.annotation).startswith("list"):
            many.append(parameter.alias)
    checks.known_parameters(request.scope, names, many)


async def _invalid(request: Request, error: Exception) -> Response:
    found = field_errors(error.errors()) if isinstance(error, RequestValidationError) else ()
    detail = "One or more fields are wrong; see errors."
    return refused(Refused("validation", detail, errors=found), request.state.trace)


async def _unreadable(request: Request, error: Exception) -> Response:
    """What the framework itself cannot read: a multipart body that is none."""
    detail = "The body cannot be read. Send one file as multipart/form-data."
    return refused(Refused("bad-request", detail), request.state.trace)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return refused(error, request.state.trace)
