"""A truck at a door, from observations to stock: receipts, lamps, wrong doors, lost memories."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.gs1.epc import encode_key
from contracts.gs1.keys import sgtin_key, sscc_from, sscc_key
from core.application.inbound import NewAsn, NewContent, announce_asn
from core.application.verify import verify
from core.application.visits import close_visit, open_visit
from core.domain.tags import Document
from gateway.archive_reader import archived
from gateway.booked import at_closing, booked_call
from gateway.replay import replay, with_portal_settings, with_settings, within
from gateway.what_if import compare
from tests.gateway_rig import SITE, Rig, Stepper, a_rig, delivered
from tests.radio import SECOND, Heard, batches, beams, reads, strays, through, together

GTIN, PREFIX = "00614141123452", 7
PALLET = sscc_key(sscc_from("0614141", 7))
UNITS = [sgtin_key(GTIN, str(n)) for n in range(1, 21)]
STRAYS = [sgtin_key(GTIN, str(n)) for n in range(500, 506)]


def epc(key: str) -> str:
    return encode_key(key, prefix_length=PREFIX)


@pytest.fixture
async def rig(database_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with a_rig(database_url, tmp_path) as made:
        yield made


async def announce(rig: Rig, name: str = "TRUCK", units: Sequence[str] = UNITS) -> UUID:
    new = NewAsn(
        owner_id="acme",
        external_asn_id=name,
        supplier=None,
        expected_at=None,
        lines=(),
        holders=((PALLET, "pallet"),),
        contents=tuple(NewContent(epc_key=key, sku="SKU-1", holder=PALLET) for key in units),
    )
    async with rig.open_unit(SITE) as uow:
        asn_id, _ = await announce_asn(uow, new, now=rig.clock.now, ids=rig.ids)
    return asn_id


async def visit(rig: Rig, asn_id: UUID, *, portal: str = "dock-3") -> UUID:
    async with rig.open_unit(SITE) as uow:
        return await open_visit(
            uow,
            portal=portal,
            truck=None,
            documents=[Document("asn", asn_id)],
            now=rig.clock.now,
            ids=rig.ids,
            actor="lead",
        )


def crossing(rig: Rig, keys: Sequence[str], *, inward: bool = True) -> list[Heard]:
    """A pallet through the door, and strays beside it, from now on."""
    since = rig.clock.now + 12 * SECOND
    start, end = (-7.0, 7.0) if inward else (7.0, -7.0)
    way = through(start, end, at=since, seconds=8.0)
    rng, until = random.Random(5), since + 8 * SECOND
    return together(
        strays(
            [epc(key) for key in STRAYS],
            y=1.6,
            since=rig.clock.now + SECOND,
            until=since + 14 * SECOND,
            rng=rng,
        ),
        reads([epc(key) for key in keys], way, since=since, until=until, rng=rng),
        beams(way, since=since, until=until),
    )


def messages(heard: Sequence[Heard], *, agent: str, first_seq: int) -> list[tuple[int, str, Any]]:
    return [
        (at, kind, msgspec.json.decode(msgspec.json.encode(message)))
        for at, kind, message in batches(heard, site=SITE, agent=agent, boot=7, first_seq=first_seq)
    ]


async def play(
    stepper: Stepper, plan: Sequence[tuple[int, str, Any]], *, agent: str = "dock-03"
) -> dict[str, int]:
    """Feed messages at their moments; when each light was first commanded."""
    rig = stepper.rig
    lit: dict[str, int] = {}
    for at, kind, message in plan:
        while rig.clock.now + 20_000 < at:
            rig.clock.now += 20_000
            await stepper.feed()
            _note(stepper, lit)
        rig.clock.now = max(rig.clock.now, at)
        await stepper.feed(delivered(message, agent=agent, kind=kind))
        _note(stepper, lit)
    return lit


def _note(stepper: Stepper, lit: dict[str, int]) -> None:
    for command in stepper.commands():
        if command.action == "light":
            lit.setdefault(str(command.colour), stepper.rig.clock.now)


async def rest(stepper: Stepper, seconds: float = 5.0) -> None:
    """Let the closing timer run."""
    for _ in range(int(seconds * 20)):
        stepper.rig.clock.now += 50_000
        await stepper.feed()


async def on_hand(rig: Rig) -> dict[str, int]:
    rows = await rig.rows(
        "SELECT l.code, sum(q.on_hand)::bigint AS n FROM quant q JOIN location l"
        " ON l.location_id = q.location_id GROUP BY 1 ORDER BY 1"
    )
    return {row["code"]: row["n"] for row in rows}


async def drift(rig: Rig) -> list[str]:
    async with rig.open_unit(SITE) as uow:
        found = await verify(uow, clock=lambda: rig.clock.now)
    # The one unit of the fixtures stands there without a move.
    return [f"{f.invariant} {f.subject}" for f in found if "6789" not in f.subject]


async def test_a_pallet_through_the_door_is_received_with_its_evidence(rig: Rig) -> None:
    asn_id = await announce(rig)
    visit_id = await visit(rig, asn_id)
    stepper = await rig.holder()
    plan = messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001)

    lit = await play(stepper, plan)
    await rest(stepper)

    row = (await rig.rows("SELECT * FROM pass WHERE state <> 'not_crossed'"))[0]
    assert (row["state"], row["verdict"], row["booking"]) == ("in", "matched", "booked")
    assert row["visit_id"] == visit_id
    assert await on_hand(rig) == {"STAGE-IN": 20}
    assert await rig.value("SELECT received FROM asn_line") == 20
    tags = await rig.rows("SELECT outcome, count(*) AS n FROM pass_tag GROUP BY 1 ORDER BY 1")
    assert {tag["outcome"]: tag["n"] for tag in tags} == {"matched": 21, "rejected": 6}
    evidence = await rig.value("SELECT jsonb_typeof(evidence->'runs') FROM pass_tag LIMIT 1")
    assert evidence == "array"
    assert await rig.value("SELECT jsonb_typeof(features) FROM pass LIMIT 1") == "object"
    assert lit["green"] - row["decider_at"] <= 100_000
    pallet = await rig.value("SELECT location_id FROM position WHERE subject = $1", PALLET)
    assert pallet == await rig.value("SELECT location_id FROM location WHERE code='STAGE-IN'")
    assert await rig.value("SELECT count(*) FROM outbox WHERE event='position.changed'") == 1


async def test_what_is_missing_is_said_when_the_visit_closes(rig: Rig) -> None:
    asn_id = await announce(rig)
    visit_id = await visit(rig, asn_id)
    stepper = await rig.holder()
    present = [PALLET, *UNITS[:18]]

    lit = await play(stepper, messages(crossing(rig, present), agent="dock-03", first_seq=1001))
    await rest(stepper)
    async with rig.open_unit(SITE) as uow:
        summary = await close_visit(
            uow, visit_id=visit_id, now=rig.clock.now, ids=rig.ids, actor="lead"
        )

    assert await on_hand(rig) == {"STAGE-IN": 18}
    assert "green" not in lit
    assert summary is not None
    short = await rig.rows("SELECT epc_key FROM asn_unit WHERE state = 'short' ORDER BY 1")
    assert {row["epc_key"] for row in short} == set(UNITS[18:])


async def test_a_pallet_at_the_neighbours_door_is_red_and_not_received(rig: Rig) -> None:
    asn_id = await announce(rig)
    await visit(rig, asn_id, portal="dock-4")
    await rig.execute(
        "INSERT INTO door_visit (site_id, visit_id, portal, opened_at, opened_by)"
        " VALUES ('a', gen_random_uuid(), 'dock-3', 0, 'lead')"
    )
    stepper = await rig.holder()

    lit = await play(
        stepper,
        messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001),
    )
    await rest(stepper)

    row = (await rig.rows("SELECT * FROM pass WHERE state = 'in'"))[0]
    assert row["verdict"] == "wrong_door"
    assert "green" not in lit
    assert lit["red"] - row["decider_at"] <= 100_000
    exceptions = await rig.rows("SELECT kind FROM exception")
    assert "pass.wrong_door" in {row["kind"] for row in exceptions}
    assert await rig.value("SELECT received FROM asn_line") == 0


@pytest.mark.parametrize("share", [0.45, 0.6, 0.8])
async def test_a_gateway_lost_in_the_middle_of_a_pass_ends_as_if_it_were_not(
    rig: Rig, share: float
) -> None:
    asn_id = await announce(rig)
    await visit(rig, asn_id)
    first = await rig.holder()
    plan = messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001)
    edges = [i for i, (_, kind, _) in enumerate(plan) if kind == "sensors"]
    cut = edges[0] + int((edges[-1] - edges[0] + 1) * share)

    await play(first, plan[:cut])
    opened = (await rig.rows("SELECT pass_id, first_seq FROM pass WHERE state='open'"))[0]
    second = await rig.holder()
    (resend,) = [c for c in second.commands() if c.action == "resend"]
    again = [m for m in plan if resend.from_seq <= m[2]["seq"] <= plan[cut - 1][2]["seq"]]
    for _, kind, message in again:
        await second.feed(delivered(message, kind=kind))
    await play(second, plan[cut:])
    await rest(second)

    assert resend.from_seq == opened["first_seq"]
    passes = await rig.rows("SELECT pass_id, state FROM pass WHERE state IN ('in','undecided')")
    assert [(p["pass_id"], p["state"]) for p in passes] == [(opened["pass_id"], "in")]
    assert await on_hand(rig) == {"STAGE-IN": 20}
    assert await rig.value("SELECT count(*) FROM move WHERE cause='pass'") == await rig.value(
        "SELECT count(DISTINCT source_key) FROM move WHERE cause='pass'"
    )
    assert await drift(rig) == []


async def test_a_pass_that_cannot_be_rebuilt_goes_to_a_person(rig: Rig) -> None:
    asn_id = await announce(rig)
    await visit(rig, asn_id)
    first = await rig.holder()
    plan = messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001)
    edges = [i for i, (_, kind, _) in enumerate(plan) if kind == "sensors"]
    await play(first, plan[: edges[1]])

    second = await rig.holder()
    await rest(second, 7.0)

    states = await rig.rows("SELECT state, decider FROM pass")
    assert [(row["state"], row["decider"]) for row in states] == [("undecided", "memory lost")]
    assert await on_hand(rig) == {}
    assert second.cursor("dock-03", 7) == plan[edges[1] - 1][2]["seq"]


async def test_the_archive_replayed_gives_the_same_passes_and_writes_nothing(rig: Rig) -> None:
    asn_id = await announce(rig)
    await visit(rig, asn_id)
    stepper = await rig.holder()
    plan = messages(crossing(rig, [PALLET, *UNITS]), agent="dock-03", first_seq=1001)
    await play(stepper, plan)
    await rest(stepper)
    async with rig.open_unit(SITE) as uow:
        rows = await uow.tracking.registry()
    before = await rig.rows("SELECT * FROM pass ORDER BY pass_id")

    again = list(
        replay(archived(rig.archive, site=SITE), rows, site=SITE, cell="site", ids=rig.ids)
    )
    hasty = with_settings(rows, {"longest_us": 2 * SECOND})
    other = list(
        replay(archived(rig.archive, site=SITE), hasty, site=SITE, cell="site", ids=rig.ids)
    )

    (call,) = [c for c in again if c.direction == "in"]
    assert {k for k, t in call.tags.items() if t.crossed} == {PALLET, *UNITS}
    assert [c.direction for c in again] == [row["state"] for row in before]
    assert len(other) > len(again)
    day = archived(rig.archive, site=SITE)
    told = within(day, since=call.occurred_at - 60 * SECOND, until=call.occurred_at + SECOND)
    short = with_portal_settings(rows, {}, {call.portal: {"longest_us": 2 * SECOND}})
    at_door = list(replay(told, short, site=SITE, cell="site", ids=rig.ids))
    assert compare(other, at_door).changed == ()
    assert compare(again, again).moves_after == len({PALLET, *UNITS})
    assert compare(again, other).changed != ()
    async with rig.open_unit(SITE) as uow:
        book = [booked_call(row) for row in await uow.inbound_views.booked(since=None, until=None)]
        none = await uow.inbound_views.booked(since=None, until=call.occurred_at - 60 * SECOND)
    same = compare(book, at_closing(again))
    assert (same.same, same.changed, same.stock, none) == (1, (), {}, [])
    assert same.moves_before == same.moves_after == len({PALLET, *UNITS})
    assert compare(book, []).moves_after == 0
    assert compare(book, []).stock[PALLET] == -1
    assert await rig.rows("SELECT * FROM pass ORDER BY pass_id") == before
