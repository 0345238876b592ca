"""The handheld's load scan: a person's word instead of a reader's, filling the same visit.

A scan is a pass of one tag. It is booked at once in every mode: a person has seen the goods.
"""

from __future__ import annotations

from uuid import UUID

from core.application.passes import book_pass
from core.application.ports.uow import Ids, UnitOfWork
from core.application.suspicions import check_no_copy
from core.domain.errors import Refused
from core.domain.expected import Crossing
from core.domain.judgement import Judgement, LoadClass
from core.domain.passes import judge


async def scan_at_door(
    uow: UnitOfWork,
    *,
    visit_id: UUID,
    epc_key: str,
    direction: Crossing,
    now: int,
    ids: Ids,
    actor: str,
) -> tuple[UUID, Judgement]:
    """Book one scanned unit or handling unit; the pass and what was judged.

    Refused when the visit is not open. A handling unit counts with all that it is known to hold:
    the person vouches for it.
    """
    visit = await uow.visits.lock(visit_id)
    if visit.state not in ("open", "closing"):
        raise Refused("state-conflict", "The visit is closed. Open one for this truck.")
    pass_id = ids()
    # On the book itself: what the portal observed and nobody booked has not happened yet.
    expected = await uow.doors.expected(visit.portal, [epc_key], now=now, before=(pass_id, 0))
    check_no_copy(expected, [epc_key])
    holder = expected.handling_units.get(epc_key)
    known = () if holder is None else (*holder.units, *holder.announced)
    load = LoadClass(direction, frozenset([epc_key, *known]))
    judgement = judge(expected, load, pass_id=pass_id, occurred_at=now, actor=actor)
    await uow.doors.add_scanned_pass(pass_id, portal=visit.portal, state=direction, now=now)
    await book_pass(
        uow, pass_id=pass_id, judgement=judgement, mode="book", now=now, ids=ids, actor=actor
    )
    return pass_id, judgement
