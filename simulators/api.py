"""The public HTTP API as the site's people and systems use it.

Unavailability is waited out under one idempotency key; a refusal is logged and told, never fatal.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import cast

import httpx

log = logging.getLogger("simulators.api")

Json = dict[str, object]
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
TRIES = 60


class ApiRefusedError(Exception):
    """The API answered 4xx; `code` is its stable code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class Api:
    """A client with one key. Answers are JSON objects; 204 is an empty one."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout_s,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, **query: str | int) -> Json:
        """Read; raises `ApiRefusedError`."""
        return await self._ask("GET", path, query=query)

    async def post(self, path: str, body: Json | None = None) -> Json:
        """Write once, however often it has to be sent; raises `ApiRefusedError`."""
        return await self._ask("POST", path, body=body or {})

    async def post_text(self, path: str, text: str, *, kind: str = "text/csv") -> Json:
        """Send a document that is not JSON."""
        return await self._ask("POST", path, content=text.encode(), kind=kind)

    async def items(self, path: str, **query: str | int) -> list[Json]:
        """All of a paged list."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = {**query, "limit": 200, **({"cursor": cursor} if cursor else {})}
            answer = await self.get(path, **page)
            found.extend(objects(answer, "items"))
            cursor = text(answer, "next_cursor") or None
            if cursor is None:
                return found

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | int] | None = None,
        body: Json | None = None,
        content: bytes | None = None,
        kind: str = "application/json",
    ) -> Json:
        headers = {"Content-Type": kind} if content is not None else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        wait = FIRST_WAIT_S
        for _ in range(TRIES):
            try:
                answer = await self._client.request(
                    method, path, params=query or None, json=body, content=content, headers=headers
                )
            except httpx.TransportError:
                log.info("api_away", extra={"path": path})
            else:
                if answer.status_code < 400:
                    return _object(answer)
                if answer.status_code < 500 and answer.status_code not in (408, 425, 429):
                    code = text(_object(answer), "code") or "?"
                    log.info("api_refused", extra={"path": path, "code": code})
                    raise ApiRefusedError(answer.status_code, code)
                log.info("api_busy", extra={"path": path, "status": answer.status_code})
            await asyncio.sleep(wait)
            wait = min(wait * 1.6, LONGEST_WAIT_S)
        raise ApiRefusedError(503, "unavailable")


def _object(answer: httpx.Response) -> Json:
    try:
        value = answer.json() if answer.content else {}
    except ValueError:
        return {}
    if isinstance(value, list):
        return {"items": value}
    return cast(Json, value) if isinstance(value, dict) else {}


def text(value: Json, name: str) -> str:
    """A text member, empty when absent."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def number(value: Json, name: str) -> int:
    """An integer member, 0 when absent."""
    found = value.get(name)
    return found if isinstance(found, int) else 0


def decimal(value: Json, name: str) -> float:
    """A number member, 0 when absent."""
    found = value.get(name)
    return float(found) if isinstance(found, int | float) else 0.0


def objects(value: Json, name: str) -> list[Json]:
    """A list of objects, empty when absent."""
    found = value.get(name)
    return (
        [cast(Json, one) for one in found if isinstance(one, dict)]
        if isinstance(found, list)
        else []
    )


def texts(value: Json, name: str) -> list[str]:
    """A list of texts, empty when absent."""
    found = value.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
