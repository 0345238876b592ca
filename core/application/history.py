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
# A transaction that was still running at midnight has ended by then.
SETTLED_US = 15 * 60_000_000
CARRIERS, PASSES, EXCEPTIONS = 5_000, 30, 200


async def read_floor_at(
    uow: UnitOfWork, *, at: int, now: int, kept_us: int, owners: Owners
) -> dict[str, Any]:
    """Stock, handling units, positions, passes and exceptions as they stood at `at`."""
    check_kept(at, now=now, kept_us=kept_us, name="at")
    past = uow.history
    stock: dict[str, int] = {}
    holds: dict[str, tuple[str, int]] = {}
    base = await past.nearest_mark(at, now=now)
    for row in await past.balances(at, owners, base=base):
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


async def mark_stock(uow: UnitOfWork, *, now: int, kept_us: int) -> int:
    """Keep last midnight's stock by place, once all that was recorded before it has ended; how
    many marks were made.
    """
    midnight = (now - SETTLED_US) // DAY_US * DAY_US
    base = await uow.history.nearest_mark(midnight, now=now)
    if base == midnight:
        return 0
    await uow.history.forget_marks(before=now - kept_us)
    return int(await uow.history.mark_stock(midnight, base=base, now=now))


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
