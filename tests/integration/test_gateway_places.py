"""Tags and totes away from the doors: zones, kept changes of place, the divert to a pack lane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import decode_command, encode
from contracts.gs1.epc import encode_key
from contracts.gs1.keys import grai_key
from tests.gateway_rig import SITE, Rig, a_rig, delivered

TOTE = grai_key("0061414100001277")


@pytest.fixture
async def rig(database_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(database_url, tmp_path) as made:
        yield made


async def test_a_tag_moves_between_zones_and_the_change_is_kept(rig: Rig) -> None:
    stepper = await rig.holder()
    key = "01/80614141123458/21/6789"

    def at_zone(antenna: int, seq: int, at: int, rssi: float) -> Any:
        read = {
            "epc": "3034257BF7194E4000001A85",
            "device": "z1",
            "antenna": antenna,
            "rssi_dbm": rssi,
            "occurred_at": at,
            "count": 3,
        }
        header = {"schema": "reads.v1", "site": SITE, "agent": "floor-1", "boot": 1}
        return delivered({**header, "seq": seq, "sent_at": at, "reads": [read]}, agent="floor-1")

    for seq, antenna, rssi in ((1, 1, -55.0), (2, 2, -60.0), (3, 1, -55.0), (4, 2, -40.0)):
        now = rig.clock.pass_s(1.0)
        await stepper.feed(at_zone(antenna, seq, now, rssi))

    changes = await rig.rows(
        "SELECT l.code, c.until IS NULL AS stands FROM position_change c JOIN location l"
        " ON l.location_id = c.to_location_id WHERE c.subject = $1 ORDER BY c.since",
        key,
    )
    assert [(c["code"], c["stands"]) for c in changes] == [
        ("STAGE-IN", False),
        ("STAGE-OUT-1", True),
    ]


async def a_tote(rig: Rig, *, state: str) -> None:
    await rig.execute(f"""
        INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, state, location_id,
          created_at, changed_at)
        SELECT 'a', '00000000-0000-0000-0000-0000000000aa', '{TOTE}', 'tote', 'open',
          location_id, 0, 0 FROM location WHERE code = 'CONV-1';
        INSERT INTO fulfilment (site_id, fulfilment_id, order_id, owner_id, state, tote_id,
          received_at, changed_at)
        VALUES ('a', gen_random_uuid(), gen_random_uuid(), 'acme', '{state}',
          '00000000-0000-0000-0000-0000000000aa', 0, 0);
    """)


@pytest.mark.parametrize(("state", "diverts"), [("picked", 1), ("picking", 0)])
async def test_a_tote_whose_order_is_picked_is_sent_to_its_pack_lane_once(
    rig: Rig, state: str, diverts: int
) -> None:
    await a_tote(rig, state=state)
    stepper = await rig.holder()
    header = {"schema": "reads.v1", "site": SITE, "agent": "floor-1", "boot": 1}

    for seq, antenna in ((1, 1), (2, 1), (3, 2)):
        at = rig.clock.pass_s(1.0)
        read = {
            "epc": encode_key(TOTE, prefix_length=7),
            "device": "c1",
            "antenna": antenna,
            "rssi_dbm": -40.0,
            "occurred_at": at,
            "count": 2,
        }
        message = {**header, "seq": seq, "sent_at": at, "reads": [read]}
        await stepper.feed(delivered(message, agent="floor-1"))

    sent = [encode(command) for command in stepper.commands() if command.action == "divert"]
    found = [decode_command(one, site=SITE, agent="floor-1") for one in sent]
    assert [(c.agent, c.device, c.lane) for c in found] == [("floor-1", "c1", 1)] * diverts
    moved = await rig.rows("SELECT payload->>'location' AS at FROM outbox ORDER BY id")
    assert [row["at"] for row in moved] == ["CONV-1"]


async def test_a_tag_that_fell_silent_is_lost_at_its_last_place_and_back_at_once(rig: Rig) -> None:
    stepper = await rig.holder()
    key = "01/80614141123458/21/6789"
    header = {"schema": "reads.v1", "site": SITE, "agent": "floor-1", "boot": 1}
    other = "3034257BF7194E4000001A86"

    async def hear(epc: str, seq: int) -> None:
        at = rig.clock.pass_s(2.0)
        read = {
            "epc": epc,
            "device": "z1",
            "antenna": 1,
            "rssi_dbm": -50.0,
            "occurred_at": at,
            "count": 3,
        }
        message = {**header, "seq": seq, "sent_at": at, "reads": [read]}
        await stepper.feed(delivered(message, agent="floor-1"))

    async def place() -> tuple[str, bool]:
        row = (
            await rig.rows(
                "SELECT l.code, p.confidence FROM position p JOIN location l"
                " ON l.location_id = p.location_id WHERE p.subject = $1",
                key,
            )
        )[0]
        return row["code"], row["confidence"] > 0

    for seq in range(1, 13):
        await hear("3034257BF7194E4000001A85", seq)
    assert await place() == ("STAGE-IN", True)
    for seq in range(13, 21):
        await hear(other, seq)
    still = await place()
    for seq in range(21, 27):
        await hear(other, seq)
    gone = await place()
    await hear("3034257BF7194E4000001A85", 27)

    assert (still, gone) == (("STAGE-IN", True), ("STAGE-IN", False))
    assert await place() == ("STAGE-IN", True)
