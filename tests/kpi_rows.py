"""A day at the site, written row by row: what every KPI must say of it is known by heart."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from core.db.uow import PgUnitOfWork
from tests.builders import OWNER, SITE, Warehouse, a_warehouse

MINUTE = 60_000_000
HOUR = 60 * MINUTE
QUARTER = 15 * MINUTE


def uid(kind: int, number: int) -> UUID:
    """An id of its own for each kind of row."""
    return UUID(int=(kind << 64) + number)


async def a_day(uow: PgUnitOfWork, now: int) -> Warehouse:
    """Write the day that ends at `now` (microseconds)."""
    house = await a_warehouse(uow, "SKU-1", "SKU-2")
    raw = uow.raw
    await _orders(raw, house, now)
    await _picks(raw, house, now)
    await _doors(raw, house, now)
    await _stock(raw, house, now)
    await _platform(raw, now)
    return house


async def _orders(raw: Any, house: Warehouse, now: int) -> None:
    """40 shipped orders with a cycle of 10 to 49 minutes, 36 of them in time; 3 open ones."""
    for n in range(40):
        came = now - 5 * HOUR + n * MINUTE
        went = came + (10 + n) * MINUTE
        await _order(raw, n, "shipped", came, ship_by=came + 45 * MINUTE, shipped_at=went)
    item = house.items["SKU-1"]
    open_orders = (
        (40, "backordered", now + 10 * MINUTE, 5, 0, 0),
        (41, "picking", now + 5 * HOUR, 2, 0, 2),
        (42, "promised", None, 1, 1, 0),
    )
    for n, state, ship_by, ordered, promised, reserved in open_orders:
        await _order(raw, n, state, now - HOUR, ship_by=ship_by, shipped_at=None)
        await raw.execute(
            "INSERT INTO fulfilment_line (site_id, fulfilment_id, line_no, external_line_id,"
            " item_id, sku, ordered, promised, reserved) VALUES ($1,$2,1,'1',$3,$4,$5,$6,$7)",
            *(SITE, uid(1, n), item, "SKU-1", ordered, promised, reserved),
        )


async def _order(
    raw: Any, n: int, state: str, came: int, *, ship_by: int | None, shipped_at: int | None
) -> None:
    await raw.execute(
        "INSERT INTO customer_order (order_id, owner_id, channel, external_order_id, body_digest,"
        " received_at) VALUES ($1, $2, 'web', $3, '', $4)",
        *(uid(2, n), OWNER, f"o-{n}", came),
    )
    await raw.execute(
        "INSERT INTO fulfilment (site_id, fulfilment_id, order_id, owner_id, state, ship_by,"
        " received_at, shipped_at, changed_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$7)",
        *(SITE, uid(1, n), uid(2, n), OWNER, state, ship_by, came, shipped_at),
    )


async def _picks(raw: Any, house: Warehouse, now: int) -> None:
    """30 lines by two pickers in one quarter of an hour, and one pick that found nothing."""
    start = (now - 2 * HOUR) // QUARTER * QUARTER
    face = house.places["A-01-01-1"].location_id
    for n in range(31):
        state, picked = ("short", 0) if n == 30 else ("picked", 1)
        await raw.execute(
            "INSERT INTO pick_task (site_id, task_id, fulfilment_id, line_no, reservation_id,"
            " owner_id, item_id, location_id, quantity, picked, state, assigned_to, created_at,"
            " changed_at, done_at) VALUES ($1,$2,$3,1,$4,$5,$6,$7,1,$8,$9,$10,$11,$11,$11)",
            *(SITE, uid(3, n), uid(1, 0), uid(4, n), OWNER, house.items["SKU-1"], face),
            *(picked, state, f"w{n % 2}", start + n * 1_000_000),
        )
    for n in range(31):
        unit = uid(6, 2) if n == 30 else None
        await raw.execute(
            "INSERT INTO task (site_id, task_id, kind, state, owner_id, handling_unit_id,"
            " quantity, created_at, changed_at, done_at)"
            " VALUES ($1,$2,'putaway','done',$3,$4,1,$5,$6,$6)",
            *(SITE, uid(5, n), OWNER, unit, now - 3 * HOUR, now - HOUR),
        )
    await raw.execute(
        "INSERT INTO task (site_id, task_id, kind, created_at, changed_at)"
        " VALUES ($1, $2, 'count', $3, $3)",
        *(SITE, uid(5, 99), now - HOUR),
    )


async def _doors(raw: Any, house: Warehouse, now: int) -> None:
    """31 closed visits, one of them short; 40 closed passes, one open."""
    for n in range(33):
        listed = {"expected": 9, "received": 9, "short": 0, "over": 0, "wrong": 0}
        listed |= {"short": 1, "received": 8} if n == 30 else {}
        state, summary = ("open", {}) if n == 32 else ("closed", listed)
        summary = {"expected": 0, "short": 0, "over": 0, "wrong": 0} if n == 31 else summary
        portal = "dock-2" if n == 32 else "dock-1"
        await raw.execute(
            "INSERT INTO door_visit (site_id, visit_id, portal, state, opened_at, opened_by,"
            " closed_at, summary) VALUES ($1,$2,$3,$4,$5,'pass',$6,$7)",
            *(SITE, uid(7, n), portal, state, now - HOUR),
            *(now - HOUR + 30 * MINUTE if state == "closed" else None, json.dumps(summary)),
        )
    for n in range(41):
        state = "open" if n == 40 else "undecided" if n in (36, 37, 38) else "in"
        opened = now - 2 * HOUR + n * MINUTE
        await raw.execute(
            "INSERT INTO pass (site_id, pass_id, portal, state, verdict, opened_at, closed_at,"
            " first_agent, first_boot, first_seq, decider, decider_at, decided_at, epoch)"
            " VALUES ($1,$2,'dock-1',$3,$4,$5,$5,'dock-1',1,1,'read',$6,$7,1)",
            *(SITE, uid(8, n), state, None if n == 40 else "matched", opened, opened),
            None if n == 40 else opened + (n + 1) * 10_000,
        )
    await _tags(raw, house, now)
    for n in range(30):
        await _move(raw, house, n, now)


async def _tags(raw: Any, house: Warehouse, now: int) -> None:
    """A pallet that lacks one of two cartons, a whole one, a pass with two strays of three."""
    await raw.execute(
        "INSERT INTO asn (site_id, asn_id, owner_id, external_asn_id, created_at, arrived_at)"
        " VALUES ($1, $2, $3, 'asn-1', $4, $4)",
        *(SITE, uid(9, 1), OWNER, now - 5 * HOUR),
    )
    stage = house.places["STAGE-IN"].location_id
    for n in (1, 2):
        await raw.execute(
            "INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, state,"
            " location_id, created_at, changed_at) VALUES ($1,$2,$3,'pallet','closed',$4,$5,$5)",
            *(SITE, uid(6, n), f"00/{n:018d}", stage, now),
        )
        for m in (1, 2):
            await raw.execute(
                "INSERT INTO asn_unit (site_id, asn_id, epc_key, line_no, handling_unit_id)"
                " VALUES ($1, $2, $3, 1, $4)",
                *(SITE, uid(9, 1), f"01/u/21/{n}{m}", uid(6, n)),
            )
    said = (
        (0, f"00/{1:018d}", "matched", None),
        (0, "01/u/21/11", "matched", None),
        (0, "01/u/21/12", "missing", "announced"),
        (1, f"00/{2:018d}", "matched", None),
        (1, "01/u/21/21", "matched", None),
        (1, "01/u/21/22", "matched", None),
        (2, "01/x/21/1", "matched", None),
        (2, "01/x/21/2", "rejected", "static"),
        (2, "01/x/21/3", "rejected", "near"),
    )
    for place, key, outcome, reason in said:
        await raw.execute(
            "INSERT INTO pass_tag (site_id, pass_id, epc, epc_key, outcome, reason)"
            " VALUES ($1, $2, $3, $3, $4, $5)",
            *(SITE, uid(8, place), key, outcome, reason),
        )


async def _move(raw: Any, house: Warehouse, n: int, now: int) -> None:
    await raw.execute(
        "INSERT INTO move (site_id, owner_id, item_id, quantity, source_location_id,"
        " target_location_id, biz_step, cause, cause_id, source, source_key, pass_id,"
        " occurred_at, recorded_at) VALUES ($1,$2,$3,1,$4,$5,'receiving','pass',$6,'pass',$6,$7,"
        " $8,$9)",
        *(SITE, OWNER, house.items["SKU-1"], house.places["SUPPLIER"].location_id),
        *(house.places["STAGE-IN"].location_id, f"m-{n}", uid(8, 1)),
        *(now - HOUR, now - HOUR + (n + 1) * 100_000),
    )


async def _stock(raw: Any, house: Warehouse, now: int) -> None:
    """An empty face with a reserve, a full one; one item oversold, one below its reorder point."""
    one, two = house.items["SKU-1"], house.items["SKU-2"]
    await raw.execute("UPDATE item SET min_stock = 50 WHERE item_id = $1", two)
    for item, code, on_hand in ((one, "A-01-01-2", 10), (two, "A-01-02-1", 20)):
        await raw.execute(
            "INSERT INTO quant (site_id, owner_id, item_id, location_id, on_hand)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(SITE, OWNER, item, house.places[code].location_id, on_hand),
        )
    for item, code in ((one, "A-01-01-1"), (two, "A-01-02-1")):
        await raw.execute(
            "INSERT INTO pick_face (site_id, location_id, item_id, min_quantity, max_quantity)"
            " VALUES ($1, $2, $3, 1, 5)",
            *(SITE, house.places[code].location_id, item),
        )
    for item, sellable, committed in ((one, 10, 12), (two, 20, 0)):
        await raw.execute(
            "INSERT INTO availability (site_id, owner_id, item_id, sellable, committed)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(SITE, OWNER, item, sellable, committed),
        )
    await raw.execute(
        "INSERT INTO verify_run (site_id, started_at, finished_at, drift) VALUES ($1, $2, $2, 0)",
        *(SITE, now - 5 * MINUTE),
    )


async def _platform(raw: Any, now: int) -> None:
    """One agent heard, one never; one device live, one stale; letters, exceptions."""
    for agent in ("dock-1", "dock-2"):
        await raw.execute(
            "INSERT INTO agent (site_id, agent, registered_at) VALUES ($1, $2, $3)",
            *(SITE, agent, now),
        )
        await raw.execute(
            "INSERT INTO device (site_id, agent, device) VALUES ($1, $2, $3)",
            *(SITE, agent, f"{agent}-r"),
        )
    await raw.execute(
        "INSERT INTO agent_status (site_id, agent, state, boot, seq, sent_at, received_at, spooled)"
        " VALUES ($1, 'dock-1', 'online', 1, 9, $2, $2, 4)",
        *(SITE, now),
    )
    await raw.execute(
        "INSERT INTO cursor (site_id, agent, boot, seq, epoch, updated_at)"
        " VALUES ($1, 'dock-1', 1, 5, 1, $2)",
        *(SITE, now),
    )
    for device, state in (("dock-1-r", "live"), ("dock-2-r", "stale")):
        await raw.execute(
            "INSERT INTO device_state (site_id, agent, device, state, since)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(SITE, device[:6], device, state, now),
        )
    await raw.execute(
        "INSERT INTO dead_letter (site_id, topic, code, bytes, digest, received_at, count)"
        " VALUES ($1, 't', 'E_TYPE', 'x', 'd', $2, 3)",
        *(SITE, now),
    )
    standing = (
        (1, "pass.missing", uid(8, 0), None),
        (2, "stock.low", None, None),
        (3, "pass.undecided", uid(8, 39), now),
    )
    for n, kind, pass_id, resolved in standing:
        await raw.execute(
            "INSERT INTO exception (site_id, exception_id, kind, subject, message, pass_id,"
            " opened_at, resolved_at) VALUES ($1, $2, $3, $4, 'said', $5, $6, $7)",
            *(SITE, uid(10, n), kind, f"s-{n}", pass_id, now - HOUR, resolved),
        )
