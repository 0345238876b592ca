"""Log-in and rights for brokers that ask by HTTP (EMQX): the same files, the same answers.

Whoever asks shows the broker's token; what cannot be read is denied, never allowed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from runtime.mqtt_accounts import AccountFiles

MAX_BODY = 4_096


def auth_app(files: AccountFiles, *, token: str) -> Starlette:
    """`POST /authn` {username, password, clientid} and `POST /authz` {username, action, topic}."""

    def log_in(asked: dict[str, str]) -> bool:
        user = asked.get("username", "")
        # A client id of another name would take over that one's session.
        same = asked.get("clientid", user) == user
        return same and files.may_log_in(user, asked.get("password", ""))

    def allow(asked: dict[str, str]) -> bool:
        user, topic = asked.get("username", ""), asked.get("topic", "")
        match asked.get("action"):
            case "publish":
                return files.may(user, "publish", topic)
            case "subscribe":
                return files.may(user, "subscribe", topic)
        return False

    def route(decide: Callable[[dict[str, str]], bool]) -> Callable[..., object]:
        async def answer(request: Request) -> JSONResponse:
            shown = request.headers.get("authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
                return JSONResponse({"result": "deny"}, 401)
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return JSONResponse({"result": "deny"}, 413)
            asked = _document(body)
            if asked is None:
                return JSONResponse({"result": "deny"}, 422)
            good = await run_in_threadpool(decide, asked)
            return JSONResponse({"result": "allow" if good else "deny", "is_superuser": False})

        return answer

    return Starlette(
        routes=[
            Route("/authn", route(log_in), methods=["POST"]),
            Route("/authz", route(allow), methods=["POST"]),
        ]
    )


def _document(body: bytes) -> dict[str, str] | None:
    """An object of texts, or None."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if not all(isinstance(value, str) for value in document.values()):
        return None
    return document
