"""The three kinds of failure: `Refused` (a business rule says no), `Unavailable` (try again), a
bug.

A refusal has a stable code and names the thing, the fact and the way out; it never echoes free text
that came from outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: JSON pointer (or `?name`), a code of the field list, a sentence."""

    pointer: str
    code: str
    detail: str


class Refused(Exception):
    """A rule refuses the request; nothing was changed. `facts` are safe to show."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        lines: tuple[dict[str, str | int], ...] = (),
        **facts: str | int | None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors
        self.lines = lines
        self.facts = facts


class Unavailable(Exception):
    """Something needed is away or busy: the same request may succeed later."""

    def __init__(self, what: str, *, retry_after_s: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Shortage:
    """A demand that could not be met in full, in base units."""

    item_id: int
    wanted: int
    available: int
    facts: dict[str, str] = field(default_factory=dict)


def wrong_field(pointer: str, code: str, detail: str) -> Refused:
    """One wrong field (JSON pointer, or `?name`) as a `validation` refusal."""
    return Refused("validation", detail, errors=(FieldError(pointer, code, detail),))


def not_found(thing: str) -> Refused:
    """Unknown id, or one that this caller may not see: the answer is the same."""
    return Refused(
        "not-found", f"There is no such {thing} here. Check the id, the site and the owner."
    )


def state_conflict(thing: str, current: str, wanted: str) -> Refused:
    """A transition that the table of `thing` does not allow."""
    return Refused(
        "state-conflict",
        f"A {thing} that is {current} cannot become {wanted}.",
        state=current,
        wanted=wanted,
    )
