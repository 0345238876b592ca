"""The LLRP benchmark measures what it says: every read decoded, next to its own limit."""

from __future__ import annotations

from bench.llrp import TAGS_PER_FRAME, run


def test_the_figures_belong_together() -> None:
    figures = run(0.05)

    assert round(figures.reads_s / figures.frames_s) == TAGS_PER_FRAME
    assert 0 < figures.ratio < 1
    assert f"{figures.reads_s:,.1f} raw reads/s" in str(figures.figures()[0])
