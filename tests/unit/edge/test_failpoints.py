"""Failpoints: only those known, only those asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge.failpoints import NAMES, kill_at, no_faults


def test_without_faults_nothing_is_armed() -> None:
    assert kill_at({}) is no_faults
    assert kill_at({"FAULT": "before_commit:kill"}) is no_faults


def test_an_unknown_failpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="no edge failpoint"):
        kill_at({"FAULT": "edge_before_lunch:kill"})


def test_there_are_eight_failpoints() -> None:
    assert len(NAMES) == 8


def test_the_second_pass_of_the_named_place_kills() -> None:
    code = (
        "import os,sys\nfrom edge.failpoints import kill_at\n"
        "hit=kill_at(os.environ)\nhit('edge_before_send')\nhit('edge_after_send')\n"
        "sys.stdout.write('once')\nsys.stdout.flush()\nhit('edge_after_send')\n"
        "sys.stdout.write('twice')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"FAULT": "edge_after_send:kill:2", "PATH": ""},
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, b"once")
