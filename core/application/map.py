"""The floor as one picture: sections of rows by key, read together and compared with the last one.

Nothing of it is a state of its own: every number is read from ledger, tracking or orders.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from core.application.liveness import BROKER, RELAY, WORKER
from core.application.ports.map import Owners, Rows
from core.application.ports.uow import UnitOfWork
from core.domain.liveness import KINDS
from core.domain.passes import LIGHTS

Sections = dict[str, dict[str, Any]]
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
GREEN_US = 5 * SECOND_US
QUIET_US = 60 * SECOND_US
UNITS, PASSES, EXCEPTIONS = 5_000, 30, 200
FLOW_HOURS = 12
ALARMS = frozenset((*KINDS, WORKER, RELAY, BROKER))
# Sections that change only with layout or ledger; the rest is read at every look.
SLOW = frozenset({"site", "places", "stock", "flow"})


async def read_map(
    uow: UnitOfWork, *, owners: Owners, now: int, slow: Collection[str] = SLOW
) -> Sections:
    """The small sections, and of the large ones those named in `slow`."""
    floor = uow.map
    found: Sections = {
        "units": _calm(await floor.units(owners, limit=UNITS), "last_seen_at", 5 * SECOND_US),
        "docks": {key: _dock(row, now) for key, row in (await floor.docks()).items()},
        "passes": await floor.passes(limit=PASSES),
        "devices": {key: _device(row, now) for key, row in (await floor.devices()).items()},
        "agents": _calm(await floor.agents(), "received_at", 5 * SECOND_US),
        "orders": await floor.orders(owners, since=now - 24 * HOUR_US, soon=now + HOUR_US),
    }
    found |= await _exceptions(uow, owners)
    if "site" in slow:
        found["site"] = await floor.site()
    if "places" in slow:
        found["places"] = await floor.places()
    if "stock" in slow:
        found["stock"] = dict(await floor.stock())
    if "flow" in slow:
        since = (now // HOUR_US - FLOW_HOURS + 1) * HOUR_US
        steps = await floor.flow(owners, since=since, step_us=HOUR_US)
        found["flow"] = {str(step[0]): step for step in steps}
    return found


async def _exceptions(uow: UnitOfWork, owners: Owners) -> Sections:
    """What the floor must look at, and apart from it what is wrong with the system itself."""
    scoped = None if owners is None else [*owners, "*"]
    rows = await uow.inbound_views.exceptions(
        owners=scoped, open_only=True, limit=EXCEPTIONS, after=None
    )
    found: Sections = {"exceptions": {}, "alarms": {}}
    for row in rows:
        section = "alarms" if row["kind"] in ALARMS else "exceptions"
        found[section][str(row["id"])] = {
            name: value for name, value in row.items() if name not in ("id", "facts", "resolved_at")
        }
    return found


def light_now(
    verdict: str | None, decided_at: int | None, agent_state: str | None, now: int
) -> str:
    """What a portal's stack light shows: green for 5 s only, amber while nobody watches."""
    if agent_state in (None, "offline"):
        return "amber"
    light = LIGHTS.get(verdict or "")
    if light is None or (light == "green" and now - (decided_at or 0) > GREEN_US):
        return "off"
    return light


def _dock(row: dict[str, Any], now: int) -> dict[str, Any]:
    light = light_now(row["verdict"], row["decided_at"], row["agent_state"], now)
    return {**row, "light": light}


def _device(row: dict[str, Any], now: int) -> dict[str, Any]:
    """`look`: live, quiet (live, but no reads: a value, no fault), stale, dead or unheard."""
    read_at = row["last_read_at"]
    look = row["state"] or "unheard"
    if look == "live" and (read_at is None or now - read_at > QUIET_US):
        look = "quiet"
    calm = None if read_at is None else read_at // (10 * SECOND_US) * 10 * SECOND_US
    return {**row, "last_read_at": calm, "look": look}


def _calm(rows: Rows, name: str, step_us: int) -> Rows:
    """Round a time that changes with each read, so that it is no news each time."""
    for row in rows.values():
        if row[name] is not None:
            row[name] = row[name] // step_us * step_us
    return rows


def difference(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> tuple[Sections, dict[str, list[str]]]:
    """What `after` has new or otherwise, and the keys it no longer has; sections left out stay."""
    changed: Sections = {}
    gone: dict[str, list[str]] = {}
    for section, rows in after.items():
        old = before.get(section, {})
        new = {key: row for key, row in rows.items() if key not in old or old[key] != row}
        if new:
            changed[section] = new
        if lost := [key for key in old if key not in rows]:
            gone[section] = lost
    return changed, gone
