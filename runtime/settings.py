"""Settings from file and environment: one typed tree, built once, refused with one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runtime import settings_build, settings_checks, settings_files
from runtime.remote_document import FILE, laid_over, read_document
from runtime.settings_checks import Role
from runtime.settings_errors import ConfigError
from runtime.settings_raw import Raw, flatten, overlay
from runtime.settings_text import lines_of, parse, read_text
from runtime.settings_tree import Settings

__all__ = [
    "ConfigError",
    "Loaded",
    "Role",
    "Settings",
    "load",
    "load_full",
    "load_sent",
    "state_directory",
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The tree and where each value came from."""

    settings: Settings
    raw: Raw


def state_directory(environment: Mapping[str, str] | None = None) -> Path:
    """`$DOCKLEDGER_HOME`, else `~/.local/state/dockledger`."""
    given = (os.environ if environment is None else environment).get("DOCKLEDGER_HOME")
    return Path(given).absolute() if given else Path.home() / ".local" / "state" / "dockledger"


def load(
    path: Path,
    *,
    role: Role | None = None,
    environment: Mapping[str, str] | None = None,
    insecure: bool = False,
    recover: bool = False,
) -> Settings:
    """The settings of a file, or `ConfigError`; `role` adds what that role cannot do without."""
    found = load_full(path, role=role, environment=environment, insecure=insecure, recover=recover)
    return found.settings


def load_full(
    path: Path,
    *,
    role: Role | None = None,
    environment: Mapping[str, str] | None = None,
    insecure: bool = False,
    recover: bool = False,
) -> Loaded:
    """As `load`, with the origin of each value."""
    given = os.environ if environment is None else environment
    try:
        return _load(path, role, given, insecure=insecure, recover=recover)
    except ConfigError as refusal:
        raise refusal.at(str(path)) from None


def load_sent(
    own: Settings, document: str, *, environment: Mapping[str, str] | None = None
) -> Settings:
    """An agent's settings with a document it was sent laid over its own file, or `ConfigError`."""
    if own.file is None:
        raise ValueError("these settings were not read from a file")
    given = os.environ if environment is None else environment
    try:
        found = _load(
            own.file, "edge", given, insecure=own.insecure, recover=True, document=document
        )
    except ConfigError as refusal:
        raise refusal.at(FILE if document else str(own.file)) from None
    return found.settings


def _load(
    path: Path,
    role: Role | None,
    environment: Mapping[str, str],
    *,
    insecure: bool,
    recover: bool,
    document: str = "",
) -> Loaded:
    home, beside = state_directory(environment), path.absolute().parent
    text = read_text(path)
    raw = flatten(parse(text), lines_of(text))
    overlay(raw, environment)
    if document:
        raw = laid_over(raw, read_document(document))
    settings_checks.check_shape(raw, role)
    settings_files.check_room(raw, home=home)
    settings_files.check_files(raw, beside=beside)
    is_edge = "edge" in raw.tables and role in {None, "edge"}
    settings_files.check_spool_place(raw, home=home, is_edge=role == "edge")
    settings_checks.check_secrets(raw, beside=beside, config=path)
    settings = settings_build.build(raw, home=home, beside=beside)
    settings = replace(settings, file=path, insecure=insecure)
    url = settings.database.url
    settings_checks.check_transport(
        raw, insecure=insecure, database_url=url.reveal() if url else None
    )
    if is_edge and not recover:
        settings_files.check_spool(raw, home=home)
    return Loaded(settings, raw)
