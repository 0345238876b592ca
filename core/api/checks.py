"""The single checks of the gate; each raises `Refused` with its code and looks at one thing."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope

from core.domain.errors import FieldError, Refused

Headers = list[tuple[bytes, bytes]]
# POSTs that create something once: they need an Idempotency-Key.
NEEDS_KEY: set[tuple[str, str]] = set()
# Changes beside PATCH that name the version they are based on by If-Match.
NEEDS_ETAG: set[tuple[str, str]] = set()


def single(headers: Headers, name: bytes) -> str | None:
    """The value of a header that may stand once."""
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise Refused("bad-request", f"The header {name.decode()} stands more than once.")
    return found[0].decode("latin-1") if found else None


def host(headers: Headers, hosts: Iterable[str]) -> None:
    """Host must be one of the configured names (any port)."""
    value = (single(headers, b"host") or "").lower()
    name = value.rsplit(":", 1)[0] if not value.endswith("]") else value
    if name not in hosts and "*" not in hosts:
        raise Refused("bad-host", "The Host header names no host of this server.")


def sizes(scope: Scope, url_bytes: int, header_bytes: int) -> None:
    """URL and header size."""
    raw = scope.get("raw_path") or scope["path"].encode()
    if len(raw) + len(scope["query_string"]) > url_bytes:
        raise Refused("uri-too-long", f"The URL has more than {url_bytes} bytes.")
    if sum(len(k) + len(v) for k, v in scope["headers"]) > header_bytes:
        raise Refused("headers-too-large", f"The headers have more than {header_bytes} bytes.")


def cookie(headers: Headers, name: str) -> str | None:
    """One cookie's value, or None."""
    jar: SimpleCookie = SimpleCookie()
    for key, value in headers:
        if key == b"cookie":
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                return None
    found = jar.get(name)
    return None if found is None else found.value


def same_origin(scope: Scope) -> None:
    """A request that changes something by cookie must come from our own page."""
    if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
        return
    site = single(scope["headers"], b"sec-fetch-site")
    origin = single(scope["headers"], b"origin")
    own = single(scope["headers"], b"host") or ""
    if site is not None and site not in {"same-origin", "none"}:
        raise Refused("forbidden", "This may only be sent from a page of this server.")
    if origin is not None and origin.split("://", 1)[-1] != own:
        raise Refused("forbidden", "This may only be sent from a page of this server.")


def accepts(headers: Headers, template: str) -> None:
    """JSON is what there is (pages and streams choose for themselves)."""
    if not template.startswith("/v1") or template.endswith("/stream"):
        return
    value = single(headers, b"accept")
    if value is None or not value.strip():
        return
    for part in value.split(","):
        media, *parameters = (p.strip().lower() for p in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        wanted = media in {"*/*", "application/*", "application/json", "application/problem+json"}
        if (wanted or media == "text/csv") and weight.strip("0.") != "":
            return
    raise Refused("not-acceptable", "Answers are application/json. Accept that.")


def content_type(headers: Headers, *, is_import: bool, scope: Scope) -> str:
    """`json`, `csv`, `form` or `none` (a POST without a body)."""
    value = single(headers, b"content-type")
    length = single(headers, b"content-length")
    empty = length in {None, "0"} and single(headers, b"transfer-encoding") is None
    if value is None and empty:
        return "none"
    media, *parameters = (p.strip().lower() for p in (value or "").split(";"))
    charset = next((p[8:].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    known = {"application/json": "json"}
    if is_import:
        known |= {"text/csv": "csv", "multipart/form-data": "form"}
    if not scope["path"].startswith("/v1"):
        known |= {"application/x-www-form-urlencoded": "form"}
    if media not in known or charset not in {"utf-8", "utf8"}:
        raise Refused("unsupported-media-type", "Send application/json in UTF-8.")
    return known[media]


def content_encoding(headers: Headers) -> None:
    """Bodies come uncompressed."""
    if single(headers, b"content-encoding") is not None:
        raise Refused("unsupported-encoding", "Send the body without a Content-Encoding.")


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The body, counted while it streams."""
    declared = single(headers, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise Refused("body-too-large", f"The body has more than {limit} bytes.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused("bad-request", "The connection ended before the body did.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise Refused("body-too-large", f"The body has more than {limit} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive that hands the checked body on once, then what the connection says."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def idempotency_key(headers: Headers) -> str:
    """1 to 255 visible ASCII characters; quotes around it are no part of it."""
    value = single(headers, b"idempotency-key")
    if value is None:
        raise Refused(
            "idempotency-key-missing", "Send a header Idempotency-Key of your own making."
        )
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if not 1 <= len(value) <= 255 or not all(0x21 <= ord(char) <= 0x7E for char in value):
        raise Refused(
            "idempotency-key-invalid", "Idempotency-Key takes 1 to 255 visible ASCII characters."
        )
    return value


def query(scope: Scope) -> None:
    """The query must be UTF-8, without a zero character."""
    try:
        text = scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refused("bad-request", "The query is not UTF-8.") from None
    for name, value in pairs:
        if "\0" in value:
            detail = "A zero character is not allowed."
            error = FieldError(f"?{name[:64]}", "charset", detail)
            raise Refused("validation", "A query parameter is wrong.", errors=(error,))


def known_parameters(scope: Scope, names: Iterable[str], repeatable: Iterable[str]) -> None:
    """Every parameter is known and stands once (but for those that may repeat)."""
    allowed, many = set(names), set(repeatable)
    seen: set[str] = set()
    errors: list[FieldError] = []
    text = scope["query_string"].decode("ascii", "replace")
    for name, _ in parse_qsl(text, keep_blank_values=True):
        pointer = f"?{name[:64]}"
        if name not in allowed:
            errors.append(FieldError(pointer, "unknown-field", "There is no such parameter here."))
        elif name in seen and name not in many:
            errors.append(FieldError(pointer, "duplicate", "This parameter stands twice."))
        seen.add(name)
    if errors:
        raise Refused(
            "validation", "The query has parameters that are wrong.", errors=tuple(errors)
        )
