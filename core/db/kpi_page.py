"""The page of KPI definitions: `python -m core.db.kpi_page` rewrites docs/kpi.md.

What it says comes from the catalogue and from the comments of the views, so it cannot differ.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from core.db.migrate import KPI
from core.domain.kpis import FEW, KPIS, Kpi

PAGE: Final = Path(__file__).parents[2] / "docs" / "kpi.md"
_COMMENT: Final = re.compile(r"COMMENT ON VIEW kpi\.(\w+) IS\s+'((?:[^']|'')*)';")
_KINDS: Final = {
    "ratio": "share over a window",
    "samples": "{statistic} over a window",
    "count": "count over a window",
    "ratio_now": "share, now",
    "level": "sum, now",
}
HEAD: Final = f"""# KPIs

Each figure is a versioned view of schema `kpi`; Grafana, the page `/kpi`, `GET /v1/kpis` and
`dockledger kpi` read the same one. This page is made from the catalogue (`core/domain/kpis.py`) and
the comments of the views (`core/db/kpi/`).

A value that stands on fewer than {FEW} cases is grey, never red. No value is "no data", never good.
A site sets its own limits in its settings:
`{{"kpi": {{"undecided_share": {{"amber": 3, "red": 6}}}}}}`.
KPIs count all owners, so a key that covers some owners only may not read them.

Views of facts have one row for each fact and the columns `at` and `at_us` (microseconds UTC): cut
them by `at_us`, which the tables below have an index on. Sum `numerator` and `denominator` before
you divide. Views of this moment have `value` (or both of these) and `as_of`.

| KPI | View | Unit | How | Amber | Red | What it is |
|---|---|---|---|---|---|---|
"""


def comments() -> dict[str, str]:
    """What each view says of itself."""
    found = {}
    for path in sorted(KPI.glob("*.sql")):
        for view, text in _COMMENT.findall(path.read_text(encoding="utf-8")):
            found[view] = " ".join(text.replace("''", "'").split())
    return found


def page() -> str:
    """The text of docs/kpi.md."""
    said = comments()
    rows = "".join(_row(kpi, said.pop(kpi.view)) for kpi in KPIS)
    others = "".join(f"| `kpi.{view}` | {text} |\n" for view, text in sorted(said.items()))
    return f"{HEAD}{rows}\n## Other views\n\n| View | What it is |\n|---|---|\n{others}"


def _row(kpi: Kpi, text: str) -> str:
    is_rate = kpi.unit.endswith("/h")
    how = "rate over a window" if is_rate else _KINDS[kpi.kind].format(statistic=kpi.statistic)
    limits = " | ".join(_limit(kpi, limit) for limit in (kpi.amber, kpi.red))
    return f"| {kpi.title} | `kpi.{kpi.view}` | {kpi.unit} | {how} | {limits} | {text} |\n"


def _limit(kpi: Kpi, limit: float | None) -> str:
    if limit is None:
        return "own baseline"
    return f"{'≤' if kpi.higher_is_better else '≥'} {limit:g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
