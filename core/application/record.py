"""The hot path: one group of readings becomes one transaction behind the epoch fence.

Cursors move in the same transaction as everything they stand for; either all of it is true or none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.application.decisions import GroupDecision, PassVerdict, Recorded, SeenTag
from core.application.ports.tracking import CursorAdvance, HeldTag, Standing, StreamKey
from core.application.ports.uow import Ids, UnitOfWork
from core.application.suspicions import suspect_copies, tell_retired
from core.application.verdicts import record_call
from core.domain.errors import Refused

UNKNOWN = "Q_EPC_UNKNOWN"
RETIRED = "Q_EPC_RETIRED"


async def record_decision(
    uow: UnitOfWork, decision: GroupDecision, *, now: int, ids: Ids
) -> Recorded:
    """Write one group. Raises `CellLost` or `CursorMoved`, and then nothing of it is written."""
    tracking = uow.tracking
    await tracking.fence(cell=decision.cell, epoch=decision.epoch)
    standing = await _standing(uow, decision)
    known = {**decision.known, **standing}
    held = {tag: code for tag in decision.tags if (code := hold_code(tag, known)) is not None}
    cursors = _counted(decision.cursors, held)
    await tracking.advance(cursors, epoch=decision.epoch, now=now)
    await tracking.keep(decision.letters)
    await tracking.hold(held_tags(held))
    await tracking.agent_status(decision.statuses, now=now)
    await tracking.heard(decision.heard)
    await tracking.jams(decision.jams)
    await tracking.begin_passes(decision.openings, epoch=decision.epoch)
    await _doubt(uow, decision, known, held, now=now, ids=ids)
    await _place(uow, decision, known, now)
    verdicts, refused = await _judge(uow, decision, now=now, ids=ids)
    ready = await tracking.ready_totes(decision.totes)
    return Recorded(standing, verdicts, refused, ready)


async def _doubt(
    uow: UnitOfWork,
    decision: GroupDecision,
    known: Mapping[str, Standing | None],
    held: Mapping[SeenTag, str],
    *,
    now: int,
    ids: Ids,
) -> None:
    """Copies of tags that stand for goods here, and reads of tags whose binding has ended."""
    ours = {key for key, standing in known.items() if standing in ("unit", "handling_unit")}
    doubts = [one for one in decision.suspicions if one.epc_key in ours]
    chips = {key: tids for key, tids in decision.chips.items() if key in ours}
    if doubts or chips:
        await suspect_copies(uow, doubts, chips, now=now, ids=ids)
    retired = {tag.epc_key for tag, code in held.items() if code == RETIRED}
    await tell_retired(uow, retired, now=now, ids=ids)


async def _judge(
    uow: UnitOfWork, decision: GroupDecision, *, now: int, ids: Ids
) -> tuple[list[PassVerdict], list[str]]:
    """Every call's verdict. What the book refuses to move goes to a person as undecided."""
    verdicts: list[PassVerdict] = []
    refused: list[str] = []
    for call in decision.calls:
        try:
            async with uow.savepoint():
                said = await record_call(uow, call, epoch=decision.epoch, now=now, ids=ids)
        except Refused as refusal:
            refused.append(refusal.code)
            doubtful = replace(call, direction="undecided")
            said = await record_call(uow, doubtful, epoch=decision.epoch, now=now, ids=ids)
        if said is not None:
            verdicts.append(said)
    return verdicts, refused


async def _standing(uow: UnitOfWork, decision: GroupDecision) -> dict[str, Standing | None]:
    """What the keys stand for that the gateway has not looked up lately; None for unknown ones."""
    asked = {tag.epc_key for tag in decision.tags if tag.hold is None}
    asked |= {position.subject for position in decision.positions}
    asked -= decision.known.keys()
    if not asked:
        return {}
    found = await uow.tracking.standing(sorted(asked))
    return {key: found.get(key) for key in asked}


def hold_code(tag: SeenTag, known: Mapping[str, Standing | None]) -> str | None:
    """Why readings of this tag are held, or None when they count."""
    if tag.hold is not None:
        return tag.hold
    standing = known.get(tag.epc_key)
    if standing is None:
        return UNKNOWN
    return RETIRED if standing == "retired" else None


def _counted(cursors: Sequence[CursorAdvance], held: Mapping[SeenTag, str]) -> list[CursorAdvance]:
    """The cursors with held readings counted as held instead of applied."""
    moved: dict[StreamKey, int] = defaultdict(int)
    for tag in held:
        moved[tag.stream] += tag.readings
    return [
        replace(c, applied=c.applied - n, held=c.held + n)
        if (n := moved.get(StreamKey(c.agent, c.boot), 0))
        else c
        for c in cursors
    ]


def held_tags(held: Mapping[SeenTag, str]) -> list[HeldTag]:
    """One row per EPC, in order of EPC."""
    rows: dict[str, HeldTag] = {}
    for tag, code in held.items():
        before = rows.get(tag.epc)
        rows[tag.epc] = HeldTag(
            epc=tag.epc,
            code=code,
            agent=tag.stream.agent,
            device=tag.device,
            antenna=tag.antenna,
            first_seen_at=min(tag.first_at, before.first_seen_at) if before else tag.first_at,
            last_seen_at=max(tag.last_at, before.last_seen_at) if before else tag.last_at,
            count=tag.readings + (before.count if before else 0),
        )
    return [rows[epc] for epc in sorted(rows)]


async def _place(
    uow: UnitOfWork, decision: GroupDecision, known: Mapping[str, Standing | None], now: int
) -> None:
    """Positions of known tags; a handling unit that moved is told to the outside."""
    positions = [p for p in decision.positions if known.get(p.subject) in ("unit", "handling_unit")]
    for moved in await uow.tracking.place(positions, now=now):
        await uow.emit(
            "position.changed",
            aggregate=f"handling-unit/{moved['handling_unit']}",
            owner=None if moved["owner"] is None else str(moved["owner"]),
            payload=moved,
            occurred_at=now,
        )
