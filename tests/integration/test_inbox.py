"""The inbox of unknown EPCs on PostgreSQL: a decision stays while the tag goes on being read."""

from __future__ import annotations

import dataclasses

import pytest

from core.application.inbox import ignore_epc, watch_epc
from core.application.ports.tracking import HeldTag
from core.application.ports.uow import in_transaction
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused

SITE, EPC = "demo", "3034257BF7194E4000000001"
TAG = HeldTag(
    epc=EPC,
    code="Q_EPC_UNKNOWN",
    agent="dock-1",
    device="r1",
    antenna=1,
    first_seen_at=1_000,
    last_seen_at=2_000,
    count=3,
)


async def test_an_ignored_epc_stays_ignored_and_is_counted(database_url: str) -> None:
    engine = build_engine(database_url, pool_size=1)
    factory = PgUnitOfWorkFactory(engine)
    try:
        await in_transaction(factory, SITE, lambda uow: uow.tracking.hold([TAG]))
        (found,) = await in_transaction(
            factory, SITE, lambda uow: uow.inbox.held(state="held", limit=10)
        )
        assert (found.epc, found.count, found.decided_by) == (EPC, 3, None)

        for epc, reason in (("00" * 12, "why"), (EPC, " "), (EPC, "x" * 201)):
            with pytest.raises(Refused):
                await in_transaction(
                    factory,
                    SITE,
                    lambda uow, e=epc, r=reason: ignore_epc(  # type: ignore[misc]
                        uow, e, reason=r, now=5, actor="ann"
                    ),
                )
        await in_transaction(
            factory,
            SITE,
            lambda uow: ignore_epc(uow, EPC.lower(), reason="a courier's", now=5, actor="ann"),
        )
        later = dataclasses.replace(TAG, last_seen_at=9_000)
        await in_transaction(factory, SITE, lambda uow: uow.tracking.hold([later]))

        assert not await in_transaction(
            factory, SITE, lambda uow: uow.inbox.held(state="held", limit=10)
        )
        (kept,) = await in_transaction(
            factory, SITE, lambda uow: uow.inbox.held(state="ignored", limit=10)
        )
        assert (kept.count, kept.last_seen_at, kept.reason) == (6, 9_000, "a courier's")

        back = await in_transaction(
            factory, SITE, lambda uow: watch_epc(uow, EPC, reason="ours", now=9, actor="bob")
        )
        assert (back.state, back.decided_by, back.decided_at) == ("held", "bob", 9)
        assert not await in_transaction(
            factory, "other", lambda uow: uow.inbox.held(state="held", limit=10)
        )
    finally:
        await engine.dispose()
