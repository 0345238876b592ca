"""What pages take from a query or a form; a wrong value is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qs

from fastapi import Request

from core.api.deps import Page, page_of
from core.domain.errors import Refused

LIMIT = "50"


def page(request: Request) -> Page:
    """The page of a list, by `?cursor=`."""
    return page_of(LIMIT, request.query_params.get("cursor"))


def chosen(request: Request, name: str, *allowed: str) -> str:
    """A query parameter out of a few words; the first when it is not given or none of them."""
    value = request.query_params.get(name, allowed[0])
    return value if value in allowed else allowed[0]


def field(request: Request, name: str, *, limit: int = 200) -> str:
    """One field of a posted form; `validation` where it is empty or too long."""
    form = parse_qs(request.state.body.decode("utf-8", "replace"), max_num_fields=20)
    value: str = form.get(name, [""])[0].strip()
    if not value or len(value) > limit or not value.isprintable():
        _wrong(name, limit)
    return value


def _wrong(name: str, limit: int) -> NoReturn:
    raise Refused("validation", f"Write {name} in 1 to {limit} characters.")


def document(value: Any) -> dict[str, Any]:
    """A JSON column as a mapping, however the driver gave it."""
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}
