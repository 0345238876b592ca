"""Labels of recorded traces: which tag moved in which run, and which way.

A label stands in a file of its own, or as fields of the trace's lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.gs1.epc import EpcError, key_of
from contracts.strict_json import JsonRefusedError, parse_exactly
from gateway.calibration import STAYED, Label
from gateway.trace_lines import RefusedLine, Trace, TraceRead
from gateway.trace_time import NEWEST, OLDEST, TraceTimeError, parse_time

SLACK_US = 1_000_000
SILENCE_US = 5_000_000
_STAYED = {"static", "near", "turned_back", "not_crossed", "stayed", "not_moved"}


def truth_of(document: Mapping[str, object]) -> str | None:
    """in, out, moved (either way) or stayed; None when the fields say nothing that is known."""
    word, moved, direction = (document.get(name) for name in ("label", "moved", "direction"))
    if moved is False or (isinstance(word, str) and word in _STAYED):
        return None if moved is True else STAYED
    for said in (direction, word):
        if said in ("in", "out"):
            return str(said)
    return "moved" if moved is True or word == "moved" else None


def read_labels(lines: Iterable[bytes]) -> tuple[list[Label], list[RefusedLine]]:
    """Labels of a file: `{"epc", "moved" | "label", "direction", "run", "from", "to"}` a line.

    Without `run` a tag's lines are a run of its own; without a window the whole recording counts.
    """
    labels: list[Label] = []
    refused: list[RefusedLine] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            labels.append(_label(parse_exactly(line.strip())))
        except (JsonRefusedError, EpcError, TraceTimeError) as refusal:
            refused.append(RefusedLine(number, refusal.code))
        except ValueError:
            refused.append(RefusedLine(number, "E_FIELD_RANGE", "/label"))
    return labels, refused


def _label(document: object) -> Label:
    if not isinstance(document, dict):
        raise ValueError("a label is an object")
    epc, truth = document.get("epc"), truth_of(document)
    if truth is None:
        raise ValueError("no truth")
    key = key_of(epc if isinstance(epc, str) else "")
    since = parse_time(document["from"]) if document.get("from") is not None else OLDEST
    until = parse_time(document["to"]) if document.get("to") is not None else NEWEST
    run = document.get("run")
    name = key if run is None else str(run)
    return Label(key, truth, name, since - SLACK_US, until + SLACK_US)


def labels_in(trace: Trace, *, name: str) -> list[Label]:
    """The labels that a recording carries in its own lines (read with `keep_documents`).

    Runs are the lines' `run`, else the parts of the recording between silences of 5 s.
    """
    found: dict[tuple[str, str], Label] = {}
    part, last = 0, 0
    for reading in trace.readings:
        part += bool(last) and reading.at - last >= SILENCE_US
        last = reading.at
        document = trace.documents.get(reading.line, {})
        truth = truth_of(document) if isinstance(reading, TraceRead) else None
        if truth is None or not isinstance(reading, TraceRead):
            continue
        run = f"{name}/{document.get('run', part)}"
        old = found.get((run, reading.seen.key))
        since = reading.at - SLACK_US if old is None else old.since
        found[run, reading.seen.key] = Label(
            reading.seen.key, truth, run, since, reading.at + SLACK_US
        )
    return list(found.values())
