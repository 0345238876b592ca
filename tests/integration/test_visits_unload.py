"""A truck of three pallets is unloaded through one door, with strays, a turn-back and two losses.

Fed as the gateway feeds it, without radio: what is judged here is what the book becomes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from core.application.passes import confirm_pass
from core.application.visits import close_visit, open_visit, remainder_for
from core.domain.tags import Document
from tests.dock import Dock, a_dock, a_layout, pallet_key, unit_key

P1, P2, P3 = (pallet_key(n) for n in (1, 2, 3))
CARTONS = {
    pallet: [unit_key(item, serial) for item in items for serial in range(1, 21)]
    for pallet, items in ((P1, range(1, 5)), (P2, range(5, 9)), (P3, range(9, 13)))
}
FOREIGN = unit_key(12, 900)
MISSING = (CARTONS[P1][0], CARTONS[P3][79])
NEIGHBOURS = [unit_key(1, 500 + n) for n in range(15)]
STAGED = [unit_key(2, 600 + n) for n in range(15)]
UNKNOWN = [unit_key(3, 700 + n) for n in range(10)]


@pytest.fixture
async def dock(database_url: str) -> AsyncIterator[Dock]:
    async with a_dock(database_url) as made:
        yield made


def a_load(pallet: str) -> list[str]:
    return [pallet, *(key for key in CARTONS[pallet] if key not in MISSING)]


def strays() -> dict[str, str]:
    return dict.fromkeys([*NEIGHBOURS, *STAGED, *UNKNOWN], "static")


async def a_truck(dock: Dock, *, mode: str = "book") -> UUID:
    """This truck's ASN, the neighbour's with an open visit, and one known foreign carton."""
    await dock.set_up(a_layout(mode=mode))
    before = await dock.announce("BEFORE", {}, loose=[FOREIGN])
    await dock.run(lambda uow: uow.inbound.set_state(before, "closed", now=dock.now))
    other = await dock.announce("NEIGHBOUR", {pallet_key(8): NEIGHBOURS})
    await dock.run(
        lambda uow: open_visit(
            uow,
            portal="dock-2",
            truck="T2",
            documents=[Document("asn", other)],
            now=dock.now,
            ids=dock.ids,
            actor="lead",
        )
    )
    return await dock.announce("TRUCK", CARTONS)


async def unload(dock: Dock) -> list[UUID]:
    """Pallet 1 in; 2 turns back, in, out, in again; 3 in with the foreign carton."""
    return [
        await dock.goes("in", a_load(P1), strays=strays()),
        await dock.goes(
            "not_crossed", [], strays={**strays(), **dict.fromkeys(a_load(P2), "turned_back")}
        ),
        await dock.goes("in", a_load(P2), strays=strays()),
        await dock.goes("out", a_load(P2), strays=strays()),
        await dock.goes("in", a_load(P2), strays=strays()),
        await dock.goes("in", [*a_load(P3), FOREIGN], strays=strays()),
    ]


async def open_visit_id(dock: Dock) -> UUID:
    found = await dock.value(
        "SELECT visit_id FROM door_visit WHERE portal = 'dock-1' AND state = 'open'"
    )
    return UUID(int=found.int)


async def close(dock: Dock, visit_id: UUID) -> dict[str, Any]:
    return await dock.run(
        lambda uow: close_visit(uow, visit_id=visit_id, now=dock.now, ids=dock.ids, actor="lead")
    )


async def confirm(dock: Dock, pass_id: UUID) -> None:
    await dock.run(
        lambda uow: confirm_pass(uow, pass_id=pass_id, now=dock.now, ids=dock.ids, actor="lead")
    )


async def test_a_truck_is_received_with_two_short_and_one_over(dock: Dock) -> None:
    await a_truck(dock)

    passes = await unload(dock)

    assert [dock.said(p).verdict for p in passes] == [
        "missing", "not_crossed", "matched", "matched", "matched", "unexpected",
    ]  # fmt: skip
    assert await dock.on_hand() == {"DISCREPANCY": 1, "STAGE-IN": 238}
    visit_id = await open_visit_id(dock)
    left = await dock.run(lambda uow: remainder_for(uow, visit_id))
    assert (left.expected, left.received, left.over, left.wrong) == (240, 238, 1, 0)

    summary = await close(dock, visit_id)

    assert {k: summary[k] for k in ("received", "short", "over", "wrong")} == {
        "received": 238, "short": 2, "over": 1, "wrong": 0,
    }  # fmt: skip
    assert sorted(u["key"] for u in summary["units"] if u["state"] == "short") == sorted(MISSING)
    assert [u["key"] for u in summary["units"] if u["state"] == "over"] == [FOREIGN]
    assert await dock.value("SELECT state FROM asn WHERE external_asn_id = 'TRUCK'") == "closed"
    assert await dock.drift() == []


async def test_no_stray_is_booked_and_every_received_unit_opens_its_evidence(dock: Dock) -> None:
    await a_truck(dock)

    await unload(dock)

    moved = {row["epc_key"] for row in await dock.rows("SELECT epc_key FROM move")}
    assert moved & set(strays()) == set()
    unproven = await dock.value(
        "SELECT count(*) FROM asn_unit a WHERE a.state = 'received' AND NOT EXISTS (SELECT 1 FROM"
        " pass_tag t WHERE t.pass_id = a.pass_id AND t.epc_key = a.epc_key"
        " AND t.outcome = 'matched' AND t.evidence <> '{}')"
    )
    assert unproven == 0
    assert await dock.value("SELECT count(*) FROM asn_unit WHERE state = 'received'") == 238


async def test_a_pallet_carried_out_again_is_unreceived_by_reverse_moves(dock: Dock) -> None:
    await a_truck(dock)
    first = await dock.goes("in", a_load(P2))
    assert (await dock.on_hand())["STAGE-IN"] == 80

    back = await dock.goes("out", a_load(P2))

    assert await dock.on_hand() == {}
    assert dock.said(back).light == "green"
    keys = [r["source_key"] for r in await dock.rows("SELECT source_key FROM move ORDER BY 1")]
    wanted = [f"{first}/{key}" for key in CARTONS[P2]]
    assert keys == sorted([*wanted, *(f"{key}/back" for key in wanted)])
    state = await dock.rows("SELECT state, location_id FROM handling_unit WHERE epc_key = $1", P2)
    assert state == [{"state": "announced", "location_id": None}]
    received = await dock.value("SELECT sum(received)::int FROM asn_line")
    assert received == 0
    assert await dock.value("SELECT count(*) FROM task WHERE state = 'open'") == 0


async def test_nothing_is_missing_and_nothing_red_for_a_pallet_still_on_the_truck(
    dock: Dock,
) -> None:
    await a_truck(dock)

    said = dock.said(await dock.goes("in", a_load(P2)))

    assert (said.verdict, said.light) == ("matched", "green")
    assert {tag.outcome for tag in said.tags} == {"matched"}


async def test_with_no_asn_the_same_tags_cross_and_nothing_is_booked(dock: Dock) -> None:
    await dock.set_up()
    before = await dock.book()

    passes = [
        await dock.goes("in", a_load(P1), strays=strays()),
        await dock.goes("in", a_load(P2), strays=strays()),
        await dock.goes("in", [*a_load(P3), FOREIGN], strays=strays()),
    ]

    crossed = [t for p in passes for t in dock.said(p).tags if t.outcome == "unknown"]
    assert len([t for t in crossed if t.epc_key.startswith("01/")]) == 239
    assert await dock.book() == before


async def test_the_same_truck_in_observe_mode_leaves_the_book_alone_and_lists_its_moves(
    dock: Dock,
) -> None:
    await a_truck(dock, mode="observe")
    before = await dock.book()

    passes = await unload(dock)

    assert await dock.book() == before
    planned = await dock.rows(
        "SELECT jsonb_array_length(planned_moves->'moves') AS n FROM pass"
        " WHERE portal = 'dock-1' AND planned_moves IS NOT NULL ORDER BY opened_at"
    )
    assert [row["n"] for row in planned] == [79, 80, 80, 80, 80]
    assert dock.said(passes[3]).verdict == "matched"
    visit_id = await open_visit_id(dock)
    summary = await close(dock, visit_id)
    assert {k: summary[k] for k in ("received", "unposted", "short", "over")} == {
        "received": 238, "unposted": 238, "short": 2, "over": 1,
    }  # fmt: skip
    assert await dock.book() == before
    assert await dock.value("SELECT state FROM asn WHERE external_asn_id = 'TRUCK'") == "announced"


async def test_in_propose_mode_one_tap_a_pass_books_the_same_truck(dock: Dock) -> None:
    await a_truck(dock, mode="propose")
    before = await dock.book()
    passes = await unload(dock)
    assert await dock.book() == before
    proposed = [p for p in passes if dock.said(p).direction != "not_crossed"]

    for pass_id in proposed:
        await confirm(dock, pass_id)

    assert await dock.on_hand() == {"DISCREPANCY": 1, "STAGE-IN": 238}
    states = await dock.rows("SELECT DISTINCT booking FROM pass WHERE state IN ('in', 'out')")
    assert states == [{"booking": "booked"}]
