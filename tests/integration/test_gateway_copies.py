"""One EPC on two tags: seen by the gateway, held off the book, settled by a person."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.application.door_scan import scan_at_door
from core.application.passes import settle_pass
from core.application.suspicions import settle_suspicion
from core.application.tags import kill
from core.domain.errors import Refused
from tests.gateway_rig import NOW, SITE, TAG, Rig, Stepper, a_batch, a_read, a_rig, delivered
from tests.integration.test_gateway_passes import (
    PALLET,
    UNITS,
    announce,
    crossing,
    epc,
    messages,
    on_hand,
    play,
    rest,
    visit,
)

KEY = "01/80614141123458/21/6789"
SECOND = 1_000_000
TRAVEL = {"minimum": [{"between": ["dock-3", "STAGE-OUT-1"], "seconds": 60}], "clock_s": 2}
TID, OTHER_TID = "E28011700000020A7C1F0A3B", "E28011700000020A7C1F0A3C"


@pytest.fixture
async def rig(database_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(database_url, tmp_path) as made:
        yield made


async def with_travel(rig: Rig) -> None:
    await rig.execute(f"UPDATE site SET settings = '{json.dumps({'travel': TRAVEL})}'")


async def at_the_door(stepper: Stepper, tag: str = TAG, *, seq: int = 1001, **more: Any) -> None:
    read = a_read(tag, occurred_at=stepper.rig.clock.now, **more)
    batch = a_batch(read, seq=seq, sent_at=stepper.rig.clock.now)
    await stepper.feed(delivered(batch))


async def in_the_lane(stepper: Stepper, tag: str = TAG, *, seq: int = 1) -> None:
    read = a_read(tag, device="z1", antenna=2, occurred_at=stepper.rig.clock.now)
    batch = a_batch(read, agent="floor-1", seq=seq, sent_at=stepper.rig.clock.now)
    await stepper.feed(delivered(batch, agent="floor-1"))


async def exceptions(rig: Rig, kind: str) -> list[dict[str, Any]]:
    return await rig.rows(
        "SELECT subject, owner_id, facts->>'from' AS origin, facts->>'to' AS target FROM exception"
        " WHERE kind = $1 AND resolved_at IS NULL", kind,
    )  # fmt: skip


async def test_a_tag_at_two_places_too_soon_is_there_twice(rig: Rig) -> None:
    await with_travel(rig)
    stepper = await rig.holder()
    await at_the_door(stepper)
    rig.clock.pass_s(57)
    await in_the_lane(stepper)

    (told,) = await exceptions(rig, "tag.duplicate")
    assert told == {
        "subject": f"tag/{KEY}", "owner_id": "acme", "origin": "dock-3", "target": "STAGE-OUT-1",
    }  # fmt: skip
    rig.clock.pass_s(1)
    await at_the_door(stepper, seq=1002)
    assert await rig.value("SELECT count(*) FROM tag_quarantine") == 1
    assert await rig.value("SELECT count(*) FROM move") == 0


async def test_a_tag_that_had_the_time_is_one_tag(rig: Rig) -> None:
    await with_travel(rig)
    stepper = await rig.holder()
    await at_the_door(stepper)
    rig.clock.pass_s(58)
    await in_the_lane(stepper)

    assert await exceptions(rig, "tag.duplicate") == []


async def test_a_site_without_a_rule_and_a_stranger_s_tag_raise_nothing(rig: Rig) -> None:
    stepper = await rig.holder()
    await at_the_door(stepper)
    await in_the_lane(stepper)
    assert await exceptions(rig, "tag.duplicate") == []

    await with_travel(rig)
    stepper = await rig.holder()
    strange = epc("01/00614141123452/21/999")
    rig.clock.pass_s(600)
    await at_the_door(stepper, strange, seq=1002, tid=TID)
    await in_the_lane(stepper, strange, seq=2)
    await at_the_door(stepper, strange, seq=1003, tid=OTHER_TID)
    assert await rig.value("SELECT count(*) FROM tag_quarantine") == 0
    assert await rig.value("SELECT count(*) FROM tag_chip") == 0


async def test_another_chip_number_is_a_copy_also_after_a_takeover(rig: Rig) -> None:
    stepper = await rig.holder()
    await at_the_door(stepper, tid=TID)
    await at_the_door(stepper, seq=1002, tid=TID.lower())
    assert await exceptions(rig, "tag.duplicate") == []

    stepper = await rig.holder()
    await at_the_door(stepper, seq=1003, tid=OTHER_TID)
    assert [one["subject"] for one in await exceptions(rig, "tag.duplicate")] == [f"tag/{KEY}"]
    facts = json.loads(await rig.value("SELECT facts::text FROM tag_quarantine"))
    assert facts == {"known_tid": TID, "seen_tid": OTHER_TID}


async def test_the_place_before_a_takeover_counts(rig: Rig) -> None:
    await with_travel(rig)
    stepper = await rig.holder()
    await in_the_lane(stepper)
    rig.clock.pass_s(1)
    await in_the_lane(stepper, seq=2)
    assert await rig.value("SELECT count(*) FROM position") == 1

    stepper = await rig.holder()
    rig.clock.pass_s(20)
    await at_the_door(stepper)
    assert len(await exceptions(rig, "tag.duplicate")) == 1


async def test_a_load_with_a_copy_books_nothing_until_a_person_settles_it(rig: Rig) -> None:
    await with_travel(rig)
    asn_id = await announce(rig)
    visit_id = await visit(rig, asn_id)
    stepper = await rig.holder()
    await in_the_lane(stepper, epc(UNITS[0]))
    plan = messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001)
    lit = await play(stepper, plan)
    await rest(stepper)

    row = (await rig.rows("SELECT * FROM pass WHERE state <> 'not_crossed'"))[0]
    assert (row["state"], row["verdict"], row["booking"]) == ("undecided", "undecided", "unbooked")
    assert await on_hand(rig) == {}
    assert "green" not in lit
    reason = await rig.value("SELECT reason FROM pass_tag WHERE epc_key = $1", UNITS[0])
    assert reason == "duplicate"

    settled: dict[str, Any] = {"now": rig.clock.now, "ids": rig.ids, "actor": "lead"}
    with pytest.raises(Refused, match="tag-duplicate"):
        async with rig.open_unit(SITE) as uow:
            await settle_pass(uow, pass_id=row["pass_id"], state="in", **settled)
    with pytest.raises(Refused, match="tag-duplicate"):
        async with rig.open_unit(SITE) as uow:
            await scan_at_door(uow, visit_id=visit_id, epc_key=PALLET, direction="in", **settled)
    assert await on_hand(rig) == {}

    async with rig.open_unit(SITE) as uow:
        await settle_suspicion(
            uow, UNITS[0], verdict="genuine", reason="seen", owners=None, now=NOW, actor="lead"
        )
        await settle_pass(uow, pass_id=row["pass_id"], state="in", **settled)
    assert await on_hand(rig) == {"STAGE-IN": 20}
    assert await exceptions(rig, "tag.duplicate") == []


async def test_a_dead_tag_raises_an_exception_once_and_moves_nothing(rig: Rig) -> None:
    stepper = await rig.holder()
    async with rig.open_unit(SITE) as uow:
        await kill(uow, KEY, reason="torn", owners=None, now=NOW, actor="lead")
    for seq in (1001, 1002, 1003):
        await at_the_door(stepper, seq=seq)

    (told,) = await exceptions(rig, "tag.retired")
    assert told["subject"] == f"tag/{KEY}"
    assert await rig.value("SELECT code FROM hold WHERE epc = $1", TAG) == "Q_EPC_RETIRED"
    assert await rig.value("SELECT count(*) FROM move") == 0
    assert await rig.value("SELECT count(*) FROM exception WHERE kind = 'tag.retired'") == 1
