"""Passes as the book holds them, in the form of a replay's calls, so that both can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.application.decisions import PassCall, TagCall


def booked_call(row: Mapping[str, Any]) -> PassCall:
    """A booked pass: its tags are those that it carried, its time is its closing."""
    return PassCall(
        pass_id=row["pass_id"],
        portal=row["portal"],
        direction=row["state"],
        early=False,
        tags={key: TagCall(epc=key, crossed=True) for key in row["keys"]},
        confidence=1.0,
        decider="book",
        decider_at=row["closed_at"],
        occurred_at=row["closed_at"],
        closed_at=row["closed_at"],
        features={},
    )


def at_closing(calls: Sequence[PassCall]) -> list[PassCall]:
    """The calls of a replay that crossed, by the time of their closing as the book has it."""
    return [
        replace(call, occurred_at=call.closed_at or call.occurred_at)
        for call in calls
        if call.direction in ("in", "out")
    ]
