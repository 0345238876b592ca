"""`dockledger plan route` and `dockledger bench routes`: answers, tables and refusals."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from runtime.cli.main import run
from tests.services import require_examples

ROUTE: dict[str, object] = {
    "layout": {"aisles": [0, 3, 6], "cross_aisles": [0, 10]},
    "start": {"aisle": 0, "y": 10},
    "stops": [{"aisle": 1, "y": 2}, {"aisle": 0, "y": 1}],
}
INSTANCE: dict[str, object] = {
    "name": "two aisles",
    "aisles": 2,
    "cells": 4,
    "depot_aisle": 0,
    "depot_side": "top",
    "aisle_gap": 3.0,
    "cell_gap": 1.0,
    "top_gap": 1.0,
    "bottom_gap": 1.0,
    "stock": [[0, 0, 1, 1], [1, 1, 0, 1]],
    "demand": {"0": 1, "1": 1},
    "opt_one_block": 12.0,
    "opt_two_block": 12.0,
}


FLOOR: dict[str, object] = {
    "floor": {
        "links": [
            ["dock", "a", 5],
            ["a", "ramp", 20, "one-way"],
            ["ramp", "up", 1],
            ["up", "dock", 9],
        ]
    },
    "start": "dock",
    "stops": ["up", "a"],
}


def _file(folder: Path, document: object) -> str:
    path = folder / "given.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_a_route_says_what_it_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "route", _file(tmp_path, ROUTE)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["metres"] == 26.0
    assert answer["saved_metres"] == answer["serpentine_metres"] - 26.0 >= 0
    assert sorted(answer["order"]) == [0, 1]


def test_a_floor_with_a_ramp_is_walked_its_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "route", _file(tmp_path, FLOOR)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["metres"] == 28.0
    assert answer["saved_metres"] >= 0
    assert run(["plan", "route", _file(tmp_path, {**FLOOR, "stops": ["cellar"]})]) == 3
    assert "plan_input" in capsys.readouterr().err


def test_an_obstacle_and_five_cross_aisles_are_measured_against_serpentine_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shut = {"aisles": [0, 3, 6], "cross_aisles": [0, 10], "closed_aisles": [[1, 5]]}
    five = {"aisles": [0, 3, 6], "cross_aisles": [0, 4, 10, 20, 30]}
    for layout, method in ((shut, "exact"), (five, "tour")):
        assert run(["plan", "route", _file(tmp_path, {**ROUTE, "layout": layout})]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["method"] == method
        assert answer["saved_metres"] == answer["serpentine_metres"] - answer["metres"] >= 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stops": 3}, "plan_input"),
        ({"stops": [{"aisle": 0}]}, "plan_input"),
        ({"stops": [{"aisle": True, "y": 1}]}, "plan_input"),
        ({"stops": [{"aisle": 7, "y": 1}]}, "plan_place"),
        ({"start": {"aisle": 0, "y": float("nan")}}, "plan_input"),
        ({"layout": {"aisles": [3, 0], "cross_aisles": [0, 10]}}, "plan_layout"),
        (
            {"layout": {**ROUTE["layout"], "closed_aisles": [[1, 1], [1, 5]]}},  # type: ignore[dict-item]
            "plan_unreachable",
        ),
    ],
)
def test_a_bad_route_is_refused_by_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], code: str
) -> None:
    assert run(["plan", "route", _file(tmp_path, {**ROUTE, **change})]) == 3
    assert f"dockledger: {code}:" in capsys.readouterr().err


def test_the_bench_tells_an_optimum_from_a_longer_walk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", "routes", _file(tmp_path, INSTANCE), "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    assert [(row["instances"], row["optimal"]) for row in tables] == [(1, 1), (1, 1)]
    assert run(["bench", "routes", _file(tmp_path, {**INSTANCE, "opt_one_block": 11.0})]) == 1


@pytest.mark.parametrize(
    "change",
    [{"aisles": 0}, {"depot_side": "left"}, {"stock": [[0, 5, 1, 1]]}, {"demand": {"7": 1}}],
)
def test_a_file_of_another_format_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object]
) -> None:
    assert run(["bench", "routes", _file(tmp_path, {**INSTANCE, **change})]) == 3
    assert "bench_format" in capsys.readouterr().err


def test_every_published_optimum_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    path = require_examples().parent / "bench" / "sprp_single_location.jsonl.gz"
    with gzip.open(path) as source:
        count = sum(1 for _ in source)
    assert run(["bench", "routes", str(path), "--json"]) == 0
    for row in json.loads(capsys.readouterr().out)["tables"]:
        assert row["optimal"] == row["instances"] == count
        assert row["worst_ratio"] == pytest.approx(1.0)


BINS: dict[str, object] = {
    "layout": {"aisles": [0, 3, 6], "cross_aisles": [0, 10]},
    "start": {"aisle": 0, "y": 0},
    "bins": [
        {"item": "A", "place": {"aisle": 0, "y": 4}, "units": 1},
        {"item": "A", "place": {"aisle": 2, "y": 9}, "units": 5},
        {"item": "B", "place": {"aisle": 2, "y": 8}, "units": 5},
    ],
    "demand": {"A": 1, "B": 2},
}


def test_bins_are_chosen_in_the_order_of_the_walk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "bins", _file(tmp_path, BINS), "--seconds", "0.05"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["metres"], answer["nearest_bins_metres"]) == (30.0, 32.0)
    assert [take["bin"] for take in answer["takes"]] in ([1, 2], [2, 1])
    assert run(["plan", "bins", _file(tmp_path, {**BINS, "demand": {"A": 7}})]) == 3
    assert "plan_short" in capsys.readouterr().err
    assert run(["plan", "bins", _file(tmp_path, {**BINS, "demand": {"C": 1}})]) == 3
    assert "plan_input" in capsys.readouterr().err


def test_the_bench_of_bins_compares_with_the_published_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = {**INSTANCE, "stock": [*INSTANCE["stock"], [1, 0, 0, 1]]}  # type: ignore[misc]
    assert run(["bench", "bins", _file(tmp_path, spread), "--seconds", "0.05", "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)["tables"]
    assert (one["instances"], one["mean_ratio"]) == (1, pytest.approx(4 / 12))
    assert two["mean_ratio"] < 1


BATCH: dict[str, object] = {
    "layout": {"aisles": [0, 3, 6], "cross_aisles": [0, 10]},
    "start": {"aisle": 0, "y": 0},
    "capacity": 2,
    "orders": [
        {"id": "a", "size": 1, "stops": [{"aisle": 0, "y": 9}]},
        {"id": "b", "size": 1, "stops": [{"aisle": 2, "y": 9}]},
        {"id": "c", "size": 1, "stops": [{"aisle": 0, "y": 8}]},
        {"id": "d", "size": 1, "stops": [{"aisle": 2, "y": 8}]},
    ],
}


@pytest.mark.parametrize("crosses", [[0, 10], [0, 10, 20]])
def test_orders_of_one_corner_are_batched_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], crosses: list[int]
) -> None:
    given = {**BATCH, "layout": {"aisles": [0, 3, 6], "cross_aisles": crosses}}
    assert run(["plan", "batch", _file(tmp_path, given), "--seconds", "0.05"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert sorted(sorted(batch["orders"]) for batch in answer["batches"]) == [
        ["a", "c"],
        ["b", "d"],
    ]
    assert answer["metres"] == 18.0 + 30.0
    assert answer["saved_metres"] == answer["first_come_metres"] - 48.0 > 0
    assert run(["plan", "batch", _file(tmp_path, {**BATCH, "capacity": 0})]) == 3
    large = [{"id": "a", "size": 3, "stops": []}]
    assert run(["plan", "batch", _file(tmp_path, {**BATCH, "orders": large})]) == 3
    errors = capsys.readouterr().err
    assert "plan_input" in errors
    assert "plan_capacity" in errors


def test_a_carton_is_chosen_and_a_larger_one_where_the_small_one_is_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cartons = [{"name": "S", "size_mm": [200, 150, 100]}, {"name": "M", "size_mm": [300, 200, 150]}]
    item = {"id": "A", "size_mm": [100, 75, 50], "grams": 400, "quantity": 8}
    for quantity, name in ((8, "S"), (9, "M")):
        order = {"cartons": cartons, "items": [{**item, "quantity": quantity}]}
        assert run(["plan", "cartons", _file(tmp_path, order)]) == 0
        (packed,) = json.loads(capsys.readouterr().out)["cartons"]
        assert (packed["carton"], len(packed["items"])) == (name, quantity)
    for wrong, code in (
        ({"size_mm": [1, 2]}, "plan_input"),
        ({"size_mm": [900, 1, 1]}, "plan_carton"),
    ):
        order = {"cartons": cartons, "items": [{**item, **wrong}]}
        assert run(["plan", "cartons", _file(tmp_path, order)]) == 3
        assert code in capsys.readouterr().err
