"""`dockledger reader test|record|tune`: a reader that answers LLRP, tried without an agent."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from edge.drivers.llrp import LlrpAntenna, LlrpConfig
from edge.drivers.llrp_capabilities import Capabilities
from edge.drivers.port import RawReading
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.cli.reader_past import past_of
from runtime.reader_trial import Tally, listen
from runtime.trace_writer import TraceWriter

MAX_TRIALS = 64
Host = Annotated[str, typer.Argument(help="Name or address of the reader.")]
Port = Annotated[int, typer.Option(help="Its LLRP port.", min=1, max=65_535)]
Seconds = Annotated[float, typer.Option(help="How long to listen.", min=0.1, max=86_400)]
Antennas = Annotated[
    list[int] | None, typer.Option("--antenna", help="A port to use; again for more; else all.")
]
Powers = Annotated[
    list[float] | None, typer.Option("--power", help="Transmit power in dBm; again for more.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def try_command(
    host: Host,
    port: Port = 5084,
    seconds: Seconds = 5.0,
    antenna: Antennas = None,
    power: Annotated[float | None, typer.Option(help="Transmit power in dBm.")] = None,
    json: AsJson = False,
) -> int:
    """Connect, show what the reader can do, count reads by antenna. Exit 1 if it heard no tag."""
    if power is not None and not antenna:
        raise usage("a power is set by antenna: name them by --antenna")
    antennas = tuple(LlrpAntenna(one, power) for one in antenna or ())
    tally = Tally()
    config = LlrpConfig(host, port, antennas)
    found = asyncio.run(listen(config, seconds=seconds, each=tally.add))
    rows = tally.rows(antenna or list(range(1, found.antennas + 1)), seconds)
    notices = [{"what": notice.what, "detail": notice.detail} for notice in tally.notices]
    if json:
        emit({"capabilities": _capabilities(found), "antennas": rows, "notices": notices})
    else:
        for name, value in _capabilities(found).items():
            echo(f"{name:<16} {value}")
        for notice in notices:
            echo(f"NOTICE {notice['what']} {notice['detail']}")
        _table(rows)
    return Code.DONE if tally.reads.total() else Code.ANSWER_IS_NO


def record_command(
    out: Annotated[Path, typer.Option("--out", help="The trace to write; must not exist.")],
    host: Annotated[str | None, typer.Argument(help="Name or address; none with --from.")] = None,
    port: Port = 5084,
    seconds: Annotated[
        float | None, typer.Option(help="How long; else until Ctrl-C.", min=0.1)
    ] = None,
    antenna: Antennas = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Out of the agent's ring instead: from then on.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Up to then; else now.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration of the agent, with --from.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Which of its devices, where it has several.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Write what the reader sends, untouched, one JSON line a read or an edge of an input.

    With --from it is what an agent heard in the past; it may run meanwhile.
    """
    past: Iterator[RawReading] | None = None
    if since is not None:
        if host is not None or config is None:
            raise usage("--from needs --config of the agent and no reader's address")
        past = past_of(config, device=device, since=since, until=until)
    elif host is None:
        raise usage("name the reader, or a time by --from")
    antennas = tuple(LlrpAntenna(one) for one in antenna or ())
    try:
        file = out.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise usage("the trace exists; name another file") from None
    except OSError as error:
        raise usage(f"the trace cannot be written ({type(error).__name__})") from None
    with file:
        writer = TraceWriter(file)
        try:
            if past is not None:
                for reading in past:
                    writer.write(reading)
            else:
                reader = LlrpConfig(host or "", port, antennas)
                asyncio.run(listen(reader, seconds=seconds, each=writer.write))
        except KeyboardInterrupt:
            # Ctrl-C is how a recording without an end is ended.
            if seconds is not None:
                raise
    if json:
        emit({"lines": writer.lines, "left_out": writer.left_out})
    else:
        echo(f"{writer.lines} lines, {writer.left_out} left out")
    return Code.DONE if writer.lines else Code.ANSWER_IS_NO


def tune_command(
    host: Host,
    port: Port = 5084,
    seconds: Seconds = 3.0,
    antenna: Antennas = None,
    power: Powers = None,
    session: Annotated[
        list[int] | None,
        typer.Option(help="Gen2 session 0 to 3; again for more.", min=0, max=3),
    ] = None,
    mode: Annotated[
        list[int] | None,
        typer.Option(help="Index of a mode of the reader; again for more.", min=0, max=65_535),
    ] = None,
    json: AsJson = False,
) -> int:
    """Try each combination of power, session and mode, and print what each antenna heard.

    The reader keeps none of it: the agent sets it up anew. A combination the reader refuses is
    a row that says so.
    """
    powers: Sequence[float | None] = power or [None]
    modes: Sequence[int | None] = mode or [None]
    trials = list(itertools.product(powers, session or [1], modes))
    if len(trials) > MAX_TRIALS:
        raise usage(f"{len(trials)} combinations, the limit is {MAX_TRIALS}")
    ports = antenna or list(range(1, asyncio.run(_ports(host, port)) + 1))
    rows: list[dict[str, object]] = []
    for power_dbm, gen2, mode_index in trials:
        tried = {"power_dbm": power_dbm, "session": gen2, "mode": mode_index}
        antennas = tuple(LlrpAntenna(one, power_dbm) for one in ports)
        config = LlrpConfig(host, port, antennas, session=gen2, mode_index=mode_index)
        tally = Tally()
        try:
            asyncio.run(listen(config, seconds=seconds, each=tally.add))
        except CommandError as refused:
            if refused.exit_code != Code.REFUSED:
                raise
            rows.append({**tried, "antenna": None, "refused": refused.text})
            continue
        rows += [{**tried, **row} for row in tally.rows(ports, seconds)]
    if json:
        emit({"seconds": seconds, "trials": rows})
    else:
        _table(rows)
    return Code.DONE


async def _ports(host: str, port: int) -> int:
    def ignore(_: RawReading) -> None:
        """Only what the reader can do is asked for."""

    return (await listen(LlrpConfig(host, port), seconds=0.05, each=ignore)).antennas


def _capabilities(found: Capabilities) -> dict[str, object]:
    powers = sorted(found.powers_centi_dbm.values())
    return {
        "antennas": found.antennas,
        "inputs": found.inputs,
        "outputs": found.outputs,
        "vendor": found.manufacturer,
        "utc_clock": found.has_utc_clock,
        "power_dbm_min": powers[0] / 100 if powers else None,
        "power_dbm_max": powers[-1] / 100 if powers else None,
        "channels": len(found.frequencies_khz),
    }


def _table(rows: list[dict[str, object]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    echo("  ".join(f"{name:>15}" for name in names))
    for row in rows:
        shown = ("-" if (value := row.get(name)) is None else value for name in names)
        echo("  ".join(f"{value!s:>15}" for value in shown))
