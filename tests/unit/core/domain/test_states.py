"""Every transition table against one written by hand; every other pair is a state-conflict."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from core.domain.errors import Refused
from core.domain.machine import Machine
from core.domain.states import ALL

ORACLE = Path(__file__).parents[3] / "oracle" / "states.csv"
# Aggregates of the table that this version of the product does not have.
NOT_HERE = {"label", "inspection", "purchase suggestion", "return line"}


def _oracle() -> dict[str, set[tuple[str, str]]]:
    tables: dict[str, set[tuple[str, str]]] = {}
    with ORACLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pairs = tables.setdefault(row["aggregate"], set())
            assert (row["from"], row["to"]) not in pairs
            pairs.add((row["from"], row["to"]))
    return tables


WRITTEN = _oracle()
ILLEGAL = [
    pytest.param(table, current, wanted, id=f"{table.name}: {current} to {wanted}")
    for table in ALL
    for current in table.states
    for wanted in table.states
    if (current, wanted) not in WRITTEN[table.name]
]


def test_each_table_is_named_once_and_no_aggregate_is_left_out() -> None:
    names = [table.name for table in ALL]
    assert len(names) == len(set(names))
    assert set(names) == set(WRITTEN) - NOT_HERE


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_a_table_has_exactly_the_written_pairs(table: Machine) -> None:
    written = WRITTEN[table.name]
    assert set(table.pairs) == written
    assert set(table.states) == {state for pair in written for state in pair}
    for current, wanted in written:
        assert table.check(current, wanted) == wanted


@pytest.mark.parametrize(("table", "current", "wanted"), ILLEGAL)
def test_a_pair_that_is_not_written_is_refused(table: Machine, current: str, wanted: str) -> None:
    assert not table.allows(current, wanted)
    assert current not in table.sources(wanted)
    with pytest.raises(Refused) as refusal:
        table.check(current, wanted)
    assert refusal.value.code == "state-conflict"
    assert refusal.value.facts == {"state": current, "wanted": wanted}


def test_a_state_that_no_table_has_is_refused_too() -> None:
    for table in ALL:
        for current, wanted in (("nowhere", table.states[0]), (table.states[0], "nowhere")):
            with pytest.raises(Refused, match="state-conflict"):
                table.check(current, wanted)
