"""A pallet by its SSCC: what it holds goes with it, and what was not read stays on it, unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dock import Dock, a_dock, a_layout, pallet_key, unit_key

PALLET = pallet_key(1)
UNITS = [unit_key(1, n) for n in range(1, 5)]


@pytest.fixture
async def dock(database_url: str) -> AsyncIterator[Dock]:
    async with a_dock(database_url) as made:
        yield made


async def test_contents_go_with_a_known_pallet_and_the_unread_stay_on_it(dock: Dock) -> None:
    await dock.set_up(a_layout())
    await dock.announce("TRUCK", {PALLET: UNITS})
    await dock.goes("in", [PALLET, *UNITS])

    out = await dock.goes("out", [PALLET, UNITS[0]])
    away = await dock.rows("SELECT DISTINCT state FROM unit")
    gone = await dock.on_hand()
    back = await dock.goes("in", [PALLET, *UNITS])

    said = {tag.epc_key: tag.outcome for tag in dock.said(out).tags}
    assert said == {PALLET: "matched", UNITS[0]: "matched", **dict.fromkeys(UNITS[1:], "not_seen")}
    assert (away, gone) == ([{"state": "announced"}], {})
    assert dock.said(back).verdict == "matched"
    assert await dock.on_hand() == {"STAGE-IN": 4}
    assert await dock.drift() == []


async def test_of_an_announced_pallet_only_what_was_read_is_received(dock: Dock) -> None:
    await dock.set_up(a_layout())
    await dock.announce("TRUCK", {PALLET: UNITS})

    came = await dock.goes("in", [PALLET, *UNITS[:3]])

    said = {tag.epc_key: tag.outcome for tag in dock.said(came).tags}
    assert said[UNITS[3]] == "missing"
    assert await dock.on_hand() == {"STAGE-IN": 3}
    held = await dock.rows(
        "SELECT state, handling_unit_id IS NOT NULL AS inside FROM unit ORDER BY epc_key"
    )
    assert [row["state"] for row in held] == ["present"] * 3 + ["announced"]
    assert [row["inside"] for row in held][:3] == [True] * 3
    assert await dock.drift() == []
