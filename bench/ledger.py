"""How fast the ledger posts moves, durable, beside bare statements that write the same rows.

The limit inserts the same move rows and adds the same deltas to the same quants in two statements a
commit, with no lock order, no reservation, no unit and no availability kept.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.figure import Figure
from core.db.migrate import migrate
from core.db.stores.stock import INSERT_MOVES
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.stock import Move, Place
from runtime.pgfiles import remove_data
from runtime.postgres import OWNER as OWNER_ROLE
from runtime.postgres import run_server

SITE, OWNER, NOW = "bench", "acme", 1_795_000_000_000_000
GROUP, ITEMS, PLACES = 200, 100, 200
ADD = """
UPDATE quant q SET on_hand = q.on_hand + k.change
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS k(item_id, location_id, change)
WHERE q.site_id = $1 AND q.owner_id = 'acme' AND q.item_id = k.item_id
  AND q.location_id = k.location_id
"""


def run(seconds: float = 6.0) -> list[Figure]:
    """Moves a second in groups of 200, in turn with the bare statements; best of the rounds."""
    return asyncio.run(_run(seconds))


async def _run(seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        async with run_server(Path(folder)) as server:
            await migrate(server.url(OWNER_ROLE))
            engine = build_engine(server.url(OWNER_ROLE), pool_size=2)
            try:
                return [await _measure(PgUnitOfWorkFactory(engine), seconds)]
            finally:
                await engine.dispose()
                remove_data(Path(folder))


async def _measure(open_unit: PgUnitOfWorkFactory, seconds: float) -> Figure:
    async with open_unit(SITE) as uow:
        places = await _warehouse(uow)
    best = {"post": float("inf"), "bare": float("inf")}
    until, number = time.perf_counter() + seconds, 0
    while time.perf_counter() < until or number < 2:
        for name, work in (("post", _post), ("bare", _bare)):
            moves = _moves(places, f"{name}-{number}")
            best[name] = min(best[name], await _timed(open_unit, work, moves))
        number += 1
    return Figure(
        "ledger",
        GROUP / best["post"],
        "moves/s",
        GROUP / best["bare"],
        f"groups of {GROUP} a commit; limit: the same rows and deltas, no rules",
    )


async def _timed(
    open_unit: PgUnitOfWorkFactory,
    work: Callable[[PgUnitOfWork, list[Move]], Awaitable[Any]],
    moves: list[Move],
) -> float:
    began = time.perf_counter()
    async with open_unit(SITE) as uow:
        await work(uow, moves)
    return time.perf_counter() - began


async def _post(uow: PgUnitOfWork, moves: list[Move]) -> None:
    await uow.stock.post(moves, recorded_at=NOW)


async def _bare(uow: PgUnitOfWork, moves: list[Move]) -> None:
    columns = [
        [getattr(m, name) for m in moves] for name in ("owner_id", "item_id", "lot_id", "quantity")
    ]
    for side in ("origin", "target"):
        places = [getattr(m, side) for m in moves]
        columns += [
            [p.location_id for p in places],
            [p.handling_unit_id for p in places],
            [p.status for p in places],
        ]
    names = "epc_key biz_step cause cause_id source source_key pass_id reverses_move_id actor"
    columns += [[getattr(m, name) for m in moves] for name in (*names.split(), "occurred_at")]
    await uow.raw.execute(INSERT_MOVES, SITE, NOW, *columns)
    for side, sign in (("origin", -1), ("target", 1)):
        await uow.raw.execute(
            ADD,
            SITE,
            [m.item_id for m in moves],
            [getattr(m, side).location_id for m in moves],
            [sign * m.quantity for m in moves],
        )


def _moves(places: list[tuple[int, Place]], run_key: str) -> list[Move]:
    moves = []
    for n in range(GROUP):
        item_id, origin = places[n % len(places)]
        target = places[(n * 7 + 1) % len(places)][1]
        moves.append(
            Move(
                owner_id=OWNER,
                item_id=item_id,
                quantity=1,
                origin=origin,
                target=target if target != origin else places[(n + 3) % len(places)][1],
                biz_step="storing",
                cause="task",
                cause_id="bench",
                source="bench",
                source_key=f"{run_key}-{n}",
                occurred_at=NOW,
            )
        )
    return moves


async def _warehouse(uow: PgUnitOfWork) -> list[tuple[int, Place]]:
    """100 items, each 1,000,000 on hand in every one of its places, so that no move runs dry."""
    raw = uow.raw
    await raw.execute(
        "INSERT INTO item (owner_id, sku, name, created_at)"
        " SELECT $1, 'S' || n, 'S' || n, $2 FROM generate_series(1, $3) n",
        OWNER,
        NOW,
        ITEMS,
    )
    await raw.execute(
        "INSERT INTO location (site_id, code, kind) SELECT $1, 'B-' || n, 'storage'"
        " FROM generate_series(1, $2) n",
        SITE,
        PLACES,
    )
    await raw.execute(
        "INSERT INTO quant (site_id, owner_id, item_id, location_id, on_hand)"
        " SELECT $1, $2, item_id, location_id, 1000000 FROM item, location",
        SITE,
        OWNER,
    )
    rows = await raw.fetch("SELECT location_id FROM location WHERE site_id = $1 ORDER BY 1", SITE)
    items = await raw.fetch("SELECT item_id FROM item ORDER BY 1")
    return [
        (items[n % len(items)]["item_id"], Place(row["location_id"], "storage"))
        for n, row in enumerate(rows)
    ]
