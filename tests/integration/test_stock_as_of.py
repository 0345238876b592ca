"""Stock as of a past instant: what the interface showed then is what it says of then now."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from typing import Any

import httpx
import pytest

from core.api.fields import instant_text
from core.application.ledger import post_moves
from core.domain.errors import Refused
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import SITE, Warehouse, a_move, a_warehouse

PLACES = ("A-01-01-1", "A-01-01-2", "A-01-02-1")
Held = dict[tuple[str, str, str], int]


async def _shown(client: httpx.AsyncClient, **query: str) -> Held:
    """On hand by SKU, place and status, paged in twos."""
    found: Counter[tuple[str, str, str]] = Counter()
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/v1/stock", params={**query, **cursor, "limit": "2"})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        for row in page["items"]:
            found[row["sku"], row["location"], row["status"]] += row["on_hand"]
        if page["next_cursor"] is None:
            return dict(found)
        cursor = {"cursor": page["next_cursor"]}


async def _some_history(api: Api, made: Warehouse, client: httpx.AsyncClient) -> dict[int, Held]:
    rng, pictures = random.Random(11), {now_us(): await _shown(client)}
    for number in range(16):
        origin, target = rng.sample(PLACES if number < 8 else ["CUSTOMER", *PLACES], 2)
        from_place = made.at(origin, status="hold" if rng.random() < 0.2 else "available")
        move: Any = a_move(
            made,
            rng.randint(1, 5),
            origin="SUPPLIER" if number < 8 else from_place,
            target=made.at(target, status=rng.choice(["available", "hold"])),
            sku=rng.choice(["SKU-1", "SKU-2"]),
            key=f"m{number}",
        )
        # A bin that does not hold enough refuses; the picture is then the same.
        with contextlib.suppress(Refused):
            async with api.open_unit(SITE) as uow:
                await post_moves(uow, [move], now=now_us(), ids=new_id)
        pictures[now_us()] = await _shown(client)
    return pictures


async def test_the_past_is_what_was_shown_then(database_url: str) -> None:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1", "SKU-2")
        async with await api.client("manager") as client:
            pictures = await _some_history(api, made, client)

            assert len({str(sorted(held.items())) for held in pictures.values()}) > 6
            for at, held in pictures.items():
                then = instant_text(at) or ""
                assert await _shown(client, as_of=then) == held
                one = {k: n for k, n in held.items() if k[:2] == ("SKU-2", PLACES[0])}
                wanted = {"sku": "SKU-2", "location": PLACES[0]}
                assert await _shown(client, as_of=then, **wanted) == one


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"as_of": "2100-01-01T00:00:00Z"}, "range"),
        ({"as_of": "yesterday"}, "format"),
        ({"as_of": "2026-03-02T09:15:00Z", "cursor": "WyJrMSIsM10="}, ""),
    ],
)
async def test_an_instant_that_is_none_is_refused(
    database_url: str, query: dict[str, str], code: str
) -> None:
    async with open_api(database_url) as api, await api.client("manager") as client:
        answer = await client.get("/v1/stock", params=query)
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["code"] == ("validation" if code else "cursor-invalid")
        assert [e["code"] for e in problem.get("errors", [])] == ([code] if code else [])
