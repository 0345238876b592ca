"""The past as it was told then: the floor at an instant, and the readings behind a tag's journey.

Beyond its retention the answer is `no-longer-kept`, never an empty one.
"""

from __future__ import annotations

from typing import Any

from core.application.ports.map import Owners
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
CARRIERS, PASSES, EXCEPTIONS = 5_000, 30, 200


async def read_floor_at(
    uow: UnitOfWork, *, at: int, now: int, kept_us: int, owners: Owners
) -> dict[str, Any]:
    """Stock, handling units, positions, passes and exceptions as they stood at `at`."""
    check_kept(at, now=now, kept_us=kept_us, name="at")
    past = uow.history
    stock: dict[str, int] = {}
    holds: dict[str, tuple[str, int]] = {}
    for row in await past.balances(at, owners):
        stock[row["code"]] = stock.get(row["code"], 0) + row["on_hand"]
        if row["handling_unit"] is not None:
            unit = str(row["handling_unit"])
            holds[unit] = (row["code"], holds.get(unit, ("", 0))[1] + row["on_hand"])
    seen = {str(row["id"]): row for row in await past.carriers(at, owners, limit=CARRIERS)}
    units = {
        unit: {**_unseen(unit, seen), "location": holds.get(unit, (None, 0))[0], "units": count}
        for unit in sorted({*holds, *seen})
        for count in (holds.get(unit, (None, 0))[1],)
    }
    return {
        "stock": {code: count for code, count in sorted(stock.items()) if count},
        "units": units,
        "positions": {row["code"]: row["tags"] for row in await past.positions(at)},
        "passes": await past.passes(at, limit=PASSES),
        "exceptions": await past.exceptions(at, owners, limit=EXCEPTIONS),
    }


def _unseen(unit: str, seen: dict[str, dict[str, Any]]) -> dict[str, Any]:
    nothing = {"key": None, "kind": None, "seen_location": None, "confidence": None, "since": None}
    return {**nothing, "id": unit, **seen.get(unit, {})}


def check_kept(instant: int, *, now: int, kept_us: int, name: str) -> None:
    """Refuse an instant to come, or one that lies further back than what is kept."""
    if instant > now:
        detail = f"{name} lies in the future."
        raise Refused("validation", detail, errors=(FieldError(f"?{name}", "range", detail),))
    if instant < now - kept_us:
        days = kept_us // DAY_US
        raise Refused(
            "no-longer-kept", f"This is kept for {days} days; what you ask for is older than that."
        )
