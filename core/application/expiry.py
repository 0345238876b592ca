"""Goods out of date: blocked where they lie, so that they are neither promised nor reserved."""

from __future__ import annotations

from dataclasses import replace

from core.application.carry import carry_moves
from core.application.ledger import post_moves
from core.application.ports.uow import Ids, UnitOfWork


async def block_expired(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 100) -> int:
    """Move available goods of expired lots to status `expired`; how many lines."""
    goods = await uow.carriers.expired(now=now, limit=limit)
    moves = carry_moves(
        goods,
        lambda content: replace(content.place, status="expired"),
        event=ids(),
        biz_step="storing",
        cause="adjustment",
        cause_id="expired",
        now=now,
        actor="worker",
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return len(moves)
