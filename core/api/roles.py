"""Who may call what: one table as data, deny by default.

An operation without a row fails at start; `guest` is what a page on loopback may see without a key.
"""

from __future__ import annotations

from typing import Final

STAFF: Final = frozenset({"picker", "lead", "manager"})
LEADS: Final = frozenset({"lead", "manager"})
MANAGER: Final = frozenset({"manager"})
READERS: Final = frozenset({"picker", "lead", "manager", "owner", "integrator", "auditor"})
SELLERS: Final = frozenset({"integrator", "manager", "owner"})
FLOOR: Final = frozenset({"picker", "lead", "manager"})
ANYONE: Final = frozenset({"*"})

# (method, path template) -> roles. Kept beside the routes that it names.
TABLE: dict[tuple[str, str], frozenset[str]] = {}


def allow(roles: frozenset[str], *operations: str) -> None:
    """Give `roles` these operations, each written as `METHOD /path/{template}`."""
    for operation in operations:
        method, _, path = operation.partition(" ")
        TABLE[(method, path)] = TABLE.get((method, path), frozenset()) | roles
