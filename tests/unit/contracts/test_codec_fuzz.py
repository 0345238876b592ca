"""Bounded fuzz of the codec: hostile bytes end in a typed refusal, and both paths agree."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import Content, ContractViolation, decode_up, encode, stored_digest
from contracts.fields import READ
from contracts.v1 import Observation, ReadBatch
from tests.unit.contracts.messages import EPC, NOW, TOPIC, Json, a_message, a_read, spelled

CASES = 20_000


def _outcome(payload: bytes) -> Content | tuple[int, str, str]:
    try:
        return decode_up(payload, topic=TOPIC, now=NOW)[1]
    except ContractViolation as violation:
        return violation.check, violation.code, violation.pointer


def test_mangled_bytes_are_read_or_refused_by_code() -> None:
    rng = random.Random(20_261_118)
    good = spelled(a_message(reads=[a_read(), a_read(pc="3000", tid="E2801170")]))
    tight = json.dumps(json.loads(good), separators=(",", ":")).encode()
    codes: set[str] = set()
    for turn in range(CASES):
        data = bytearray(good if turn % 2 else tight)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 4)] = rng.randbytes(rng.randint(0, 2))
        outcome = _outcome(bytes(data))
        if isinstance(outcome, Content):
            codes.update(bad.code for bad in outcome.problems)
        else:
            codes.add(outcome[1])
    assert codes >= {"E_JSON", "E_FIELD_UNKNOWN", "E_FIELD_RANGE", "E_EPC_HEX", "E_TOPIC_MISMATCH"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([field.name for field in READ]), JSON, st.sampled_from(list(a_message())))
def test_any_value_in_any_field_is_read_or_refused_by_code(
    field: str, value: object, top: str
) -> None:
    for message in (
        a_message(reads=[a_read(**{field: value}), a_read()]),
        a_message(**{top: value}),
    ):
        outcome = _outcome(json.dumps(message).encode())
        if isinstance(outcome, Content) and "reads" in message:
            assert len(outcome.indices) + len(outcome.problems) == len(_reads(message))


def _reads(message: Json) -> list[object]:
    reads = message["reads"]
    return reads if isinstance(reads, list) else []


READS = st.builds(
    Observation,
    epc=st.sampled_from([EPC, "E28011700000020A7C1F0A3B", "307C257BF7194E4000001A85", "XY", ""]),
    device=st.text('ab-\0é"', max_size=66),
    antenna=st.none() | st.integers(-1, 66),
    rssi_dbm=st.none() | st.floats(-131, 1),
    occurred_at=st.integers(NOW - 604_800_000_002, NOW - 604_799_999_998)
    | st.integers(NOW + 299_999_998, NOW + 300_000_002),
    count=st.integers(0, 3),
    first_at=st.integers(NOW - 604_800_000_002, NOW - 604_799_999_990),
    last_at=st.integers(NOW + 299_999_990, NOW + 300_000_002),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(READS, min_size=1, max_size=3))
def test_the_typed_path_and_the_exact_path_agree(reads: list[Observation]) -> None:
    batch = ReadBatch(site="a", agent="dock-03", boot=7, seq=1, sent_at=NOW, reads=reads)
    ours = encode(batch)
    foreign = b" " + ours

    one, other = _outcome(ours), _outcome(foreign)

    assert isinstance(one, Content)
    assert isinstance(other, Content)
    assert one.message == other.message
    assert list(one.indices) == list(other.indices)
    assert [(b.index, b.code, b.pointer) for b in one.problems] == [
        (b.index, b.code, b.pointer) for b in other.problems
    ]
    assert one.seen == other.seen


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**62), st.integers(0, 2**62), st.booleans())
def test_the_digest_is_the_same_at_every_sending(one: int, other: int, turned: bool) -> None:
    def sent(at: int) -> bytes:
        message = a_message(sent_at=at)
        return spelled(dict(reversed(message.items())) if turned else message)

    assert stored_digest(sent(one)) == stored_digest(sent(other))
