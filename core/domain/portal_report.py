"""How a portal's verdicts fared against what people booked, and whether it may step up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportRow:
    """How a portal's verdicts fared in one direction: counts of passes and of tags."""

    direction: str
    passes: int
    undecided: int
    confirmed: int
    dismissed: int
    reversed: int
    tags: int
    agreed: int
    false_accepts: int
    false_rejects: int

    @property
    def agreement(self) -> float | None:
        """Share of the tags with a truth whose verdict was right; None without any."""
        known = self.agreed + self.false_accepts + self.false_rejects
        return None if known == 0 else self.agreed / known

    def may_step_up(self, *, least: int, bar: float) -> bool:
        """Whether enough tags have a truth and the agreement meets the site's bar."""
        known = self.agreed + self.false_accepts + self.false_rejects
        return known >= least and (self.agreement or 0.0) >= bar and self.false_accepts == 0
