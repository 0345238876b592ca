"""Element strings beside biip, an independent parser: same table, same values where both accept."""

from __future__ import annotations

import datetime as dt
import random
import re
import string

from biip import BiipException
from biip.gs1_application_identifiers import GS1ApplicationIdentifier
from biip.gs1_messages import GS1Message
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.gs1.ais import FIXED_TOTAL, FORMATS
from contracts.gs1.elements import BarcodeError, parse_barcode
from contracts.gs1.keys import check_digit

TODAY = dt.date(2026, 11, 18)
FNC1 = "\x1d"
CHECKED = {"00": 18, "01": 14, "02": 14, "414": 13, "8003": 14}


def _theirs(text: str) -> list[tuple[str, str]]:
    return [(one.ai.ai, one.value) for one in GS1Message.parse(text).element_strings]


def _known_to_them(ai: str) -> bool:
    try:
        return bool(GS1ApplicationIdentifier.extract(ai).ai == ai)
    except BiipException:
        return False


def _refusal_of(code: str) -> str | None:
    try:
        parse_barcode(code, today=TODAY)
    except BarcodeError as refusal:
        return refusal.code
    return None


def test_the_table_knows_the_same_identifiers() -> None:
    every = [f"{n:0{width}d}" for width in (2, 3, 4) for n in range(10**width)]
    ours = {ai for ai in every if ai in FORMATS}
    theirs = {ai for ai in every if _known_to_them(ai)}
    assert ours == theirs
    assert len(ours) == len(FORMATS)


def test_lengths_are_those_of_their_patterns() -> None:
    for ai, form in FORMATS.items():
        pattern = GS1ApplicationIdentifier.extract(ai + "0" * 30).pattern
        if "[" in pattern or "(?:" in pattern:
            continue
        for length in (max(1, form.least - 1), form.least, form.most, form.most + 1):
            matches = re.match(pattern, ai + "1" * length) is not None
            assert matches == (form.least <= length <= form.most), (ai, length)


def _value(rng: random.Random, ai: str) -> str:
    if ai in CHECKED:
        body = "".join(rng.choices(string.digits, k=CHECKED[ai] - 1))
        body = "0" + body[1:] if ai == "8003" else body
        return body + check_digit(body) + ("XY" if ai == "8003" else "")
    if ai in ("11", "13", "15", "17"):
        return f"{rng.randint(0, 99):02}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    form = FORMATS[ai]
    length = rng.randint(max(1, form.least), form.most)
    marks = string.digits if form.lead else sorted(form.allowed)
    return "".join(rng.choices(marks, k=length))


def test_three_thousand_label_texts_read_alike() -> None:
    rng = random.Random(7)
    agreed = 0
    for _ in range(3_000):
        ais = rng.sample(["00", "414", "8003", "17", "11", "10", "21", "3103", "400", "240"], k=4)
        pairs = [("01", _value(rng, "01")), *((ai, _value(rng, ai)) for ai in ais)]
        text = "".join(ai + value + ("" if ai[:2] in FIXED_TOTAL else FNC1) for ai, value in pairs)
        if _refusal_of("]C1" + text) == "E_BC_SYNTAX":
            continue
        ours = parse_barcode("]C1" + text, today=TODAY)
        assert list(ours.values) == pairs == _theirs(text)
        agreed += 1
    assert agreed > 2_900


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60), st.sampled_from(["", "]C1", "]d2", "]C0", "]E0", "LOC:", "https://a/"])
)
def test_any_text_is_read_or_refused_by_code(text: str, lead: str) -> None:
    assert re.fullmatch(r"E_BC_[A-Z_]+", _refusal_of(lead + text) or "E_BC_NONE")


def test_ten_thousand_mangled_labels_are_read_or_refused_by_code() -> None:
    rng = random.Random(11)
    good = f"]C101806141411234581726123110LOT1{FNC1}21S1"
    codes: set[str] = set()
    for _ in range(10_000):
        text = list(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 2)] = rng.choices(string.printable + FNC1, k=1)
        codes.add(_refusal_of("".join(text)) or "")
    assert codes >= {"E_BC_AI", "E_BC_AI_LEN", "E_BC_CHARSET", "E_BC_CHECK", "E_BC_DATE"}
