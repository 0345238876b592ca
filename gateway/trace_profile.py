"""What a recorded gate looked like: antennas and beams by side, thresholds, who was expected.

A profile becomes the same registry that the book gives a live gateway, with one portal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contracts.gs1.epc import EpcError, key_of
from core.application.ports.tracking import DeviceRow, PortalRow, ReadPointRow, RegistryRows
from gateway.registry import Registry, build_registry
from gateway.thresholds import Thresholds

AGENT, DEVICE, SITE = "trace", "gate", "trace"
Side = Literal["outside", "inside"]
SIDES: tuple[Side, Side] = ("outside", "inside")
_TABLES = {"name", "antennas", "beams", "thresholds", "expected", "learned"}


class ProfileError(ValueError):
    """A profile that cannot be used: a config code, the key, and what to do."""

    def __init__(self, code: str, key: str, advice: str) -> None:
        super().__init__(code)
        self.code, self.key, self.advice = code, key, advice


@dataclass(frozen=True, slots=True)
class Profile:
    """`antennas` and `beams`: port to side; `expected` holds normal keys, None means no list."""

    name: str
    antennas: Mapping[int, Side]
    beams: Mapping[int, Side] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    expected: frozenset[str] | None = None

    def registry(self, *, beams: bool) -> Registry:
        """The layout of one gate; without any edge in the recording its beams do not count."""
        points = [_point(self.name, side, antenna=port) for port, side in self.antennas.items()]
        if beams:
            points += [_point(self.name, side, gpi=port) for port, side in self.beams.items()]
        rows = RegistryRows(
            {AGENT: (SITE, "active")},
            (DeviceRow(AGENT, DEVICE, "trace", (), {}),),
            tuple(points),
            (PortalRow(self.name, SITE, 1, 2, dict(self.thresholds)),),
            {},
            frozenset(),
        )
        return build_registry(rows, site=SITE, cell=SITE)


def _point(
    portal: str, side: Side, *, antenna: int | None = None, gpi: int | None = None
) -> ReadPointRow:
    role: Literal["portal", "beam"] = "beam" if antenna is None else "portal"
    name = f"{portal}.{role}-{gpi if antenna is None else antenna}"
    return ReadPointRow(name, AGENT, DEVICE, antenna, gpi, role, portal, side, None)


BUILT_IN: Mapping[str, Profile] = {
    "gate-2": Profile("gate-2", {1: "outside", 2: "inside"}, {1: "outside", 2: "inside"}),
    "gate-3": Profile(
        "gate-3", {1: "outside", 2: "inside", 3: "inside"}, {1: "outside", 2: "inside"}
    ),
    "gate-4": Profile(
        "gate-4",
        {1: "outside", 2: "outside", 3: "inside", 4: "inside"},
        {1: "outside", 2: "inside"},
    ),
}


def profile_of(document: Mapping[str, object]) -> Profile:
    """The profile of a parsed TOML document. Raises `ProfileError`."""
    for key in document:
        if key not in _TABLES:
            raise ProfileError("config-unknown-key", key, f"the keys are {sorted(_TABLES)}")
    name = document.get("name", "gate")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise ProfileError("config-value", "name", "1 to 64 characters")
    antennas = _ports(document, "antennas")
    if set(antennas.values()) != set(SIDES):
        raise ProfileError(
            "config-missing-key", "antennas", "name at least one antenna outside and one inside"
        )
    return Profile(
        name, antennas, _ports(document, "beams"), _thresholds(document), _expected(document)
    )


def _table(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise ProfileError("config-type", name, f"a table: [{name}]")
    return found


def _ports(document: Mapping[str, object], name: str) -> dict[int, Side]:
    """Side of each port of a table `outside = [1, 2]`, `inside = [3]`."""
    found: dict[int, Side] = {}
    table = _table(document, name)
    for key in table:
        if key not in SIDES:
            raise ProfileError("config-unknown-key", f"{name}.{key}", "the sides: outside, inside")
    for side in SIDES:
        given = table.get(side, [])
        for port in given if isinstance(given, list) else [given]:
            if type(port) is not int:
                raise ProfileError("config-type", f"{name}.{side}", "a list of integers")
            if not 1 <= port <= 64:
                raise ProfileError("config-value", f"{name}.{side}", "ports are 1 to 64")
            if port in found:
                raise ProfileError("config-duplicate-key", f"{name}.{side}", f"{port} stands twice")
            found[port] = side
    return found


def _thresholds(document: Mapping[str, object]) -> dict[str, float]:
    known = Thresholds.__dataclass_fields__
    found: dict[str, float] = {}
    for name, value in _table(document, "thresholds").items():
        key = f"thresholds.{name}"
        if name not in known:
            raise ProfileError("config-unknown-key", key, f"the thresholds are {sorted(known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ProfileError("config-type", key, "a number")
        found[name] = value
    return found


def _expected(document: Mapping[str, object]) -> frozenset[str] | None:
    table = _table(document, "expected")
    if not table:
        return None
    epcs = table.get("epcs")
    if set(table) != {"epcs"} or not isinstance(epcs, list):
        raise ProfileError("config-type", "expected", 'epcs = ["…", …] and nothing else')
    keys = set()
    for epc in epcs:
        try:
            keys.add(key_of(epc if isinstance(epc, str) else ""))
        except EpcError as refusal:
            raise ProfileError("config-value", "expected.epcs", f"{epc}: {refusal.code}") from None
    return frozenset(keys)
