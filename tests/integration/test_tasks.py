"""Floor work: no bin promised twice, goods moved by confirming, nothing lost on hand-back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from core.application.ports.tasks import Task
from core.application.tasks import (
    cancel_task,
    confirm_task,
    free_expired_tasks,
    hand_back,
    next_task,
)
from core.domain.errors import Refused
from tests.dock import SECOND, Dock, a_dock, a_layout, pallet_key, unit_key

LEASE = 900 * SECOND


@pytest.fixture
async def dock(database_url: str) -> AsyncIterator[Dock]:
    async with a_dock(database_url) as made:
        yield made


async def received(dock: Dock, pallets: int, cartons: int = 10) -> None:
    """So many pallets of so many cartons through the door."""
    content = {
        pallet_key(p): [unit_key(1, 100 * p + n) for n in range(cartons)]
        for p in range(1, pallets + 1)
    }
    await dock.announce("TRUCK", content)
    for pallet, keys in content.items():
        await dock.goes("in", [pallet, *keys])


async def take(dock: Dock, worker: str = "ann", kind: str = "putaway") -> Task | None:
    return await dock.run(
        lambda uow: next_task(uow, kind=kind, worker=worker, now=dock.now, lease_us=LEASE)
    )


async def taken(dock: Dock, worker: str = "ann", kind: str = "putaway") -> Task:
    task = await take(dock, worker, kind)
    assert task is not None
    return task


async def confirm(
    dock: Dock, task: Task, location: str | None = None, quantity: int | None = None
) -> Task:
    return await dock.run(
        lambda uow: confirm_task(
            uow, task_id=task.task_id, location=location, quantity=quantity,
            now=dock.now, ids=dock.ids, actor="ann",
        )
    )  # fmt: skip


async def refused(
    dock: Dock, task: Task, location: str | None = None, quantity: int | None = None
) -> str:
    before = await dock.book()
    with pytest.raises(Refused) as error:
        await confirm(dock, task, location, quantity)
    assert await dock.book() == before
    return error.value.code


async def test_ten_workers_at_once_never_get_one_bin_beyond_its_room(dock: Dock) -> None:
    await dock.set_up(a_layout(bins=5, capacity=20))
    await received(dock, 10)

    tasks = await asyncio.gather(*(taken(dock, f"w{n}") for n in range(10)))

    assert len({task.task_id for task in tasks}) == 10
    used = Counter(task.target_location_id for task in tasks)
    assert sorted(used.values()) == [2, 2, 2, 2, 2]
    await asyncio.gather(*(confirm(dock, task) for task in tasks))
    assert sorted((await dock.on_hand()).values()) == [20, 20, 20, 20, 20]
    assert await take(dock, "w11") is None
    assert await dock.drift() == []


async def test_a_pallet_moves_with_all_it_holds_into_the_nearest_bin(dock: Dock) -> None:
    await dock.set_up()
    await received(dock, 1)

    done = await confirm(dock, await taken(dock))

    assert done.state == "done"
    assert await dock.on_hand() == {"A-01-01-2": 10}
    pallet = await dock.rows(
        "SELECT h.state, l.code FROM handling_unit h JOIN location l USING (location_id)"
    )
    assert pallet == [{"state": "closed", "code": "A-01-01-2"}]
    again = await confirm(dock, done)
    assert again.state == "done"
    assert await dock.value("SELECT count(*) FROM move WHERE cause = 'task'") == 10


async def test_the_item_prefers_the_bin_that_holds_it_already(dock: Dock) -> None:
    await dock.set_up()
    await received(dock, 2)
    await confirm(dock, await taken(dock), location="A-01-04-2")

    second = await confirm(dock, await taken(dock))

    assert second.state == "done"
    assert await dock.on_hand() == {"A-01-04-2": 20}


async def test_a_bin_without_room_is_refused_by_name(dock: Dock) -> None:
    await dock.set_up(a_layout(bins=2, capacity=15))
    await received(dock, 2)
    first, second = await taken(dock, "ann"), await taken(dock, "ben")
    await confirm(dock, first, location="A-01-01-2")

    assert await refused(dock, second, location="A-01-01-2") == "bin-full"
    assert await refused(dock, second, location="MISSING") == "location-virtual"

    await confirm(dock, second, location="A-01-02-2")
    assert await dock.on_hand() == {"A-01-01-2": 10, "A-01-02-2": 10}


async def test_a_task_handed_back_frees_its_bin_and_goes_to_the_next_worker(dock: Dock) -> None:
    await dock.set_up(a_layout(bins=1, capacity=10))
    await received(dock, 2)
    first = await taken(dock, "ann")
    waiting = await taken(dock, "ben")
    assert (first.target_location_id is None, waiting.target_location_id is None) == (False, True)
    assert (await taken(dock, "ann")).task_id == first.task_id

    await dock.run(lambda uow: hand_back(uow, task_id=first.task_id, now=dock.now))
    await dock.run(lambda uow: hand_back(uow, task_id=waiting.task_id, now=dock.now))
    again = await taken(dock, "cid")

    assert again.task_id == first.task_id
    assert again.target_location_id == first.target_location_id


async def test_a_lease_that_is_over_gives_the_task_to_another(dock: Dock) -> None:
    await dock.set_up()
    await received(dock, 1)
    first = await taken(dock, "ann")

    assert await take(dock, "ben") is None
    dock.tick(1000)
    freed = await dock.run(lambda uow: free_expired_tasks(uow, now=dock.now))
    second = await taken(dock, "ben")

    assert freed == 1
    assert (second.task_id, second.assigned_to) == (first.task_id, "ben")


async def test_a_discrepancy_is_resolved_by_a_move_out_of_its_place(dock: Dock) -> None:
    await dock.set_up()
    foreign = unit_key(2, 7)
    asn = await dock.announce("OLD", {}, loose=[foreign])
    await dock.run(lambda uow: uow.inbound.set_state(asn, "closed", now=dock.now))
    await dock.goes("in", [foreign])
    assert await dock.on_hand() == {"DISCREPANCY": 1}
    task = await taken(dock, kind="discrepancy")
    assert await refused(dock, task, location="DISCREPANCY") == "location-virtual"

    done = await confirm(dock, task)

    assert done.state == "resolved"
    assert await dock.on_hand() == {"A-01-01-2": 1}
    open_ones = await dock.value("SELECT count(*) FROM exception WHERE resolved_at IS NULL")
    assert open_ones == 0


async def test_a_part_put_away_leaves_the_rest_as_work(dock: Dock) -> None:
    await dock.set_up()
    loose = [unit_key(3, n) for n in range(5)]
    await dock.announce("LOOSE", {}, loose=loose)
    await dock.goes("in", loose)
    task = await taken(dock)
    assert task.quantity == 5

    await confirm(dock, task, quantity=2)

    assert await dock.on_hand() == {"A-01-01-2": 2, "STAGE-IN": 3}
    rest = await taken(dock, "ben")
    assert rest.quantity == 3
    assert await refused(dock, rest, quantity=4) == "state-conflict"


async def test_a_cancelled_task_is_never_handed_out(dock: Dock) -> None:
    await dock.set_up()
    await received(dock, 1)
    task = await taken(dock)

    await dock.run(
        lambda uow: cancel_task(uow, task_id=task.task_id, reason="stays here", now=dock.now)
    )

    assert await take(dock) is None
    assert await refused(dock, task) == "state-conflict"
