"""Sparkplug: published messages value by value, one node's life, and hostile bytes."""

from __future__ import annotations

import json
import math
import os
import random

import pytest

from edge.drivers.points import Point, Told
from edge.drivers.port import DriverNotice, RawReading, RawSensor
from edge.drivers.sparkplug_node import NodeName, SparkplugNode
from edge.drivers.sparkplug_payload import (
    DataType,
    Metric,
    Payload,
    PayloadError,
    Raw,
    encode_payload,
    parse_payload,
)
from edge.drivers.sparkplug_topic import parse_topic
from tests.services import require_examples

NOW = 1_772_442_900_500_000
INPUTS = 1_000_000 if os.environ.get("DOCKLEDGER_SOAK") == "1" else 5_000


def metric(on: bool, **told: object) -> Metric:
    return Metric(timestamp=NOW // 1000, raw=Raw(14, on), **told)  # type: ignore[arg-type]


def a_node() -> SparkplugNode:
    points = {("D", "eye"): Point("photo_eye")}
    return SparkplugNode(NodeName("G", "N"), points, told=Told(), watch=frozenset())


def say(node: SparkplugNode, kind: str, seq: int, *metrics: Metric) -> list[RawReading]:
    topic = f"spBv1.0/G/{kind}/N" + ("/D" if kind.startswith("D") else "")
    return node.hear(topic, encode_payload(Payload(NOW // 1000, metrics, seq)), NOW)


def born(node: SparkplugNode) -> None:
    say(node, "NBIRTH", 0)
    say(node, "DBIRTH", 1, metric(False, name="eye", alias=9, datatype=DataType.BOOLEAN))


def states(readings: list[RawReading]) -> list[object]:
    return [r.fields["state"] for r in readings if isinstance(r, RawSensor)]


def notices(readings: list[RawReading]) -> list[str]:
    return [r.what for r in readings if isinstance(r, DriverNotice)]


def test_published_messages_have_the_values_printed_beside_them() -> None:
    published = json.loads((require_examples() / "payloads/sparkplug_b_examples.json").read_text())
    assert len(published) == 8
    for one in published:
        told, payload = one["payload_as_json"], bytes.fromhex(one["protobuf_hex"])
        found = parse_payload(payload)
        parse_topic(one["topic"])
        assert (found.seq, found.timestamp) == (told.get("seq"), told["timestamp"])
        for got, wanted in zip(found.metrics, told.get("metrics", []), strict=True):
            assert (got.name, got.timestamp) == (wanted["name"], wanted["timestamp"])
            value = got.value()
            if isinstance(value, float):
                assert math.isclose(value, wanted["value"], rel_tol=1e-6)
            else:
                assert value == wanted["value"]
        assert encode_payload(found) == payload


def test_data_before_a_birth_asks_for_one_and_tells_nothing() -> None:
    node = a_node()

    assert states(say(node, "DDATA", 5, metric(True, name="eye"))) == []
    assert node.rebirth
    born(node)
    assert not node.rebirth
    assert node.complete


def test_an_alias_is_its_births_metric_and_a_level_is_told_once() -> None:
    node = a_node()
    born(node)

    assert states(say(node, "DDATA", 2, metric(True, alias=9))) == ["blocked"]
    assert states(say(node, "DDATA", 3, metric(True, alias=9))) == []
    assert states(say(node, "DDATA", 4, metric(False, alias=9))) == ["clear"]


def test_after_a_gap_an_alias_means_nothing_until_the_next_birth() -> None:
    node = a_node()
    born(node)

    late = say(node, "DDATA", 4, metric(True, alias=9))

    assert (notices(late), states(late)) == (["gap"], [])
    assert node.rebirth
    born(node)
    assert states(say(node, "DDATA", 2, metric(True, alias=9))) == ["blocked"]


def test_a_historical_value_is_counted_and_not_told_as_live() -> None:
    node = a_node()
    born(node)

    old = say(node, "DDATA", 2, metric(True, alias=9, historical=True))

    assert (notices(old), states(old), node.historical) == (["historical"], [], 1)


def test_a_retained_birth_and_a_death_of_an_earlier_session_change_nothing() -> None:
    node = a_node()
    birth = encode_payload(Payload(NOW // 1000, (), 0))
    assert notices(node.hear("spBv1.0/G/NBIRTH/N", birth, NOW, retained=True)) == ["bad_frame"]
    assert not node.alive
    number = Metric(name="bdSeq", raw=Raw(11, 7), datatype=DataType.INT64)
    say(node, "NBIRTH", 0, number)

    assert notices(say(node, "NDEATH", 0)) == ["old_death"]
    assert node.alive


def test_a_device_that_dies_is_lost_and_comes_back_with_its_birth() -> None:
    node = a_node()
    born(node)

    assert notices(say(node, "DDEATH", 2)) == ["lost"]
    back = metric(True, name="eye", alias=9, datatype=DataType.BOOLEAN)
    found = say(node, "DBIRTH", 3, back)
    assert (notices(found), states(found)) == (["connected"], ["blocked"])


@pytest.mark.parametrize("seed", [7])
def test_hostile_bytes_end_in_typed_errors(seed: int) -> None:
    rng, refused = random.Random(seed), 0
    eye = metric(True, name="eye", alias=9, datatype=DataType.BOOLEAN)
    base = encode_payload(Payload(NOW // 1000, (eye, eye), 3))
    for number in range(INPUTS):
        data = bytearray(base if number % 2 else rng.randbytes(rng.randrange(60)))
        for _ in range(rng.randrange(1, 4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        if number % 3 == 0:
            del data[rng.randrange(len(data) + 1) :]
        try:
            for one in parse_payload(bytes(data)).metrics:
                one.value()
        except PayloadError:
            refused += 1
    assert INPUTS // 4 < refused < INPUTS
