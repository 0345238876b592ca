"""Replay and learn from recorded gate traces: passes, verdicts and the reason of each tag."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.calibration import Label
from gateway.thresholds import thresholds_of
from gateway.trace_labels import labels_in, read_labels
from gateway.trace_lines import Trace, read_trace
from gateway.trace_profile import BUILT_IN, Profile, ProfileError, profile_of
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.cli.portal_api import mode_command, report_command
from runtime.portal_learning import learn, table_of, toml_of
from runtime.portal_report import line_of, missing_of, passes_of, tags_of
from runtime.portal_trace import replay, smooth
from runtime.settings_errors import ConfigError
from simulators.traces import BOXES, a_plan, record

app = typer.Typer(help=__doc__, no_args_is_help=True)
app.command("report")(report_command)
app.command("mode")(mode_command)
MAX_PROFILE = 1 << 20
SHOWN_REFUSED = 20
SIMULATED_AT = 1_790_000_000_000_000


@app.callback()
def portal() -> None:
    """Replay and learn from recorded gate traces."""


@app.command("replay")
def replay_command(
    trace: Annotated[str, typer.Argument(help="JSON lines of raw reads; - reads stdin.")],
    *,
    portal: Annotated[
        str, typer.Option("--portal", help=f"A TOML file, or one of {', '.join(BUILT_IN)}.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Print the passes a gateway would have made of a recording; nothing is written."""
    profile = load_profile(portal)
    recorded = load_trace(trace)
    recording = smooth(recorded, profile)
    replayed = replay(recording, profile)
    passes = passes_of(replayed, profile)
    tags = tags_of(recording, replayed, profile)
    if as_json:
        emit(
            {
                "portal": profile.name,
                "thresholds": thresholds_of(profile.thresholds).version,
                "passes": passes,
                "tags": tags,
                "missing": missing_of(replayed, profile),
                "refused": [asdict(one) for one in recording.refused],
                "lines": {
                    "total": recorded.lines,
                    "blank": recorded.blank,
                    "refused": len(recording.refused),
                    "used": recorded.lines - recorded.blank - len(recording.refused),
                    "out_of_order": recorded.out_of_order,
                },
            }
        )
        return Code.DONE
    for one in passes:
        echo(line_of(one))
    moved = sum(bool(tag["moved"]) for tag in tags)
    echo(f"{len(passes)} passes; {len(tags)} tags, {moved} moved")
    for refused in recording.refused[:SHOWN_REFUSED]:
        echo(f"line {refused.line}: {refused.code} {refused.pointer}".rstrip())
    if len(recording.refused) > SHOWN_REFUSED:
        echo(f"{len(recording.refused)} lines refused in all; --json names each")
    return Code.DONE


