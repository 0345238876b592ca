"""Carrying handling units: whatever they hold moves with them, however deep they nest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from core.application.ledger import post_moves
from core.application.ports.carriers import Carrier, Content
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.stock import Cause, Move, Place


def carry_moves(
    contents: Iterable[Content],
    target: Callable[[Content], Place],
    *,
    event: UUID,
    biz_step: str,
    cause: Cause,
    cause_id: str,
    now: int,
    actor: str,
    pass_id: UUID | None = None,
) -> list[Move]:
    """One move per tagged unit and one per untagged quantity; `event` makes their keys unique."""
    moves = []
    for nth, content in enumerate(contents):
        place = target(content)
        if place == content.place:
            continue
        moves.append(
            Move(
                owner_id=content.owner_id,
                item_id=content.item_id,
                lot_id=content.lot_id,
                quantity=content.quantity,
                origin=content.place,
                target=place,
                biz_step=biz_step,
                cause=cause,
                cause_id=cause_id,
                source="carry",
                source_key=f"{event}/{content.epc_key or nth}",
                occurred_at=now,
                epc_key=content.epc_key,
                pass_id=pass_id,
                actor=actor,
            )
        )
    return moves


async def carry(
    uow: UnitOfWork,
    carriers: Mapping[UUID, Carrier],
    to: Place,
    *,
    biz_step: str,
    cause: Cause,
    cause_id: str,
    now: int,
    ids: Ids,
    actor: str,
) -> Sequence[Carrier]:
    """Move locked handling units (a whole tree) with all they hold to a physical place.

    Goods stay inside their unit; the units' rows get the new location and are saved.
    """
    contents = await uow.carriers.contents(carriers)
    moved = [replace(c, location_id=to.location_id) for c in carriers.values()]
    await uow.carriers.save(moved, now=now)

    def there(content: Content) -> Place:
        return replace(
            to,
            handling_unit_id=content.place.handling_unit_id,
            status=content.place.status,
        )

    moves = carry_moves(
        contents,
        there,
        event=ids(),
        biz_step=biz_step,
        cause=cause,
        cause_id=cause_id,
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return moved
