"""A person's word on passes: settled, confirmed in order, dismissed, taken back; and late news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from core.application.passes import (
    book_pass,
    confirm_pass,
    dismiss_pass,
    reverse_pass,
    settle_pass,
)
from core.application.tasks import confirm_task, next_task
from core.application.visits import close_visit, open_visit
from core.domain.errors import Refused
from core.domain.tags import Document
from tests.dock import SECOND, Dock, a_dock, a_layout, pallet_key, unit_key

PALLET = pallet_key(1)
UNITS = [unit_key(1, n) for n in range(1, 5)]
LOAD = [PALLET, *UNITS]


@pytest.fixture
async def dock(database_url: str) -> AsyncIterator[Dock]:
    async with a_dock(database_url) as made:
        yield made


async def a_truck(dock: Dock, *, mode: str = "book") -> UUID:
    await dock.set_up(a_layout(mode=mode))
    return await dock.announce("TRUCK", {PALLET: UNITS})


async def act(dock: Dock, use_case: Any, pass_id: UUID, **more: Any) -> None:
    values = {"pass_id": pass_id, "now": dock.now, "actor": "lead", **more}
    if use_case is not dismiss_pass:
        values["ids"] = dock.ids
    await dock.run(lambda uow: use_case(uow, **values))


async def refused(dock: Dock, use_case: Any, pass_id: UUID, **more: Any) -> str:
    before = await dock.book()
    with pytest.raises(Refused) as error:
        await act(dock, use_case, pass_id, **more)
    assert await dock.book() == before
    return error.value.code


async def alarms(dock: Dock) -> list[str]:
    rows = await dock.rows("SELECT kind FROM exception WHERE resolved_at IS NULL ORDER BY 1")
    return [row["kind"] for row in rows]


async def test_an_undecided_pass_moves_nothing_until_a_person_says_in(dock: Dock) -> None:
    await a_truck(dock)
    before = await dock.book()

    undecided = await dock.goes("undecided", LOAD)
    assert dock.said(undecided).light == "amber"
    assert await dock.book() == before
    assert await alarms(dock) == ["pass.undecided"]
    await act(dock, settle_pass, undecided, state="in")

    assert await dock.on_hand() == {"STAGE-IN": 4}
    assert await alarms(dock) == []
    row = await dock.rows("SELECT state, booking, settled_by, verdict FROM pass")
    assert row == [{"state": "in", "booking": "booked", "settled_by": "lead", "verdict": "matched"}]
    assert await refused(dock, settle_pass, undecided, state="out") == "state-conflict"


async def test_an_undecided_pass_that_never_crossed_stays_out_of_the_book(dock: Dock) -> None:
    await a_truck(dock)
    undecided = await dock.goes("undecided", LOAD)
    before = await dock.book()

    await act(dock, settle_pass, undecided, state="not_crossed")

    assert await dock.book() == before
    assert await dock.value("SELECT count(*) FROM door_visit") == 0


async def test_an_undecided_pass_keeps_its_visit_from_closing(dock: Dock) -> None:
    asn = await a_truck(dock)
    visit_id = await dock.run(
        lambda uow: open_visit(
            uow, portal="dock-1", truck=None, documents=[Document("asn", asn)],
            now=dock.now, ids=dock.ids, actor="lead",
        )
    )  # fmt: skip
    undecided = await dock.goes("undecided", LOAD)

    async def close(**how: bool) -> dict[str, Any]:
        return await dock.run(
            lambda uow: close_visit(
                uow, visit_id=visit_id, now=dock.now, ids=dock.ids, actor="lead", **how
            )
        )

    with pytest.raises(Refused) as error:
        await close()
    assert error.value.code == "state-conflict"
    await act(dock, settle_pass, undecided, state="in")
    first = await close()
    again = await close()

    assert (first["received"], first["short"]) == (4, 0)
    assert again == first


async def test_proposed_passes_of_a_visit_are_confirmed_in_their_order(dock: Dock) -> None:
    await a_truck(dock, mode="propose")
    into = await dock.goes("in", LOAD)
    out = await dock.goes("out", LOAD)
    again = await dock.goes("in", LOAD)

    assert await refused(dock, confirm_pass, again) == "state-conflict"
    for pass_id in (into, out, again):
        await act(dock, confirm_pass, pass_id)

    assert await dock.on_hand() == {"STAGE-IN": 4}
    assert await dock.value("SELECT count(*) FROM move") == 12
    assert await refused(dock, confirm_pass, again) == "state-conflict"


async def test_a_dismissed_pass_moves_nothing_and_cannot_be_confirmed(dock: Dock) -> None:
    await a_truck(dock, mode="propose")
    proposed = await dock.goes("in", LOAD)
    before = await dock.book()

    await act(dock, dismiss_pass, proposed)

    assert await dock.book() == before
    assert await refused(dock, confirm_pass, proposed) == "state-conflict"


async def test_a_booked_pass_is_taken_back_once(dock: Dock) -> None:
    await a_truck(dock)
    booked = await dock.goes("in", LOAD)

    await act(dock, reverse_pass, booked)

    assert await dock.on_hand() == {}
    assert await dock.value("SELECT sum(received)::int FROM asn_line") == 0
    states = await dock.rows("SELECT DISTINCT state FROM unit")
    assert states == [{"state": "announced"}]
    assert await dock.value("SELECT state FROM handling_unit") == "announced"
    assert await dock.value("SELECT count(*) FROM task WHERE state <> 'cancelled'") == 0
    assert await refused(dock, reverse_pass, booked) == "state-conflict"


async def test_a_pass_whose_goods_have_moved_on_is_not_taken_back(dock: Dock) -> None:
    await a_truck(dock)
    booked = await dock.goes("in", LOAD)
    task = await dock.run(
        lambda uow: next_task(uow, kind="putaway", worker="ann", now=dock.now, lease_us=SECOND)
    )
    assert task is not None
    await dock.run(
        lambda uow: confirm_task(
            uow, task_id=task.task_id, location=None, quantity=None,
            now=dock.now, ids=dock.ids, actor="ann",
        )
    )  # fmt: skip

    assert await refused(dock, reverse_pass, booked) == "state-conflict"


async def test_a_stale_judgement_cannot_receive_the_same_goods_twice(dock: Dock) -> None:
    await a_truck(dock)
    first = await dock.goes("in", LOAD)
    stale = dock.said(first)
    second = await dock.goes("not_crossed", [])
    await dock.rows("UPDATE pass SET state = 'in' WHERE pass_id = $1", second)
    before = await dock.book()

    await dock.run(
        lambda uow: book_pass(
            uow, pass_id=second, judgement=stale, mode="book",
            now=dock.now, ids=dock.ids, actor=None,
        )
    )  # fmt: skip
    await dock.run(
        lambda uow: book_pass(
            uow, pass_id=first, judgement=stale, mode="book",
            now=dock.now, ids=dock.ids, actor=None,
        )
    )  # fmt: skip

    assert await dock.book() == before
