"""Ids made from a clock: version 7, and sorted by the millisecond they were made in."""

from __future__ import annotations

from runtime.clock import id_at, new_id


def test_an_id_is_a_version_7_uuid_of_its_instant() -> None:
    made = id_at(1_795_000_000_123_456, bits=(1 << 74) - 1)

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == 1_795_000_000_123
    assert str(id_at(0, bits=0)) == "00000000-0000-7000-8000-000000000000"


def test_later_ids_sort_behind_earlier_ones_whatever_their_random_part() -> None:
    assert id_at(1_000, bits=(1 << 74) - 1) < id_at(2_000, bits=0)
    assert len({new_id() for _ in range(1_000)}) == 1_000
