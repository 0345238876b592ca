"""One measured figure beside the physical limit that the same run measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `limit` in `unit`; `method` says in a few words what was done and what the
    limit is.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    method: str

    @property
    def ratio(self) -> float | None:
        """Share of the limit that was reached."""
        return None if not self.limit else self.value / self.limit

    def __str__(self) -> str:
        head = f"{self.name}: {self.value:,.1f} {self.unit}"
        if self.limit is not None and self.ratio is not None:
            head += f" · limit {self.limit:,.1f} · ratio {self.ratio:.2f}"
        return f"{head} ({self.method})"
