"""Configuration of edge agents over HTTP: versions, dry run, rollback."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from core.api import checks
from core.api.app import check_query
from core.api.deps import caller, context, cursor_invalid, json_answer, page_of, paged, transact
from core.api.fields import instant_text
from core.api.orders import if_match
from core.api.roles import MANAGER, STAFF, allow
from core.api.schemas.agent_config import ConfigIn, RollbackIn
from core.application.agent_config import Check, check_config, put_config, rollback_config
from core.application.ports.agent_config import ConfigVersion
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused, Unavailable, not_found

router = APIRouter(dependencies=[Depends(check_query)], tags=["devices"])
CONFIG_CHECK = "agent_config_check"
_PATH = "/v1/agents/{agent}/config"
allow(STAFF | {"auditor"}, f"GET {_PATH}", f"GET {_PATH}/history")
allow(MANAGER, f"PUT {_PATH}", f"POST {_PATH}/rollback")
checks.NEEDS_ETAG.add(("PUT", _PATH))


def _shown(row: ConfigVersion) -> dict[str, Any]:
    return {
        "agent": row.agent,
        "version": row.version,
        "document": row.document,
        "author": row.author,
        "created_at": instant_text(row.created_at),
        "state": row.state,
        "error": row.error,
        "reported_at": instant_text(row.reported_at),
    }


def _local(agent: str) -> ConfigVersion:
    """Nothing was ever put: the agent runs its own file."""
    return ConfigVersion(agent, 0, "", "", 0, "local", None, None)


def _answer(row: ConfigVersion) -> Response:
    return json_answer(_shown(row), headers={"ETag": f'"{row.version}"'})


def _check(request: Request) -> Check:
    found: Check | None = context(request).extras.get(CONFIG_CHECK)
    if found is None:
        raise Unavailable("the checks of agent settings are not on this machine")
    return found


@router.get(_PATH, summary="An agent's configuration")
async def get_config(
    request: Request, agent: str, version: str | None = None, site: str | None = None
) -> Response:
    """The newest version, or the one asked for; version 0 is the agent's local file."""
    wanted = None if version is None else _number("version", version)

    async def read(unit: UnitOfWork) -> ConfigVersion:
        newest = await unit.agent_configs.newest(agent)
        if wanted is not None:
            return await unit.agent_configs.one(agent, wanted)
        return newest or _local(agent)

    return _answer(await transact(request, read, site=site))


@router.put(_PATH, summary="Configure an agent")
async def put(
    request: Request,
    agent: str,
    body: ConfigIn,
    dry_run: str | None = None,
    site: str | None = None,
) -> Response:
    """The next version; the agent fetches it within seconds, tries it and tells. Needs If-Match.

    With `dry_run=true` the document is only checked, by the rules the agent goes by.
    """
    check, based_on = _check(request), if_match(request)
    now, actor = context(request).clock(), caller(request).name
    only_check = _flag("dry_run", dry_run)

    async def write(unit: UnitOfWork) -> Response:
        if only_check:
            version = await check_config(unit, agent=agent, document=body.document, check=check)
            tried = (agent, version, body.document, actor, now, "checked", None, None)
            return json_answer(_shown(ConfigVersion(*tried)))
        row = await put_config(
            unit,
            agent=agent,
            document=body.document,
            if_version=based_on,
            check=check,
            now=now,
            actor=actor,
        )
        return _answer(row)

    return await transact(request, write, site=site)


@router.post(f"{_PATH}/rollback", summary="Take a configuration back")
async def rollback(
    request: Request, agent: str, body: RollbackIn, site: str | None = None
) -> Response:
    """An earlier document as the next version."""
    now, actor = context(request).clock(), caller(request).name
    to_version = body.version if "version" in body.model_fields_set else None

    async def write(unit: UnitOfWork) -> ConfigVersion:
        return await rollback_config(unit, agent=agent, to_version=to_version, now=now, actor=actor)

    return _answer(await transact(request, write, site=site))


@router.get(f"{_PATH}/history", summary="Versions of a configuration, newest first")
async def history(
    request: Request,
    agent: str,
    site: str | None = None,
    limit: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """What became of each, and whose it was."""
    page = page_of(limit, cursor)
    if page.after is not None and (len(page.after) != 1 or type(page.after[0]) is not int):
        raise cursor_invalid()
    before = None if page.after is None else page.after[0]

    async def read(unit: UnitOfWork) -> list[ConfigVersion]:
        await unit.agent_configs.newest(agent)
        return await unit.agent_configs.history(agent, limit=page.limit + 1, before=before)

    rows = [_shown(row) for row in await transact(request, read, site=site)]
    return paged(rows, page, "version")


def _number(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19 and int(text):
        return int(text)
    raise not_found(name)


def _flag(name: str, text: str | None) -> bool:
    if text in (None, "false"):
        return False
    if text == "true":
        return True
    detail = f"{name} must be true or false."
    raise Refused("validation", detail, errors=(FieldError(f"?{name}", "choice", detail),))
