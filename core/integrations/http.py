"""The guarded way out: https to an address checked at the moment of connecting, nothing followed.

No proxy, no redirect, no kept connection, at most 64 KiB of an answer, one limit on the whole time.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import httpx

from core.application.ports.webhooks import Resolver
from core.domain.addresses import Address, Reach, Target, check_url, forbidden
from core.domain.errors import Refused, Unavailable
from core.domain.webhooks import SECOND_US, Attempt

MAX_ANSWER = 64 * 1024
MAX_CONNECTIONS = 200
# A refusal comes within half a second; a name that takes longer is cached by the next try.
LOOKUP_S = 0.4
USER_AGENT = "dockledger"


class SystemResolver:
    """The system's resolver on threads of its own: a hung name delays no other part."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """See the port."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._pool, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except socket.gaierror as error:
            if error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
                raise Unavailable("the name cannot be looked up now") from error
            return []
        texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        return [ipaddress.ip_address(text) for text in texts]


class GuardedSender:
    """`WebhookSender`: every name is resolved and checked anew, then connected to by address."""

    def __init__(
        self,
        *,
        reach: Reach,
        resolve: Resolver,
        now_us: Callable[[], int],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._now_us = now_us
        self._transport = httpx.AsyncHTTPTransport(
            verify=trust or ssl.create_default_context(),
            trust_env=False,
            retries=0,
            # A kept connection would be shared by names that live at one address.
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._transport.aclose()

    async def check(self, url: str) -> Target:
        """See the port."""
        target = check_url(url, self._reach)
        try:
            async with asyncio.timeout(LOOKUP_S):
                found = await self._addresses(target)
        except (TimeoutError, Unavailable):
            raise forbidden() from None
        if not found:
            raise forbidden()
        return target

    async def send(
        self, url: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Attempt:
        """See the port."""
        try:
            async with asyncio.timeout(timeout_s):
                target = check_url(url, self._reach)
                addresses = await self._addresses(target)
                if not addresses:
                    return Attempt("ssrf-blocked")
                return await self._ask(target, addresses, body, headers)
        except TimeoutError:
            return Attempt("timeout")
        except Refused:
            return Attempt("ssrf-blocked")
        except (httpx.HTTPError, OSError, Unavailable) as error:
            return Attempt("tls" if _is_tls(error) else "unreachable")

    async def _addresses(self, target: Target) -> list[Address]:
        """The addresses to try; none when one of them may not be reached."""
        if target.literal is not None:
            return [target.literal]
        found = list(await self._resolve(target.host, target.port))
        return found if all(self._reach.allows(address) for address in found) else []

    async def _ask(
        self, target: Target, addresses: list[Address], body: bytes, headers: dict[str, str]
    ) -> Attempt:
        for place, address in enumerate(addresses):
            try:
                return await self._ask_at(target, address, body, headers)
            except httpx.ConnectError as error:
                if place == len(addresses) - 1 or _is_tls(error):
                    raise
        return Attempt("unreachable")

    async def _ask_at(
        self, target: Target, address: Address, body: bytes, headers: dict[str, str]
    ) -> Attempt:
        host = f"[{address}]" if address.version == 6 else str(address)
        request = httpx.Request(
            "POST",
            f"https://{host}:{target.port}{target.path}",
            content=body,
            headers={
                "host": target.authority,
                "content-type": "application/json",
                "user-agent": USER_AGENT,
                "accept-encoding": "identity",
                "connection": "close",
                **headers,
            },
            extensions={
                "sni_hostname": target.host.rstrip("."),
                # asyncio.timeout around the whole decides.
                "timeout": {"connect": None, "read": None, "write": None, "pool": None},
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            return await self._judged(response)
        finally:
            await response.aclose()

    async def _judged(self, response: httpx.Response) -> Attempt:
        status = response.status_code
        if 300 <= status < 400:
            return Attempt("redirect-refused", status)
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > MAX_ANSWER:
                return Attempt("response-too-large", status)
        if 200 <= status < 300:
            return Attempt(None, status)
        if status == 410:
            return Attempt("gone", status)
        wait = retry_after_us(response.headers.get("retry-after"), self._now_us())
        return Attempt("status", status, wait)


def retry_after_us(text: str | None, now: int) -> int | None:
    """Retry-After, in seconds or as a date, as a wait from now; None when it cannot be read."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:10]) * SECOND_US
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0, int(moment.timestamp() * SECOND_US) - now)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
