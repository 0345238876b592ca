"""Putting and taking back the configuration of an edge agent. Versions only grow.

A document that breaks a rule is never stored; whether it works is the agent's to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.application.ports.agent_config import ConfigVersion
from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused

Check = Callable[[str, str, str], Sequence[str]]
"""(site, agent, document) to the names of its devices; raises `Refused` config-refused."""


def config_refused(code: str, detail: str) -> Refused:
    """A document that no agent would take; `code` is the one the agent would give."""
    error = FieldError("/document", code, detail)
    return Refused("config-refused", f"The document is refused: {code}, {detail}.", errors=(error,))


async def check_config(uow: UnitOfWork, *, agent: str, document: str, check: Check) -> int:
    """The version a good document would have. The devices it names must stand in the layout, since
    readings of others are dead letters."""
    newest = await uow.agent_configs.newest(agent)
    names = list(check(uow.site, agent, document))
    known = await uow.agent_configs.devices(agent)
    for name in names:
        if name not in known:
            text = f"the layout has no device {name} at this agent: import it first"
            raise config_refused("config-device-unknown", text)
    return 1 if newest is None else newest.version + 1


async def put_config(
    uow: UnitOfWork,
    *,
    agent: str,
    document: str,
    if_version: int | None,
    check: Check,
    now: int,
    actor: str,
) -> ConfigVersion:
    """Store the next version, based on `if_version` (None: on whatever is there).

    The newest document once more is no new version, unless the agent does not run it.
    """
    newest = await uow.agent_configs.lock(agent)
    version = 0 if newest is None else newest.version
    _unchanged(version, if_version)
    await check_config(uow, agent=agent, document=document, check=check)
    if newest is not None and newest.document == document and newest.state in _GOING_WELL:
        return newest
    return await uow.agent_configs.add(agent, version + 1, document, author=actor, now=now)


_GOING_WELL = ("offered", "trial", "applied")


async def rollback_config(
    uow: UnitOfWork, *, agent: str, to_version: int | None, now: int, actor: str
) -> ConfigVersion:
    """Store an earlier document as the next version: the named one, else the last that ran, else
    the agent's local file (0)."""
    newest = await uow.agent_configs.lock(agent)
    if newest is None:
        raise Refused("config-none", "The agent has no version to go back from.")
    if to_version is None:
        good = await uow.agent_configs.last_good(agent, before=newest.version)
        document = "" if good is None else good.document
    else:
        earlier = await uow.agent_configs.one(agent, to_version) if to_version else None
        document = "" if earlier is None else earlier.document
    return await uow.agent_configs.add(agent, newest.version + 1, document, author=actor, now=now)


def _unchanged(version: int, if_version: int | None) -> None:
    if if_version is not None and if_version != version:
        raise Refused(
            "precondition-failed",
            "The configuration has changed since you read it. Read it again.",
        )
