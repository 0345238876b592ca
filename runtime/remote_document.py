"""A configuration that is sent to an agent: which keys it may hold, laid over the agent's own file.

It holds `[edge.batch]` and `[[edge.device]]` in the form of the local file and passes the same
checks. Who the agent is, its broker and its disk stay local; a secret is named by its file.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from runtime import settings_checks
from runtime.settings_errors import ConfigError
from runtime.settings_raw import Entry, Raw, flatten
from runtime.settings_schema import KEYS, TABLES, generic
from runtime.settings_text import lines_of, parse

MAX_BYTES: Final = 32_768
FILE: Final = "document"
_REMOTE = ("edge.batch", "edge.device")
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SECRETS = frozenset({"password", "token", "secret", "passphrase", "api_key", "private_key"})
_NODES = ("edge.device[].tty", "edge.device[].event_path")


def read_document(text: str) -> Raw:
    """The entries of a document; raises `ConfigError` for what may not be sent."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError("config-too-large", advice=f"at most {MAX_BYTES} bytes")
    raw = flatten(parse(text), lines_of(text))
    for line, path in _foreign(raw):
        raise ConfigError(
            "config-local-only", key=path, line=line, advice="set it in the agent's own file"
        )
    for line, path in sorted(raw.unknown):
        if path.rpartition(".")[2] in _SECRETS:
            advice = "no secret is sent: put it in a file beside the agent's and name it in"
            advice += " password_file"
            raise ConfigError("config-secret-inline", key=path, line=line, advice=advice)
    for path, entry in raw.entries.items():
        _check_name(raw, path, entry)
    return raw


def _foreign(raw: Raw) -> list[tuple[int, str]]:
    """Known keys and tables that are not sent, by line; unknown ones are refused as such."""
    found = [(entry.line, path) for path, entry in raw.entries.items()]
    found += [(line, path) for path, line in raw.tables.items()]
    found += [(line, path) for line, path, _ in raw.mistyped]
    known = [(line, path) for line, path in found if generic(path) in KEYS.keys() | TABLES]
    return sorted((line, path) for line, path in known if path != "edge" and not _is_remote(path))


def _is_remote(path: str) -> bool:
    name = generic(path).replace("[]", "")
    return any(name == head or name.startswith(f"{head}.") for head in _REMOTE)


def _check_name(raw: Raw, path: str, entry: Entry) -> None:
    """A document names files beside the agent's own, and devices of the machine, nothing else."""
    name, value = generic(path), str(entry.value)
    if KEYS[name].file and _BARE.fullmatch(value) is None:
        raise raw.error("config-path", path, "name a file beside the agent's own, without a folder")
    if name in _NODES:
        parts = PurePosixPath(value).parts
        if parts[:2] != ("/", "dev") or ".." in parts:
            raise raw.error("config-path", path, "a device node below /dev")


def laid_over(local: Raw, sent: Raw) -> Raw:
    """The agent's own entries with those that are sent in place of its devices and batch limits."""
    return Raw(
        entries={p: e for p, e in local.entries.items() if not _is_remote(p)} | sent.entries,
        tables={p: n for p, n in local.tables.items() if not _is_remote(p)} | sent.tables,
        unknown=sent.unknown,
        mistyped=sent.mistyped,
    )


def check_document(text: str, *, site: str, agent: str) -> list[str]:
    """What can be said without the agent's machine: the names of its devices, or `ConfigError`.

    The agent checks the same again, and its files beside that. Empty text is its local file.
    """
    if not text:
        return []
    try:
        sent = read_document(text)
        own = {"site": Entry(site, FILE), "edge.agent": Entry(agent, FILE)}
        raw = laid_over(Raw(entries=own, tables={"edge": 1}), sent)
        settings_checks.check_shape(raw, "edge")
        settings_checks.check_transport(raw, insecure=False, database_url=None)
    except ConfigError as refusal:
        raise refusal.at(FILE) from None
    return [str(raw.get(f"{device}.name")) for device in raw.elements("edge.device")]
