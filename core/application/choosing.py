"""Which goods of a place are meant when a person names a quantity: never a tag by guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.application.ports.carriers import Content
from core.domain.errors import Refused, wrong_field


def take_goods(here: Sequence[Content], wanted: int, epcs: Sequence[str]) -> list[Content]:
    """Named units, then what has no tag; everything when all of it is wanted.

    Raises `Refused("insufficient-stock")` when the place holds less, `Refused("validation")` when a
    named unit is not there or tagged goods would have to be chosen unnamed.
    """
    named = [content for content in here if content.epc_key in epcs]
    if len(named) != len(epcs):
        raise wrong_field("/epcs", "choice", "A unit is not booked at this place.")
    total = sum(content.quantity for content in here)
    if total < wanted:
        raise Refused(
            "insufficient-stock",
            "The place holds less than that in the book.",
            wanted=wanted,
            available=total,
        )
    if total == wanted:
        return list(here)
    rest = wanted - len(named)
    loose = [content for content in here if content.epc_key is None]
    if rest < 0 or sum(content.quantity for content in loose) < rest:
        raise wrong_field(
            "/epcs", "required", "The goods here are tagged: name the units that are meant."
        )
    chosen = list(named)
    for content in loose:
        part = min(rest, content.quantity)
        if part > 0:
            chosen.append(replace(content, quantity=part))
            rest -= part
    return chosen
