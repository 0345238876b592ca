"""What the KPI views answer: one value, a trend, the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.kpis import Kpi, Reading


@dataclass(frozen=True, slots=True)
class Point:
    """One hour of a trend; `at` is its start, `value` None where nothing happened."""

    at: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a view without the site; `truncated` when there were more."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    truncated: bool


class KpiStore(Protocol):
    """Reads schema `kpi`; writes samples of what has no history."""

    async def settings(self) -> Mapping[str, Any]:
        """The site's settings document."""

    async def reading(self, kpi: Kpi, *, since: int, until: int) -> Reading:
        """The value over [since, until), or of this moment for one without a window."""

    async def trend(self, kpi: Kpi, *, since: int, until: int) -> Sequence[Point]:
        """One point for each hour that has one, oldest first."""

    async def rows(self, kpi: Kpi, *, since: int, until: int, limit: int) -> Rows:
        """The newest rows of the view first."""

    async def comment(self, kpi: Kpi) -> str:
        """What the view says of itself."""

    async def sample(self, values: Mapping[str, float], *, at: int, keep_from: int) -> None:
        """Keep values of one moment; samples before `keep_from` go."""

    async def queues(self, *, now: int) -> Mapping[str, tuple[int, float]]:
        """By name: how many wait, and the age of the oldest in seconds."""
