"""A load against the expected list of its portal: verdict, and what booking it would move.

Pure: the same facts give the same judgement, early or final. In doubt nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from core.domain.expected import Expected
from core.domain.judgement import Judgement, Light, LoadClass, Notice, TagOutcome, Verdict
from core.domain.load import Draft
from core.domain.loading import judge_outward
from core.domain.receiving import judge_inward

LIGHTS: Mapping[str, Light] = {
    "matched": "green",
    "missing": "red",
    "unexpected": "red",
    "wrong_door": "red",
    "undecided": "amber",
}
_WORST: tuple[Verdict, ...] = ("wrong_door", "unexpected", "missing")


def judge(
    expected: Expected,
    load: LoadClass,
    *,
    pass_id: UUID,
    occurred_at: int,
    actor: str | None = None,
) -> Judgement:
    """What this load is, tag by tag, and what `book_pass` would do with it.

    `missing` is said only for the known contents of handling units this load carries; `occurred_at`
    becomes the time of its moves, whose source keys are `{pass id}/{EPC key}`.
    """
    if load.direction == "not_crossed":
        return _stayed(load)
    if load.direction == "undecided":
        return _undecided(expected, load, pass_id)
    draft = Draft(expected, load.crossed, pass_id, occurred_at, actor)
    for key in sorted(load.crossed - expected.units.keys() - expected.handling_units.keys()):
        draft.say(key, "unknown", "retired" if key in expected.retired else None)
    _note_unknown(draft)
    if load.direction == "in":
        judge_inward(draft)
    else:
        judge_outward(draft)
    verdict = _verdict(draft)
    owners = {move.owner_id for move in draft.moves}
    known = expected.visit.documents if expected.visit is not None else frozenset()
    for key, reason in load.rejected.items():
        draft.say(key, "rejected", reason)
    return Judgement(
        direction=load.direction,
        verdict=verdict,
        light=LIGHTS[verdict] if load.crossed else None,
        mode=expected.mode(load.direction, owners),
        tags=tuple(draft.outcomes[key] for key in sorted(draft.outcomes)),
        documents=frozenset(draft.documents) - known,
        moves=tuple(draft.moves),
        receipts=tuple(draft.receipts),
        loadings=tuple(draft.loadings),
        handling=tuple(draft.handling),
        work=tuple(draft.work),
        notices=tuple(draft.notices),
        cleared=tuple(dict.fromkeys(draft.cleared)),
        strangers=tuple(draft.strangers),
    )


def _note_unknown(draft: Draft) -> None:
    """One exception for all tags of the load that nothing here knows."""
    count = sum(is_strange(tag) for tag in draft.outcomes.values())
    if count:
        portal = draft.expected.portal
        draft.notices.append(
            Notice(
                "pass.unexpected",
                "warning",
                f"pass/{draft.pass_id}",
                f"{count} tags that nothing here knows went through {portal}.",
                None,
                {"portal": portal, "unknown": str(count)},
            )
        )


def _verdict(draft: Draft) -> Verdict:
    outcomes = {tag.outcome for tag in draft.outcomes.values()}
    if any(is_strange(tag) for tag in draft.outcomes.values()):
        outcomes.add("unexpected")
    return next((verdict for verdict in _WORST if verdict in outcomes), "matched")


def is_strange(tag: TagOutcome) -> bool:
    """An unknown tag that could stand for stock; a code of no stock scheme is only listed."""
    return tag.outcome == "unknown" and not tag.epc_key.startswith("urn:")


def _stayed(load: LoadClass) -> Judgement:
    tags = [TagOutcome(key, "rejected", "near") for key in load.crossed]
    tags += [TagOutcome(key, "rejected", reason) for key, reason in load.rejected.items()]
    ordered = tuple(sorted(tags, key=lambda tag: tag.epc_key))
    return Judgement("not_crossed", "not_crossed", None, "observe", ordered)


def _undecided(expected: Expected, load: LoadClass, pass_id: UUID) -> Judgement:
    doubtful = expected.doubtful(load.crossed)
    tags = [
        TagOutcome(key, "rejected", "duplicate" if key in doubtful else "undecided")
        for key in load.crossed
    ]
    tags += [TagOutcome(key, "rejected", reason) for key, reason in load.rejected.items()]
    ordered = tuple(sorted(tags, key=lambda tag: tag.epc_key))
    why = "holds a tag that is there twice" if doubtful else "could not be decided"
    notice = Notice(
        "pass.undecided",
        "warning",
        f"pass/{pass_id}",
        f"A load at {expected.portal} {why}. Settle it or scan the load.",
        None,
        {"portal": expected.portal},
    )
    return Judgement("undecided", "undecided", "amber", "observe", ordered, notices=(notice,))
