"""Kills of an agent at any point: no read that reached the ring is lost, none is told twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.edge.box import Box, KilledError

POINTS = (
    "edge_before_ring",
    "edge_new_segment",
    "edge_after_ring",
    "edge_before_commit",
    "edge_after_commit",
)

# A kill leaves what the system has, on a disk or not; a file system in memory is faster.
MEMORY = Path("/dev/shm")

read = st.tuples(st.just("read"), st.sampled_from(("door", "zone")), st.integers(0, 5))
pause = st.tuples(st.just("wait"), st.sampled_from((1_000, 20_000, 20_000, 90_000)))
steps = st.one_of(
    *[read] * 8,
    *[pause] * 3,
    *[st.tuples(st.just("commit"))] * 3,
    st.tuples(st.just("edge"), st.sampled_from(("door", "zone"))),
    st.tuples(st.just("answer")),
    st.tuples(st.just("wait"), st.sampled_from((260_000, 2_100_000))),
    st.tuples(st.just("kill")),
    st.tuples(st.just("fault"), st.sampled_from(POINTS), st.integers(1, 4)),
)


def play(box: Box, script: list[tuple[object, ...]]) -> None:
    """A life, killed and begun again wherever the script or a failpoint says."""
    box.start()
    for step in [*script, ("end",)]:
        try:
            act(box, step)
        except KilledError:
            begin_again(box)
    box.fault = ("", 0)
    box.finish()


def begin_again(box: Box) -> None:
    while True:
        box.kill()
        box.now += 700_000
        try:
            box.start()
        except KilledError:
            continue
        return


def act(box: Box, step: tuple[object, ...]) -> None:
    match step:
        case ("read", str(device), int(tag)):
            box.now += 7
            key = (device, f"30{tag:02X}0000", 1)
            if box.weights[key] < 9:
                box.read(device, tag)
        case ("edge", str(device)):
            box.now += 7
            box.edge(device)
        case ("wait", int(us)):
            box.turn()
            box.now += us
            box.intake.step(box.now)
        case ("commit",):
            box.commit()
        case ("answer",):
            box.answer()
        case ("kill",):
            begin_again(box)
        case ("fault", str(name), int(nth)):
            box.fault = (name, nth)
        case _:
            box.turn()


@settings(max_examples=2_000 if os.environ.get("DOCKLEDGER_SOAK") == "1" else 25, deadline=None)
@given(st.lists(steps, min_size=30, max_size=80), st.booleans())
def test_every_read_is_told_once_whatever_is_killed_when(
    script: list[tuple[object, ...]], lazy: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        box = Box(Path(folder))
        box.lazy = lazy
        play(box, script)

        assert box.faults() == ([], [])
