"""Tags that are there twice: put under suspicion, held off the book, settled by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.application.ports.tags import Suspicion
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.binding import the_reason
from core.domain.errors import Refused, not_found
from core.domain.expected import Expected
from core.domain.judgement import Notice

DUPLICATE = "tag.duplicate"
RETIRED = "tag.retired"


async def check_unsuspected(uow: UnitOfWork, keys: Iterable[str]) -> None:
    """Raises `tag-duplicate` while one of these tags is under suspicion."""
    _refuse(await uow.tags.suspects(sorted(keys)))


def check_no_copy(expected: Expected, keys: Iterable[str]) -> None:
    """Raises `tag-duplicate` while one of these tags, or of what they hold, is suspected."""
    _refuse(expected.doubtful(keys))


def _refuse(found: frozenset[str]) -> None:
    if found:
        key = min(found)
        raise Refused(
            "tag-duplicate",
            f"The tag {key} was seen as two. Settle that first: nothing moves by it.",
            key=key,
        )


async def suspect_copies(
    uow: UnitOfWork,
    suspicions: Sequence[Suspicion],
    chips: Mapping[str, Sequence[str]],
    *,
    now: int,
    ids: Ids,
) -> frozenset[str]:
    """Put tags under suspicion, each with its exception; those whose chip is another one too."""
    copies = await uow.tags.copies(chips, now=now)
    named = {one.epc_key: one for one in suspicions}
    for key, (known, seen) in copies.items():
        named.setdefault(key, Suspicion(key, "tid", {"known_tid": known, "seen_tid": seen}))
    for key in sorted(named):
        suspicion = named[key]
        fresh, owner = await uow.tags.suspect(suspicion, quarantine_id=ids(), now=now)
        if fresh:
            await _raise(uow, suspicion, owner, now=now, ids=ids)
    return frozenset(named)


async def _raise(
    uow: UnitOfWork, suspicion: Suspicion, owner: str | None, *, now: int, ids: Ids
) -> None:
    facts = {name: str(value) for name, value in suspicion.facts.items()}
    why = (
        "answered with two chip numbers"
        if suspicion.cause == "tid"
        else f"was read at {facts.get('from', '?')} and at {facts.get('to', '?')} too soon after"
    )
    notice = Notice(
        DUPLICATE,
        "critical",
        f"tag/{suspicion.epc_key}",
        f"A tag {why}: one of two is a copy. Nothing moves by it until a person settles this.",
        owner,
        {"key": suspicion.epc_key, "cause": suspicion.cause, **facts},
    )
    await uow.floor.raise_notice(
        notice, exception_id=ids(), portal=None, pass_id=None, visit_id=None, now=now
    )


async def settle_suspicion(
    uow: UnitOfWork,
    key: str,
    *,
    verdict: str,
    reason: str,
    owners: Sequence[str] | None,
    now: int,
    actor: str,
) -> None:
    """A person has looked: the tag on the goods is `genuine`, or it is the `copy`.

    Either way it counts again; a copy is then re-tagged or killed. The chip is learnt anew.
    """
    why = the_reason(reason)
    await uow.tags.history(key, owners)
    if not await uow.tags.clear(key, verdict=verdict, reason=why, now=now, actor=actor):
        raise not_found("suspicion")
    await uow.floor.clear([DUPLICATE], [f"tag/{key}"], now=now)


async def tell_retired(uow: UnitOfWork, keys: Iterable[str], *, now: int, ids: Ids) -> None:
    """Tags whose binding has ended were read: one exception each, said once while it stands."""
    subjects = {f"tag/{key}": key for key in keys}
    if not subjects:
        return
    for subject in await uow.tags.unnoticed(RETIRED, sorted(subjects)):
        notice = Notice(
            RETIRED,
            "warning",
            subject,
            "A tag was read whose binding has ended. Take it off, or re-tag what carries it.",
            None,
            {"key": subjects[subject]},
        )
        await uow.floor.raise_notice(
            notice, exception_id=ids(), portal=None, pass_id=None, visit_id=None, now=now
        )
