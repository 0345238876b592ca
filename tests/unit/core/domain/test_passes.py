"""A load against its expected list: verdicts, lights and planned moves, without any storage."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from core.domain.expected import Expected, Gate, Mode, OpenVisit
from core.domain.judgement import Direction, Judgement, LoadClass
from core.domain.passes import judge
from core.domain.plan import plan_of, read_plan, write_plan
from core.domain.stock import Place
from core.domain.tags import Claim, Document, HandlingUnitTag, UnitTag, Untagged
from core.domain.would_be import as_it_would_be

DOOR, INSIDE, SHELF = Place(1, "dock"), Place(2, "staging"), Place(3, "storage")
GATE = Gate(
    "dock-1", DOOR, INSIDE,
    supplier=Place(10, "supplier"), found=Place(11, "found"), missing=Place(12, "missing"),
    discrepancy=Place(13, "discrepancy"),
)  # fmt: skip
ASN, OTHER_ASN = Document("asn", UUID(int=100)), Document("asn", UUID(int=101))
SHIPMENT = Document("shipment", UUID(int=200))
VISIT = UUID(int=300)
PALLET, CARTON = UUID(int=1), UUID(int=2)
PASS, NEXT = UUID(int=900), UUID(int=901)


def a_unit(
    key: str, *, document: Document = ASN, portal: str | None = None, **more: object
) -> UnitTag:
    claim = Claim(document, "announced", portal, VISIT if portal else None, 1)
    unit = UnitTag(key, "acme", 7, None, "announced", None, (claim,), PALLET)
    return replace(unit, **more)  # type: ignore[arg-type]


def a_pallet(*units: str, **more: object) -> HandlingUnitTag:
    claims = (Claim(ASN, "announced"),)
    pallet = HandlingUnitTag(
        "p", PALLET, "pallet", "acme", "announced", None, None, claims, (), units
    )
    return replace(pallet, **more)  # type: ignore[arg-type]


def a_carton(**more: object) -> HandlingUnitTag:
    """A staged carton of a shipment with three untagged pieces."""
    claim = Claim(SHIPMENT, "staged")
    stock = (Untagged("acme", 7, None, "available", 3),)
    carton = HandlingUnitTag(
        "c", CARTON, "carton", "acme", "staged", INSIDE, None, (claim,), untagged=stock
    )
    return replace(carton, **more)  # type: ignore[arg-type]


def a_list(
    *tags: UnitTag | HandlingUnitTag, mode: Mode = "book", documents: tuple[Document, ...] = ()
) -> Expected:
    visit = OpenVisit(VISIT, "person", frozenset(documents), 1) if documents else None
    return Expected(
        GATE,
        visit,
        {tag.epc_key: tag for tag in tags if isinstance(tag, UnitTag)},
        {tag.epc_key: tag for tag in tags if isinstance(tag, HandlingUnitTag)},
        modes={("in", "*"): mode, ("out", "*"): mode},
    )


def said(expected: Expected, direction: Direction, *crossed: str, of: UUID = PASS) -> Judgement:
    return judge(expected, LoadClass(direction, frozenset(crossed)), pass_id=of, occurred_at=5)


def outcomes(judgement: Judgement) -> dict[str, str]:
    return {tag.epc_key: tag.outcome for tag in judgement.tags}


def test_announced_goods_are_received_into_their_pallet() -> None:
    judgement = said(
        a_list(a_pallet("u1", "u2"), a_unit("u1"), a_unit("u2")), "in", "p", "u1", "u2"
    )

    assert (judgement.verdict, judgement.light, judgement.mode) == ("matched", "green", "book")
    assert judgement.documents == {ASN}
    assert [(m.epc_key, m.origin.kind, m.target) for m in judgement.moves] == [
        ("u1", "supplier", replace(INSIDE, handling_unit_id=PALLET)),
        ("u2", "supplier", replace(INSIDE, handling_unit_id=PALLET)),
    ]
    assert [m.source_key for m in judgement.moves] == [f"{PASS}/u1", f"{PASS}/u2"]
    assert [(w.kind, w.quantity) for w in judgement.work] == [("putaway", 2)]


def test_only_what_was_read_of_an_announced_pallet_is_received() -> None:
    judgement = said(a_list(a_pallet("u1", "u2"), a_unit("u1"), a_unit("u2")), "in", "p", "u1")

    assert (judgement.verdict, judgement.light) == ("missing", "red")
    assert outcomes(judgement) == {"p": "matched", "u1": "matched", "u2": "missing"}
    assert [m.epc_key for m in judgement.moves] == ["u1"]
    assert not judgement.complete


def test_a_pallet_whose_own_tag_is_silent_is_known_by_most_of_its_goods() -> None:
    units = [a_unit(f"u{n}") for n in range(5)]
    expected = a_list(a_pallet(*(u.epc_key for u in units)), *units)

    most = said(expected, "in", "u0", "u1", "u2")
    few = said(expected, "in", "u0", "u1")

    assert {m.target.handling_unit_id for m in most.moves} == {PALLET}
    assert {m.target.handling_unit_id for m in few.moves} == {None}
    assert few.verdict == "matched"


def test_a_unit_of_a_truck_at_the_neighbours_door_is_at_the_wrong_door() -> None:
    judgement = said(a_list(a_unit("u1", portal="dock-2", announced_in=None)), "in", "u1")

    assert (judgement.verdict, judgement.light) == ("wrong_door", "red")
    assert judgement.tags[0].reason == "dock-2"
    assert [(m.origin.kind, m.target.kind) for m in judgement.moves] == [("found", "discrepancy")]
    assert judgement.notices[0].facts == {"portal": "dock-1", "belongs_to": "dock-2"}


def test_a_unit_of_an_asn_that_the_visit_does_not_name_is_unexpected() -> None:
    unit = a_unit("u1", document=OTHER_ASN, announced_in=None)

    judgement = said(a_list(unit, documents=(ASN,)), "in", "u1")

    assert (judgement.verdict, judgement.tags[0].reason) == ("unexpected", "not_in_visit")
    assert [work.kind for work in judgement.work] == ["discrepancy"]


def test_an_unknown_tag_is_listed_and_never_moved() -> None:
    judgement = said(a_list(), "in", "01/x/21/1", "urn:epc:raw:96.x00")

    assert outcomes(judgement) == {"01/x/21/1": "unknown", "urn:epc:raw:96.x00": "unknown"}
    assert (judgement.verdict, judgement.moves) == ("unexpected", ())
    assert said(a_list(), "in", "urn:epc:raw:96.x00").verdict == "matched"


def test_a_retired_tag_is_unknown() -> None:
    expected = replace(a_list(), retired=frozenset({"u9"}))
    assert said(expected, "in", "u9").tags[0].reason == "retired"


def test_rejected_tags_keep_their_reason_and_move_nothing() -> None:
    load = LoadClass("in", frozenset({"p", "u1"}), {"s1": "static"})
    expected = a_list(a_pallet("u1"), a_unit("u1"), a_unit("s1"))

    judgement = judge(expected, load, pass_id=PASS, occurred_at=5)

    assert {t.epc_key: t.reason for t in judgement.tags if t.outcome == "rejected"} == {
        "s1": "static"
    }
    assert [m.epc_key for m in judgement.moves] == ["u1"]


@pytest.mark.parametrize(
    ("direction", "verdict", "light"),
    [("undecided", "undecided", "amber"), ("not_crossed", "not_crossed", None)],
)
def test_what_did_not_surely_cross_moves_nothing(
    direction: Direction, verdict: str, light: str | None
) -> None:
    judgement = said(a_list(a_pallet("u1"), a_unit("u1")), direction, "p", "u1")

    assert (judgement.verdict, judgement.light, judgement.moves) == (verdict, light, ())
    assert {tag.outcome for tag in judgement.tags} == {"rejected"}


def test_a_carton_of_the_shipment_is_loaded_with_all_it_holds() -> None:
    judgement = said(a_list(a_carton()), "out", "c")

    assert (judgement.verdict, judgement.light) == ("matched", "green")
    assert [(m.quantity, m.epc_key, m.target) for m in judgement.moves] == [
        (3, None, replace(DOOR, handling_unit_id=CARTON))
    ]
    assert [(entry.handling_unit_id, entry.loaded) for entry in judgement.loadings] == [
        (CARTON, True)
    ]
    assert [(h.state, h.place) for h in judgement.handling] == [("loaded", DOOR)]


def test_a_carton_of_another_doors_shipment_is_red_and_not_loaded() -> None:
    claims = (Claim(SHIPMENT, "staged", "dock-2"),)

    judgement = said(a_list(a_carton(claims=claims)), "out", "c")

    assert (judgement.verdict, judgement.light) == ("wrong_door", "red")
    assert (judgement.loadings, judgement.strangers) == ((), ("c",))
    assert judgement.alarming


def test_the_early_verdict_and_the_final_one_are_the_same() -> None:
    expected = a_list(a_pallet("u1"), a_unit("u1"))
    load = LoadClass("in", frozenset({"p", "u1"}), early=True)

    early = judge(expected, load, pass_id=PASS, occurred_at=5)

    assert early == judge(expected, replace(load, early=False), pass_id=PASS, occurred_at=5)


def test_the_most_cautious_mode_among_the_owners_decides() -> None:
    expected = replace(
        a_list(a_unit("u1", announced_in=None), a_unit("u2", announced_in=None, owner_id="beta")),
        modes={("in", "*"): "book", ("in", "beta"): "propose"},
    )

    assert said(expected, "in", "u1").mode == "book"
    assert said(expected, "in", "u1", "u2").mode == "propose"
    assert said(replace(expected, modes={}), "in", "u1").mode == "observe"


def test_in_observe_mode_goods_carried_out_again_are_known_as_such() -> None:
    expected = a_list(a_pallet("u1"), a_unit("u1"), mode="observe", documents=(ASN,))
    first = said(expected, "in", "p", "u1")

    seen = as_it_would_be(expected, [plan_of(first)])
    back = said(seen, "out", "p", "u1", of=NEXT)
    again = said(as_it_would_be(seen, [plan_of(back)]), "in", "p", "u1", of=UUID(int=902))

    assert [m.source_key for m in back.moves] == [f"{PASS}/u1/back"]
    assert (back.verdict, again.verdict) == ("matched", "matched")
    assert [r.change for r in (*first.receipts, *back.receipts, *again.receipts)] == [1, -1, 1]


def test_unposted_plans_do_not_count_where_the_portal_books() -> None:
    expected = a_list(a_pallet("u1"), a_unit("u1"), documents=(ASN,))
    plan = plan_of(said(expected, "in", "p", "u1"))

    assert as_it_would_be(expected, [plan]).units["u1"].place is None


def test_a_plan_read_back_is_the_plan_written() -> None:
    inward = plan_of(said(a_list(a_pallet("u1"), a_unit("u1")), "in", "p", "u1"))
    outward = plan_of(said(a_list(a_carton()), "out", "c"))

    assert read_plan(write_plan(inward)) == inward
    assert read_plan(write_plan(outward)) == outward


def test_a_stranger_that_stands_at_this_door_is_red_each_time_it_goes_out() -> None:
    claims = (Claim(SHIPMENT, "staged", "dock-2"),)
    at_door = a_carton(claims=claims, place=DOOR)

    judgement = said(a_list(at_door), "out", "c")

    assert (judgement.verdict, judgement.light) == ("wrong_door", "red")
    assert (judgement.moves, judgement.loadings, judgement.handling) == ((), (), ())
    assert judgement.strangers == ("c",)
    assert [notice.kind for notice in judgement.notices] == ["pass.wrong_door"]


def test_goods_at_this_door_that_no_document_names_are_not_green() -> None:
    assert said(a_list(a_carton(claims=(), place=DOOR)), "out", "c").verdict == "unexpected"
    unit = a_unit("u1", claims=(), announced_in=None, state="present", place=DOOR)
    assert said(a_list(unit), "out", "u1").verdict == "unexpected"


def test_a_carton_that_is_loaded_here_stays_green() -> None:
    claims = (Claim(SHIPMENT, "verifying", "dock-1", VISIT, done=True),)
    loaded = a_carton(claims=claims, place=DOOR, state="loaded")

    judgement = said(a_list(loaded, documents=(SHIPMENT,)), "out", "c")

    assert (judgement.verdict, judgement.light, judgement.moves) == ("matched", "green", ())