def load_profile(name: str) -> Profile:
    """A built-in profile or a TOML file. Raises `ConfigError` or a usage error."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = Path(name)
    if not path.exists():
        raise ConfigError(
            "config-not-found", advice=f"name a TOML file or one of {', '.join(BUILT_IN)}"
        ).at(name)
    if not path.is_file():
        raise ConfigError("config-not-a-file", advice="name a TOML file").at(name)
    try:
        data = path.read_bytes()[: MAX_PROFILE + 1]
    except OSError:
        raise ConfigError("config-permission", advice="make the file readable").at(name) from None
    if len(data) > MAX_PROFILE:
        raise ConfigError("config-too-large", advice="a profile has at most 1 MiB").at(name)
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError("config-encoding", advice="write it as UTF-8").at(name) from None
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError("config-syntax", advice=str(wrong)).at(name) from None
    try:
        return profile_of(document)
    except ProfileError as wrong:
        raise ConfigError(wrong.code, key=wrong.key, advice=wrong.advice).at(name) from None


def load_trace(name: str, *, keep_documents: bool = False) -> Trace:
    """The lines of a recording. A file that cannot be read, or holds no line, is a usage error."""
    try:
        if name == "-":
            found = read_trace(sys.stdin.buffer, keep_documents=keep_documents)
        else:
            with Path(name).open("rb") as opened:
                found = read_trace(opened, keep_documents=keep_documents)
    except OSError as error:
        raise CommandError(
            Code.USAGE, "usage", f"the trace {name} cannot be read ({type(error).__name__})"
        ) from None
    if not found.lines:
        raise usage(f"the trace {name} is empty")
    return found


@app.command("learn")
def learn_command(
    traces: Annotated[list[str], typer.Argument(help="Recordings, as for replay.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the profile goes (TOML).")],
    portal: Annotated[
        str, typer.Option("--portal", help="The profile to start from; its thresholds are to beat.")
    ] = "gate-2",
    labels: Annotated[
        list[Path] | None,
        typer.Option("--labels", help="Truth as JSON lines; else the traces carry it. Repeatable."),
    ] = None,
    seed: Annotated[str, typer.Option(help="Which runs are held out.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Fit thresholds to labelled recordings; the rules stay unless runs held out say otherwise."""
    profile = load_profile(portal)
    truth = _labels(labels or [])
    recordings = []
    for name in traces:
        recorded = load_trace(name, keep_documents=not labels)
        if not labels:
            truth += labels_in(recorded, name=name)
        recordings.append(smooth(recorded, profile))
    if not truth:
        raise usage("no label: name --labels, or give the lines moved, label or direction")
    fitted = learn(recordings, truth, profile, seed=seed)
    runs = len({label.run for label in truth})
    try:
        out.write_text(toml_of(profile, fitted, seed=seed, runs=runs), "utf-8")
    except OSError as error:
        raise usage(f"{out} cannot be written ({type(error).__name__})") from None
    rules, learned = table_of(fitted.rules), table_of(fitted.learned)
    if as_json:
        emit(
            {
                "profile": str(out),
                "used": "learned" if fitted.kept else "rules",
                "reason": fitted.reason,
                "thresholds": dict(fitted.kept),
                "tried": dict(fitted.tried),
                "runs": runs,
                "labels": len(truth),
                "held_out": {"rules": rules, "learned": learned},
            }
        )
        return Code.DONE
    for name, table in (("rules", rules), ("learned", learned)):
        counts = ", ".join(f"{what} {n}" for what, n in table.items() if what != "cells")
        echo(f"held out, {name}: {counts}")
    used = ", ".join(f"{name} {value:g}" for name, value in fitted.kept.items())
    echo(f"used: {used or 'the rules'} ({fitted.reason})")
    return Code.DONE


def _labels(paths: list[Path]) -> list[Label]:
    """The labels of files; a line that is none ends the command, since silence would bend a fit."""
    found: list[Label] = []
    for path in paths:
        try:
            with path.open("rb") as opened:
                labels, refused = read_labels(opened)
        except OSError as error:
            raise usage(f"{path} cannot be read ({type(error).__name__})") from None
        if refused:
            first = refused[0]
            raise usage(f"{path}: line {first.line}: {first.code}: no label of a tag")
        found += labels
    return found


@app.command("simulate")
def simulate_command(
    out: Annotated[Path, typer.Argument(help="Where the trace goes (JSON lines).")],
    *,
    labels: Annotated[Path, typer.Option(help="Where the truth goes (JSON lines).")],
    seed: Annotated[int, typer.Option(help="Seed: the same seed gives the same files.")] = 1,
    runs: Annotated[int, typer.Option(min=1, max=2000, help="Runs of all five kinds.")] = 30,
    boxes: Annotated[int, typer.Option(min=1, max=500, help="Boxes of a load.")] = BOXES,
    beams: Annotated[bool, typer.Option("--beams", help="Record the light beams too.")] = False,
) -> int:
    """Record labelled runs of a simulated gate (profile gate-2): in, out, near, static, back."""
    lines, done = record(
        seed=seed, start=SIMULATED_AT, plan=a_plan(seed=seed, runs=runs), boxes=boxes, beams=beams
    )
    truth = [label for run in done for label in run.labels()]
    for path, written in ((out, lines), (labels, truth)):
        try:
            path.write_text("".join(json.dumps(line) + "\n" for line in written), "utf-8")
        except OSError as error:
            raise usage(f"{path} cannot be written ({type(error).__name__})") from None
    echo(f"{len(lines)} lines, {len(done)} runs, {len(truth)} labels")
    return Code.DONE
