"""A load's class meets its expected list: the verdict is said early, the book moves at the close.

An early verdict drives light and exception only; what is said later on the same pass replaces it.
"""

from __future__ import annotations

from core.application.decisions import PassCall, PassVerdict, Said, TagCall
from core.application.expected import expected_for
from core.application.passes import book_pass
from core.application.ports.tracking import PassRow, PassTag
from core.application.ports.uow import Ids, UnitOfWork
from core.application.verdict_notices import announce_verdict
from core.domain.expected import Expected
from core.domain.judgement import Judgement, LoadClass
from core.domain.passes import judge


async def record_call(
    uow: UnitOfWork, call: PassCall, *, epoch: int, now: int, ids: Ids
) -> PassVerdict | None:
    """Judge and write one call; None when it says nothing (yet), or the pass is settled already."""
    asked = [key for key, tag in call.tags.items() if tag.crossed or tag.thin]
    expected = await expected_for(uow, portal=call.portal, epc_keys=asked, now=now)
    load = load_class(call, expected)
    judgement = judge(expected, load, pass_id=call.pass_id, occurred_at=call.occurred_at)
    if call.early and not _may_be_said(judgement, call):
        return None
    said = _said(call, judgement, now)
    row = _row(call, load, judgement, said)
    if not await uow.tracking.write_pass(row, epoch=epoch):
        return None
    if call.early:
        # The pass's visit is settled when it closes; until then the exception stands alone.
        await announce_verdict(
            uow,
            pass_id=call.pass_id,
            portal=call.portal,
            visit_id=None,
            judgement=judgement,
            now=now,
            ids=ids,
        )
    else:
        await book_pass(
            uow,
            pass_id=call.pass_id,
            judgement=judgement,
            mode=judgement.mode,
            now=now,
            ids=ids,
            actor=None,
        )
    verdict, light = judgement.verdict, judgement.light
    return PassVerdict(call.pass_id, call.portal, verdict, light, call.early, said)


def load_class(call: PassCall, expected: Expected) -> LoadClass:
    """The load's tags; a thin one belongs to it only if a document or a holder of it expects it.

    A load with a tag that is there twice is undecided: nothing of it is booked without a person.
    """
    if call.direction not in ("in", "out"):
        rejected = {k: _reason(t) for k, t in call.tags.items() if not t.crossed}
        crossed = frozenset(k for k, t in call.tags.items() if t.crossed)
        return LoadClass(call.direction, crossed, rejected, call.early)
    sure = {key for key, tag in call.tags.items() if tag.crossed}
    carried = _contents(expected, sure)
    joined = sure | {
        key
        for key, tag in call.tags.items()
        if tag.thin and (key in carried or is_owed(expected, key))
    }
    rejected = {k: _reason(t) for k, t in call.tags.items() if k not in joined}
    if expected.doubtful(joined):
        return LoadClass("undecided", frozenset(joined), rejected, call.early)
    return LoadClass(call.direction, frozenset(joined), rejected, call.early)


def is_owed(expected: Expected, key: str) -> bool:
    """Whether a live document still waits for this tag here."""
    return any(expected.fits(claim) and not claim.done for claim in expected.claims(key))


def _contents(expected: Expected, keys: set[str]) -> set[str]:
    """Tags known to be in the handling units among `keys`."""
    units = (expected.handling_units.get(key) for key in keys)
    return {key for unit in units if unit is not None for key in (*unit.units, *unit.announced)}


def _reason(tag: TagCall) -> str:
    return tag.reason or "not_in_load"


def _may_be_said(judgement: Judgement, call: PassCall) -> bool:
    """Red at once; green when all known content is in; nothing that was said already."""
    if call.said is not None and judgement.verdict == call.said.verdict:
        return False
    return judgement.alarming or (judgement.verdict == "matched" and judgement.complete)


def _said(call: PassCall, judgement: Judgement, now: int) -> Said:
    """What decided this verdict: a verdict that is out already keeps its own decider."""
    if call.said is not None and call.said.verdict == judgement.verdict:
        return call.said
    return Said(judgement.verdict, call.decider, call.decider_at, now)


def _row(call: PassCall, load: LoadClass, judgement: Judgement, said: Said) -> PassRow:
    tags = () if call.early else tuple(_tag(key, tag, load) for key, tag in call.tags.items())
    return PassRow(
        pass_id=call.pass_id,
        state="open" if call.early else load.direction,
        verdict=judgement.verdict,
        mode=judgement.mode,
        confidence=call.confidence,
        closed_at=None if call.early else call.closed_at,
        decider=said.decider,
        decider_at=said.decider_at,
        decided_at=said.decided_at,
        features=call.features,
        tags=tags,
    )


def _tag(key: str, tag: TagCall, load: LoadClass) -> PassTag:
    """The radio's part of a tag's row; booking writes its outcome against the expected list."""
    crossed = key in load.crossed
    return PassTag(
        epc=tag.epc,
        epc_key=key,
        outcome="unknown" if crossed else "rejected",
        reason=None if crossed else load.rejected.get(key),
        features=tag.features,
        evidence=tag.evidence,
    )
