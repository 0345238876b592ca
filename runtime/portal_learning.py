"""Learning a gate: recordings and labels to a profile that errs less, or to the same one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.calibration import Confusion, Crossing, Fit, Label, fit, kind_of, split
from gateway.trace_profile import SIDES, Profile
from runtime.portal_report import joined
from runtime.portal_trace import STEP_US, Recording, passes

SEARCH_STEP_US = 500_000


def learn(
    recordings: Sequence[Recording], labels: Sequence[Label], profile: Profile, *, seed: str
) -> Fit:
    """The fit over all recordings; the profile's own thresholds are the rules to beat."""

    def crossings(changes: Mapping[str, float], step_us: int = STEP_US) -> list[Crossing]:
        trial = replace(profile, thresholds={**profile.thresholds, **changes})
        return [one for r in recordings for one in crossings_of(r, trial, step_us=step_us)]

    def roughly(changes: Mapping[str, float]) -> list[Crossing]:
        return crossings(changes, SEARCH_STEP_US)

    training, held_out = split(labels, seed=seed)
    return fit(training, held_out, crossings, search=roughly)


def crossings_of(recording: Recording, profile: Profile, *, step_us: int) -> list[Crossing]:
    """What moved in a recording, tag by tag."""
    return [
        Crossing(key, call.direction, call.occurred_at)
        for call in passes(recording, profile, step_us=step_us)
        for key in joined(call, profile)
    ]


def table_of(found: Confusion) -> dict[str, object]:
    """A confusion as counts and kinds of error."""
    return {
        "labels": found.total,
        "right": found.right,
        "wrong_direction": found.wrong("wrong_direction"),
        "false_accepts": found.wrong("false_accept"),
        "false_rejects": found.wrong("false_reject"),
        "cells": [
            {"truth": truth, "answer": answer, "tags": n, "error": kind_of(truth, answer)}
            for (truth, answer), n in sorted(found.counts.items())
        ],
    }


def toml_of(profile: Profile, fitted: Fit, *, seed: str, runs: int) -> str:
    """The profile with the thresholds to use, and how they were found."""
    lines = [f"name = {json.dumps(profile.name)}"]
    for table, ports in (("antennas", profile.antennas), ("beams", profile.beams)):
        if ports:
            lines += ["", f"[{table}]"]
        for side in SIDES:
            here = sorted(port for port, of in ports.items() if of == side)
            if here:
                lines.append(f"{side} = {here}")
    thresholds = {**profile.thresholds, **fitted.kept}
    if thresholds:
        lines += ["", "[thresholds]"]
        lines += [f"{name} = {value:_}" for name, value in sorted(thresholds.items())]
    lines += [
        "",
        "[learned]",
        f'from = "{"fit" if fitted.kept else "rules"}"',
        f"reason = {json.dumps(fitted.reason)}",
        f"seed = {json.dumps(seed)}",
        f"runs = {runs}",
        f"held_out_labels = {fitted.rules.total}",
        f"held_out_right_rules = {fitted.rules.right}",
        f"held_out_right_learned = {fitted.learned.right}",
    ]
    return "\n".join(lines) + "\n"
