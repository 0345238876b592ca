"""A load against the expected list of its portal: verdict, and what booking it would move.

Pure: the same facts give the same judgement, early or final. In doubt nothing moves.
"""

from __future__ import annotations

from uuid import UUID

from core.domain.expected import Expected
from core.domain.judgement import Judgement, LoadClass, TagOutcome


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
    rejected = tuple(
        TagOutcome(key, "rejected", reason) for key, reason in sorted(load.rejected.items())
    )
    return Judgement(load.direction, "undecided", "amber", "observe", rejected)
