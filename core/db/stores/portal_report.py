"""The comparison report of one portal, read without a lock; see `portal_report_sql` for truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import asyncpg

from core.db.stores import portal_report_sql as sql
from core.domain.errors import not_found
from core.domain.expected import ANY_OWNER, Mode
from core.domain.portal_report import PortalReport, ReportRow, bar_of

Key = tuple[str, str]


async def read_report(
    raw: asyncpg.Connection[Any],
    site: str,
    portal: str,
    *,
    owners: Sequence[str] | None,
    since: int | None,
) -> PortalReport:
    """Rows by direction, all goods first, then by owner; `owners` leaves out what is not theirs."""
    head = await raw.fetchrow(sql.PORTAL, site, portal)
    if head is None:
        raise not_found("portal")
    tags = _by_key(await raw.fetch(sql.TAGS, site, portal, since))
    passes = _by_key(await raw.fetch(sql.PASSES, site, portal, since))
    modes = _by_key(await raw.fetch(sql.MODES, site, portal))
    keys = tags.keys() | passes.keys() | modes.keys() | {("in", ANY_OWNER), ("out", ANY_OWNER)}
    keys |= {(way, owner) for way in ("in", "out") for owner in owners or ()}
    shown = [key for key in keys if owners is None or key[1] in owners]
    rows = [
        _row(key, modes, {**passes.get(key, {}), **tags.get(key, {})}, since)
        for key in sorted(shown, key=lambda key: (key[0], key[1] != ANY_OWNER, key[1]))
    ]
    settings = json.loads(head["settings"] or "{}")
    return PortalReport(portal, bar_of(settings), head["waiting"], tuple(rows))


def _by_key(rows: Sequence[asyncpg.Record]) -> dict[Key, dict[str, Any]]:
    out = {}
    for row in rows:
        values = dict(row)
        out[(values.pop("direction"), values.pop("owner"))] = values
    return out


def _row(
    key: Key, modes: dict[Key, dict[str, Any]], counts: dict[str, int], since: int | None
) -> ReportRow:
    direction, owner = key
    mode = modes.get(key) or modes.get((direction, ANY_OWNER)) or {"mode": "observe", "since": None}
    return ReportRow(
        direction=direction,
        owner=owner,
        mode=cast(Mode, mode["mode"]),
        since=since if since is not None else mode["since"],
        **counts,
    )
