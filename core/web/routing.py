"""What every page route does: send strangers to the log-in, show refusals as a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from core.api.errors import status_of
from core.domain.errors import Refused
from core.web.render import LogIn, show, to_login


class PageRoute(APIRoute):
    """A route that answers with HTML, also when it refuses."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, guarded."""
        inner: Callable[[Request], Any] = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                found: Response = await inner(request)
                return found
            except LogIn:
                return to_login(request)
            except Refused as refusal:
                status = status_of(refusal.code)
                return await show(
                    request,
                    "problem.html",
                    answer=status,
                    zone="UTC",
                    code=refusal.code,
                    detail=refusal.detail,
                )

        return guarded
