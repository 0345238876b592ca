"""The one way to post moves: ledger, displaced reservations, lost promises, levels, alarms.

Everything that changes stock calls `post_moves`; nothing is posted beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.application.ports.stock import Posted
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm, Level
from core.application.promising import shed_promises
from core.application.replan import return_displaced
from core.domain.stock import Move, sellable_deltas

LOW = "stock.low"


async def post_moves(uow: UnitOfWork, moves: Sequence[Move], *, now: int, ids: Ids) -> Posted:
    """Post moves once per (source, source_key) and bring everything that stands on stock along.

    Reservations that lost their stock return to their orders, promises beyond what is left are
    voided, `stock.changed` and `stock.low` are told. Raises `Refused("insufficient-stock")` when a
    physical source does not hold the goods; nothing is changed then.
    """
    posted = await uow.stock.post(moves, recorded_at=now)
    if not posted.new_moves:
        return posted
    if posted.displaced:
        await return_displaced(uow, posted.displaced, now=now, ids=ids)
    await _watch(uow, sellable_deltas(moves), now=now, ids=ids)
    return posted


async def _watch(uow: UnitOfWork, keys: Iterable[tuple[str, int]], *, now: int, ids: Ids) -> None:
    keys = tuple(keys)
    if not keys:
        return
    for level in await uow.watch.levels(keys):
        if level.committed > level.sellable:
            await shed_promises(
                uow,
                owner=level.owner_id,
                item_id=level.item_id,
                excess=level.committed - level.sellable,
                now=now,
                ids=ids,
            )
        await _tell_level(uow, level, "stock.changed", now)
        await _watch_minimum(uow, level, now=now, ids=ids)


async def _watch_minimum(uow: UnitOfWork, level: Level, *, now: int, ids: Ids) -> None:
    """The reorder alert: once when stock falls below the minimum, again only after it was back."""
    below = level.min_stock is not None and level.sellable < level.min_stock
    if below == level.alerted:
        return
    await uow.watch.set_alerted(level.item_id, "on" if below else "off")
    subject = f"{level.owner_id} {level.sku}"
    if not below:
        await uow.watch.clear_alarm(LOW, subject, now=now)
        return
    await uow.watch.raise_alarm(
        Alarm(
            kind=LOW,
            subject=subject,
            message="Stock on hand is below the item's minimum. Reorder or move stock here.",
            owner_id=level.owner_id,
            facts={"sku": level.sku, "on_hand": level.sellable, "minimum": level.min_stock},
        ),
        exception_id=ids(),
        now=now,
    )
    await _tell_level(uow, level, LOW, now)


async def _tell_level(uow: UnitOfWork, level: Level, event: str, now: int) -> None:
    await uow.emit(
        event,
        aggregate=f"stock:{level.owner_id}:{level.item_id}",
        owner=level.owner_id,
        payload={
            "sku": level.sku,
            "owner": level.owner_id,
            "on_hand": level.sellable,
            "promised": level.committed,
            "available": level.free,
            "minimum": level.min_stock,
        },
        occurred_at=now,
    )
