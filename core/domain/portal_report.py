"""How a portal's verdicts fared against what people booked, and whether it may step up.

Evidence counts from the moment the present mode was set: every step is earned anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.expected import Mode

_NEXT: Mapping[Mode, Mode] = {"observe": "propose", "propose": "book"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a site asks of a portal before the next mode: tags with a truth, and their errors."""

    tags: int = 200
    agreement: float = 0.995
    false_accepts: int = 0


def bar_of(settings: Mapping[str, object]) -> Bar:
    """The start values with those of the site's setting `portal_bar` in their place."""
    given = settings.get("portal_bar")
    own = given if isinstance(given, Mapping) else {}
    bar = Bar()
    return Bar(
        tags=_number(own.get("tags"), bar.tags),
        agreement=_share(own.get("agreement"), bar.agreement),
        false_accepts=_number(own.get("false_accepts"), bar.false_accepts),
    )


def _number(value: object, otherwise: int) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if fits and isinstance(value, int) else otherwise


def _share(value: object, otherwise: float) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if fits and isinstance(value, int | float) else otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """How a portal's verdicts fared in one direction for one owner, or `*` for all goods.

    `agreed`, `false_accepts` and `false_rejects` count tags that crossed by the portal's word or by
    a person's; tags that both left behind are `rejects_agreed`, apart, lest strays drown the rest.
    """

    direction: str
    owner: str
    mode: Mode
    since: int | None
    passes: int = 0
    undecided: int = 0
    confirmed: int = 0
    dismissed: int = 0
    reversed: int = 0
    tags: int = 0
    agreed: int = 0
    false_accepts: int = 0
    false_rejects: int = 0
    rejects_agreed: int = 0

    @property
    def known(self) -> int:
        """Tags with a truth."""
        return self.agreed + self.false_accepts + self.false_rejects

    @property
    def agreement(self) -> float | None:
        """Share of the tags with a truth whose verdict was right; None without any."""
        return None if self.known == 0 else self.agreed / self.known

    @property
    def next_mode(self) -> Mode | None:
        """The mode one step up; None for a portal that books."""
        return _NEXT.get(self.mode)

    def wanting(self, bar: Bar) -> list[str]:
        """What is still missing to the bar, in words; empty when it is met."""
        words = []
        if self.known < bar.tags:
            words.append(f"{bar.tags - self.known} more tags with a known truth")
        if self.agreement is not None and self.agreement < bar.agreement:
            words.append(f"agreement of {bar.agreement:.2%}")
        if self.false_accepts > bar.false_accepts:
            words.append(
                f"at most {bar.false_accepts} false accepts"
                if bar.false_accepts
                else "no false accept"
            )
        return words

    def may_step_up(self, bar: Bar) -> bool:
        """Whether there is a next mode and its bar is met; to step is a person's act."""
        return self.next_mode is not None and not self.wanting(bar)


@dataclass(frozen=True, slots=True)
class PortalReport:
    """A portal's rows and the site's bar; `waiting` passes are undecided and nobody has settled."""

    portal: str
    bar: Bar
    waiting: int
    rows: tuple[ReportRow, ...]
