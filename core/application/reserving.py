"""Reserving: open promises become pending moves from chosen quants, each with its pick task.

Committed stock does not change here: a promise turns into a reservation of the same quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.ports.uow import Ids, UnitOfWork
from core.domain.orders import Fulfilment
from core.domain.reservation import Chosen, Demand, plan_reservations


@dataclass(frozen=True, slots=True)
class Short:
    """A promise that no pickable bin can serve now."""

    order_id: UUID
    sku: str
    wanted: int
    reservable: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """The orders with their new counters (not saved yet), and what could not be reserved."""

    orders: dict[UUID, Fulfilment]
    short: tuple[Short, ...]
    tasks: tuple[UUID, ...] = ()


async def reserve(
    uow: UnitOfWork,
    orders: Sequence[Fulfilment],
    *,
    now: int,
    ids: Ids,
    wave_id: UUID | None = None,
    excluded: Iterable[int] = (),
) -> Reserved:
    """Reserve the open promises of locked orders, in the order given; one plan for all of them."""
    by_id = {order.fulfilment_id: order for order in orders}
    found = await uow.promises.open_of(by_id)
    rank = {fulfilment_id: index for index, fulfilment_id in enumerate(by_id)}
    demands = sorted(found, key=lambda d: (rank[d.fulfilment_id], d.line_no))
    if not demands:
        return Reserved(by_id, ())
    candidates = await uow.reservations.candidates(
        {d.item_id for d in demands}, now=now, excluded=excluded
    )
    chosen, lacking = plan_reservations(demands, candidates)
    numbered = [(ids(), ids(), choice) for choice in chosen]
    for owner in dict.fromkeys(order.owner_id for order in orders):
        mine = [n for n in numbered if by_id[n[2].demand.fulfilment_id].owner_id == owner]
        await uow.reservations.reserve(mine, owner=owner, wave_id=wave_id, now=now)
    await _close_promises(uow, demands, chosen, lacking, ids)
    for choice in chosen:
        order = by_id[choice.demand.fulfilment_id]
        line_no, quantity = choice.demand.line_no, choice.quantity
        order = order.counted(promised={line_no: -quantity}, reserved={line_no: quantity})
        by_id[order.fulfilment_id] = replace(order, changed_at=now)
    short = tuple(
        Short(
            by_id[d.fulfilment_id].order_id,
            by_id[d.fulfilment_id].line(d.line_no).sku,
            d.quantity,
            d.quantity - lacking[d.promise_id],
        )
        for d in demands
        if d.promise_id in lacking
    )
    return Reserved(by_id, short, tuple(task_id for _, task_id, _ in numbered))


async def _close_promises(
    uow: UnitOfWork,
    demands: Sequence[Demand],
    chosen: Sequence[Chosen],
    lacking: dict[UUID, int],
    ids: Ids,
) -> None:
    served = {choice.demand.promise_id for choice in chosen}
    full = [d.promise_id for d in demands if d.promise_id not in lacking]
    await uow.promises.close(full, "reserved")
    for promise_id in sorted(served & lacking.keys()):
        left = lacking[promise_id]
        await uow.reservations.split_promise(promise_id, left=left, part_id=ids())
