"""Settings from file and environment: one typed tree, built once, refused with one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime import settings_build, settings_checks, settings_files
from runtime.settings_checks import Role
from runtime.settings_errors import ConfigError
from runtime.settings_raw import Raw, flatten, overlay
from runtime.settings_text import lines_of, parse, read_text
from runtime.settings_tree import Settings

__all__ = ["ConfigError", "Loaded", "Role", "Settings", "load", "load_full", "state_directory"]


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


def _load(
    path: Path,
    role: Role | None,
    environment: Mapping[str, str],
    *,
    insecure: bool,
    recover: bool,
) -> Loaded:
    home, beside = state_directory(environment), path.absolute().parent
    text = read_text(path)
    raw = flatten(parse(text), lines_of(text))
    overlay(raw, environment)
    settings_checks.check_names(raw)
    settings_checks.check_missing(raw, role)
    settings_checks.check_values(raw, home=home)
    settings_checks.check_exclusive(raw)
    settings_files.check_files(raw, beside=beside)
    is_edge = "edge" in raw.tables and role in {None, "edge"}
    settings_files.check_spool_place(raw, home=home, is_edge=role == "edge")
    settings_checks.check_secrets(raw, beside=beside, config=path)
    settings = settings_build.build(raw, home=home, beside=beside)
    url = settings.database.url
    settings_checks.check_transport(
        raw, insecure=insecure, database_url=url.reveal() if url else None
    )
    if is_edge and not recover:
        settings_files.check_spool(raw, home=home)
    return Loaded(settings, raw)
