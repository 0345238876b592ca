"""How fast orders are taken in and promised, durable, beside bare statements of the same rows.

The limit inserts the same order, fulfilment, lines and outbox rows and adds the same quantities to
availability in two statements a commit: no check, no idempotency, no shortage, no answer.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figure import Figure
from core.application.intake import OrderRequest, RequestedLine, accept_order
from core.application.ports.uow import UnitOfWork, in_transaction
from core.db.migrate import migrate
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.stock import Move, Place
from runtime.clock import new_id
from runtime.pgfiles import remove_data
from runtime.postgres import OWNER as OWNER_ROLE
from runtime.postgres import run_server

SITE, OWNER, NOW = "bench", "acme", 1_795_000_000_000_000
ITEMS, LINES, WORKERS, ROUND = 200, 3, 8, 200
BARE_ORDER = """
INSERT INTO customer_order (order_id, owner_id, channel, external_order_id, body_digest, body,
  received_at) VALUES ($1, $2, 'web', $3, $4, '{}', $5)
"""
BARE_REST = """
WITH head AS (
  INSERT INTO fulfilment (site_id, fulfilment_id, order_id, owner_id, state, received_at,
    changed_at) VALUES ($1, $2, $3, $4, 'promised', $5, $5)
), lines AS (
  INSERT INTO fulfilment_line (site_id, fulfilment_id, line_no, external_line_id, item_id, sku,
    ordered, promised)
  SELECT $1, $2, l.line_no, l.line_no::text, l.item_id, 'sku', 1, 1
  FROM unnest($6::bigint[]) WITH ORDINALITY AS l(item_id, line_no)
), promises AS (
  INSERT INTO promise (site_id, promise_id, fulfilment_id, line_no, owner_id, item_id, quantity,
    created_at)
  SELECT $1, p.promise_id, $2, p.line_no, $4, p.item_id, 1, $5
  FROM unnest($7::uuid[], $6::bigint[]) WITH ORDINALITY AS p(promise_id, item_id, line_no)
), told AS (
  INSERT INTO outbox (site_id, owner_id, event, aggregate, payload, occurred_at)
  SELECT $1, $4, e, $2::text, '{}', $5 FROM unnest(ARRAY['order.received', 'order.promised']) AS e
)
UPDATE availability SET committed = committed + 1
WHERE site_id = $1 AND owner_id = $4 AND item_id = ANY($6::bigint[])
"""


def run(seconds: float = 8.0) -> list[Figure]:
    """Orders of three lines a second by eight callers, in turn with the bare statements."""
    return asyncio.run(_run(seconds))


async def _run(seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        async with run_server(Path(folder)) as server:
            await migrate(server.url(OWNER_ROLE))
            engine = build_engine(server.url(OWNER_ROLE), pool_size=WORKERS)
            try:
                return [await _measure(PgUnitOfWorkFactory(engine), seconds)]
            finally:
                await engine.dispose()
                remove_data(Path(folder))


async def _measure(open_unit: PgUnitOfWorkFactory, seconds: float) -> Figure:
    async with open_unit(SITE) as uow:
        items = await _warehouse(uow)
    best = {"intake": 0.0, "bare": 0.0}
    until, number = time.perf_counter() + seconds, 0
    while time.perf_counter() < until or number < 2:
        for name, place in (("intake", _take_in), ("bare", _bare)):
            began = time.perf_counter()
            await _round(open_unit, place, items, f"{name}-{number}")
            best[name] = max(best[name], ROUND / (time.perf_counter() - began))
        number += 1
    method = f"{LINES} lines, {WORKERS} callers, a commit each; limit: the same rows, no rules"
    return Figure("orders", best["intake"], "orders/s", best["bare"], method)


Placing = Callable[[PgUnitOfWork, list[tuple[int, str]], str], Awaitable[None]]


async def _round(
    open_unit: PgUnitOfWorkFactory, place: Placing, items: list[tuple[int, str]], name: str
) -> None:
    numbers = iter(range(ROUND))

    async def caller() -> None:
        for number in numbers:
            chosen = [items[(number * 7 + i * 31) % ITEMS] for i in range(LINES)]
            label = f"{name}-{number}"

            async def work(
                uow: UnitOfWork, chosen: list[tuple[int, str]] = chosen, label: str = label
            ) -> None:
                if isinstance(uow, PgUnitOfWork):
                    await place(uow, chosen, label)

            await in_transaction(open_unit, SITE, work)

    await asyncio.gather(*(caller() for _ in range(WORKERS)))


async def _take_in(uow: PgUnitOfWork, chosen: list[tuple[int, str]], label: str) -> None:
    lines = tuple(RequestedLine(str(n), sku, 1) for n, (_, sku) in enumerate(chosen, start=1))
    request = OrderRequest(
        owner=OWNER,
        channel="web",
        external_order_id=label,
        lines=lines,
        body={"external_order_id": label},
        digest=label.encode(),
    )
    await accept_order(uow, request, now=NOW, ids=new_id)


async def _bare(uow: PgUnitOfWork, chosen: list[tuple[int, str]], label: str) -> None:
    order_id = new_id()
    items = sorted(item_id for item_id, _ in chosen)
    await uow.raw.execute(BARE_ORDER, order_id, OWNER, label, label.encode(), NOW)
    promises = [new_id() for _ in items]
    await uow.raw.execute(BARE_REST, SITE, new_id(), order_id, OWNER, NOW, items, promises)


async def _warehouse(uow: PgUnitOfWork) -> list[tuple[int, str]]:
    """Site, owner, one place and items with more stock than the run can sell."""
    raw = uow.raw
    await raw.execute("INSERT INTO site (site_id, name, created_at) VALUES ($1, $1, $2)", SITE, NOW)
    await raw.execute(
        "INSERT INTO owner (owner_id, name, created_at) VALUES ($1, $1, $2)", OWNER, NOW
    )
    places = []
    for code, kind in (("SUPPLIER", "supplier"), ("A-01-01-1", "storage")):
        location_id = await raw.fetchval(
            "INSERT INTO location (site_id, code, kind) VALUES ($1, $2, $3) RETURNING location_id",
            SITE,
            code,
            kind,
        )
        places.append(Place(location_id, kind))
    rows = await raw.fetch(
        "INSERT INTO item (owner_id, sku, name, created_at)"
        " SELECT $1, 'SKU-' || n, 'item', $2 FROM generate_series(1, $3::int) n"
        " RETURNING item_id, sku",
        OWNER,
        NOW,
        ITEMS,
    )
    items = [(int(row["item_id"]), str(row["sku"])) for row in rows]
    await uow.stock.post(
        [_receipt(item_id, places[0], places[1]) for item_id, _ in items], recorded_at=NOW
    )
    return items


def _receipt(item_id: int, origin: Place, target: Place) -> Move:
    return Move(
        owner_id=OWNER,
        item_id=item_id,
        quantity=10_000_000,
        origin=origin,
        target=target,
        biz_step="storing",
        cause="import",
        cause_id="bench",
        source="bench",
        source_key=f"in-{item_id}",
        occurred_at=NOW,
    )
