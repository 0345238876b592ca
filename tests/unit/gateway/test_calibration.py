"""Calibration: a fit replaces the rules only where runs it never saw say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.calibration import Crossing, Label, confusion, fit, split
from gateway.trace_labels import labels_in, read_labels, truth_of
from gateway.trace_lines import read_trace

AT = 1_795_000_000_000_000


def a_label(n: int, truth: str) -> Label:
    return Label(f"tag-{n}", truth, f"run-{n}", AT + n, AT + n)


TRUTH = [a_label(n, ("in", "out", "stayed")[n % 3]) for n in range(30)]


def _said(labels: Sequence[Label], answers: Mapping[str, str]) -> list[Crossing]:
    found = []
    for label in labels:
        answer = answers.get(label.run, label.truth)
        if answer != "stayed":
            found.append(Crossing(label.epc_key, answer, label.since))
    return found


def test_each_kind_of_error_is_counted_as_its_own() -> None:
    answers = {"run-0": "out", "run-1": "stayed", "run-2": "in"}

    found = confusion(TRUTH, _said(TRUTH, answers))

    assert found.total == 30
    assert found.right == 27
    assert [found.wrong(k) for k in ("wrong_direction", "false_reject", "false_accept")] == [1] * 3


def test_whole_runs_are_held_out_and_every_truth_is_among_them() -> None:
    twice = [*TRUTH, *(Label("other", t.truth, t.run, t.since, t.until) for t in TRUTH)]

    training, held_out = split(twice, seed="s")

    assert not {label.run for label in training} & {label.run for label in held_out}
    assert {label.truth for label in held_out} == {"in", "out", "stayed"}
    assert len(training) + len(held_out) == 60
    assert split(twice, seed="s") == (training, held_out)


def test_a_fit_that_errs_less_on_both_parts_is_kept() -> None:
    training, held_out = split(TRUTH, seed="s")
    missed = {label.run: "stayed" for label in TRUTH if label.truth == "in"}

    def replay(changes: Mapping[str, float]) -> list[Crossing]:
        return _said(TRUTH, {} if changes.get("floor_dbm") == -81.0 else missed)

    found = fit(training, held_out, replay)

    assert found.kept == {"floor_dbm": -81.0}
    assert found.learned.right == len(held_out) > found.rules.right


def test_the_rules_stay_when_the_held_out_part_disagrees() -> None:
    training, held_out = split(TRUTH, seed="s")
    strays = next(label.run for label in held_out if label.truth == "stayed")
    missed = {label.run: "stayed" for label in training if label.truth == "in"}

    def replay(changes: Mapping[str, float]) -> list[Crossing]:
        return _said(TRUTH, {strays: "in"} if changes else missed)

    found = fit(training, held_out, replay)

    assert found.kept == {}
    assert found.tried != {}
    assert found.reason == "more false accepts on the held-out part than the rules"


def test_the_rules_stay_when_the_held_out_part_gains_nothing() -> None:
    training, held_out = split(TRUTH, seed="s")
    missed = {label.run: "stayed" for label in training if label.truth == "in"}

    found = fit(training, held_out, lambda changes: _said(TRUTH, {} if changes else missed))

    assert found.kept == {}
    assert found.reason == "no better than the rules on the held-out part"


def test_labels_are_read_in_the_usual_words() -> None:
    assert truth_of({"moved": True}) == "moved"
    assert truth_of({"moved": True, "direction": "out"}) == "out"
    assert truth_of({"label": "turned_back"}) == "stayed"
    assert truth_of({"moved": False, "direction": "in"}) == "stayed"
    assert truth_of({"label": "static", "moved": True}) is None
    assert truth_of({"label": "green"}) is None


def test_a_line_that_is_no_label_has_its_number() -> None:
    good = b'{"epc": "3034257BF7194E4000000001", "label": "in", "run": 3}\n'

    labels, refused = read_labels([good, b'{"epc": "zz", "label": "in"}', b'{"epc": 1}', b"{"])

    assert [label.run for label in labels] == ["3"]
    assert [(one.line, one.code) for one in refused] == [
        (2, "E_EPC_HEX"),
        (3, "E_FIELD_RANGE"),
        (4, "E_JSON"),
    ]


def test_lines_of_a_trace_carry_their_labels_and_silence_parts_the_runs() -> None:
    def line(second: int) -> bytes:
        epc = "3034257BF7194E4000000001"
        at = 1_795_000_000 + second
        return (
            f'{{"epc": "{epc}", "antenna": 1, "rssi_dbm": -60, "occurred_at": {at},'
            ' "moved": false}'
        ).encode()

    trace = read_trace([line(0), line(2), line(30)], keep_documents=True)

    found = labels_in(trace, name="t")

    assert [(one.truth, one.run) for one in found] == [("stayed", "t/0"), ("stayed", "t/1")]
    assert found[0].until - found[0].since == 4_000_000
