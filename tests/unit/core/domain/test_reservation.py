"""Which quants serve a promise, and which pick faces are filled from where."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.domain.replenishment import Face, plan_refills
from core.domain.reservation import Candidate, Demand, plan_reservations


def a_quant(
    quant_id: int,
    free: int,
    *,
    kind: str = "storage",
    expires_at: int | None = None,
    received_at: int = 0,
    item_id: int = 7,
) -> Candidate:
    """A quant that may be picked."""
    return Candidate(
        quant_id, item_id, None, 100 + quant_id, None, kind, free, expires_at, received_at, 0
    )


def a_promise(number: int, quantity: int, *, item_id: int = 7) -> Demand:
    """An open promise."""
    return Demand(UUID(int=number), UUID(int=1000 + number), 1, item_id, quantity)


def _taken(demands: list[Demand], quants: list[Candidate]) -> list[tuple[int, int, int]]:
    chosen, _ = plan_reservations(demands, quants)
    return [(c.demand.promise_id.int, c.candidate.quant_id, c.quantity) for c in chosen]


def test_first_expired_goes_before_pick_faces_and_those_before_older_storage() -> None:
    quants = [
        a_quant(1, 5, received_at=1),
        a_quant(2, 5, kind="pick_face", received_at=9),
        a_quant(3, 5, expires_at=50),
        a_quant(4, 5, received_at=0),
    ]

    assert _taken([a_promise(1, 18)], quants) == [(1, 3, 5), (1, 2, 5), (1, 4, 5), (1, 1, 3)]


def test_earlier_promises_are_served_first_and_the_rest_is_said() -> None:
    chosen, lacking = plan_reservations([a_promise(1, 3), a_promise(2, 3)], [a_quant(1, 4)])

    assert [(c.demand.promise_id.int, c.quantity) for c in chosen] == [(1, 3), (2, 1)]
    assert lacking == {UUID(int=2): 2}


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(7, 9)), max_size=8),
    st.lists(st.tuples(st.integers(1, 9), st.integers(7, 9)), max_size=8),
)
def test_no_quant_is_overdrawn_and_no_promise_overserved(
    wanted: list[tuple[int, int]], stock: list[tuple[int, int]]
) -> None:
    demands = [a_promise(n, q, item_id=i) for n, (q, i) in enumerate(wanted)]
    quants = [a_quant(n, q, item_id=i) for n, (q, i) in enumerate(stock)]

    chosen, lacking = plan_reservations(demands, quants)

    for quant in quants:
        used = sum(c.quantity for c in chosen if c.candidate.quant_id == quant.quant_id)
        assert used <= quant.free
    for demand in demands:
        got = sum(c.quantity for c in chosen if c.demand == demand)
        assert got + lacking.get(demand.promise_id, 0) == demand.quantity
    assert all(c.candidate.item_id == c.demand.item_id for c in chosen)


def test_a_face_is_filled_to_its_maximum_once_it_is_below_its_minimum() -> None:
    low = Face(1, "acme", 7, 5, 20, on_hand=8, reserved=4, coming=0)
    enough = Face(2, "acme", 7, 5, 20, on_hand=5, reserved=0, coming=0)
    on_its_way = Face(3, "acme", 7, 5, 20, on_hand=0, reserved=0, coming=20)

    assert [face.wanted for face in (low, enough, on_its_way)] == [16, 0, 0]


def test_faces_are_filled_from_storage_alone() -> None:
    face = Face(1, "acme", 7, 5, 20, on_hand=0, reserved=0, coming=0)
    quants = [a_quant(1, 50, kind="pick_face"), a_quant(2, 6), a_quant(3, 30, item_id=8)]

    refills = plan_refills([face], quants)

    assert [(r.candidate.quant_id, r.quantity) for r in refills] == [(2, 6)]
