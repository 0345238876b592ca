"""The order's word follows from its lines, step by step as the table allows."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.domain.errors import Refused
from core.domain.orders import (
    Fulfilment,
    Line,
    cancel_word,
    demand,
    promise_word,
    settle,
    share,
    shipped_word,
)
from core.domain.states import ORDER

NOW = 1_795_000_000_000_000


def an_order(state: str = "received", /, **counters: int) -> Fulfilment:
    """An order of one line of five."""
    order = Fulfilment(
        fulfilment_id=UUID(int=1),
        order_id=UUID(int=2),
        owner_id="acme",
        order_number=1,
        external_order_id="SO-1",
        channel="web",
        lines=(Line(1, "1", 7, "SKU-1", 5),),
        received_at=NOW,
        changed_at=NOW,
        state=state,
    )
    return order.counted(**{name: {1: number} for name, number in counters.items()})


@pytest.mark.parametrize(
    ("counters", "word"),
    [
        ({}, "backordered"),
        ({"promised": 3}, "partially_promised"),
        ({"promised": 5}, "promised"),
        ({"promised": 3, "cancelled": 2}, "promised"),
        ({"picked": 2, "shipped": 2}, "partially_promised"),
    ],
)
def test_the_promise_word_says_how_much_stock_stands_behind(
    counters: dict[str, int], word: str
) -> None:
    assert promise_word(an_order(**counters).lines) == word


@pytest.mark.parametrize(
    ("state", "counters", "word"),
    [
        ("received", {"promised": 5}, "promised"),
        ("promised", {"promised": 2}, "partially_promised"),
        ("partially_promised", {}, "backordered"),
        ("backordered", {"promised": 5}, "promised"),
        ("received", {"cancelled": 5}, "cancelled"),
        ("released", {"reserved": 5}, "released"),
        ("released", {"reserved": 3, "picked": 2}, "picking"),
        ("released", {"picked": 5}, "picked"),
        ("picking", {"picked": 5}, "picked"),
        ("picking", {"reserved": 1, "picked": 4}, "picking"),
        ("picked", {"picked": 5, "packed": 3}, "picked"),
        ("picked", {"picked": 5, "packed": 5}, "packed"),
        ("released", {"promised": 5}, "promised"),
        ("released", {}, "backordered"),
        ("partially_shipped", {"promised": 1, "shipped": 4, "picked": 4}, "partially_shipped"),
    ],
)
def test_an_order_settles_on_the_word_of_its_counters(
    state: str, counters: dict[str, int], word: str
) -> None:
    assert settle(an_order(state, **counters), NOW + 1).state == word


def test_a_new_word_is_stamped_with_its_time() -> None:
    order = settle(an_order(promised=5), NOW + 9)

    assert (order.promised_at, order.changed_at) == (NOW + 9, NOW + 9)


def test_every_pair_outside_the_table_is_refused() -> None:
    for current in ORDER.states:
        for wanted in ORDER.states:
            if (current, wanted) in ORDER.pairs:
                assert an_order(current).moved(wanted, NOW).state == wanted
            else:
                with pytest.raises(Refused, match="state-conflict"):
                    an_order(current).moved(wanted, NOW)


@pytest.mark.parametrize(
    ("state", "word"),
    [("backordered", "now"), ("promised", "now"), ("released", "request"), ("staged", "request")],
)
def test_cancel_is_at_once_before_release_and_a_request_after(state: str, word: str) -> None:
    assert cancel_word(an_order(state)) == word


@pytest.mark.parametrize("state", ["shipped", "partially_shipped", "delivered", "cancelled"])
def test_what_is_shipped_cannot_be_cancelled(state: str) -> None:
    with pytest.raises(Refused, match="state-conflict"):
        cancel_word(an_order(state))


def test_an_order_is_shipped_when_nothing_is_owed() -> None:
    assert shipped_word(an_order(shipped=4)) == "partially_shipped"
    assert shipped_word(an_order(shipped=4, cancelled=1)) == "shipped"


def test_repeated_items_are_summed_in_locking_order() -> None:
    assert demand([(9, 1), (2, 3), (9, 4)]) == {2: 3, 9: 5}


def test_what_was_granted_is_handed_out_in_line_order_and_never_more() -> None:
    lines = [(1, 7, 2), (2, 7, 2), (3, 8, 1)]

    assert share({7: 3}, lines) == {1: 2, 2: 1}
    assert share({7: 9, 8: 1}, lines) == {1: 2, 2: 2, 3: 1}
