"""The layout as a gateway needs it: who may speak and what an antenna or input is for.

A snapshot of the book, read again every few seconds; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.application.ports.tracking import DeviceRow, PortalRow, ReadPointRow, RegistryRows
from core.domain.travel import Spot, Travel

WHOLE_SITE = "site"
AgentStanding = Literal["active", "revoked", "unknown"]


@dataclass(frozen=True, slots=True)
class Registry:
    """One cell's part of a site."""

    cells: frozenset[str]
    agents: Mapping[str, tuple[str, str]]
    devices: Mapping[tuple[str, str], DeviceRow]
    antennas: Mapping[tuple[str, str, int], ReadPointRow]
    inputs: Mapping[tuple[str, str, int], ReadPointRow]
    stations: Mapping[tuple[str, str], ReadPointRow]
    portals: Mapping[str, PortalRow]
    belts: frozenset[str]
    locations: Mapping[str, int]
    jammed: frozenset[str] = field(default_factory=frozenset)
    spots: Mapping[tuple[str, str, int], Spot] = field(default_factory=dict)
    travel: Travel | None = None

    def standing(self, agent: str) -> AgentStanding:
        """Whether this agent may speak here; one of another cell may not."""
        found = self.agents.get(agent)
        if found is None:
            return "unknown"
        return "active" if found[1] == "active" else "revoked"

    def is_mine(self, agent: str) -> bool:
        """Whether the agent belongs to this cell."""
        found = self.agents.get(agent)
        return found is not None and found[0] in self.cells

    def light_of(self, portal: str) -> tuple[str, str] | None:
        """(agent, device) of the stack light of a portal."""
        for (agent, device, _), point in sorted(self.antennas.items()):
            if point.portal == portal and "green" in self.devices[agent, device].outputs:
                return agent, device
        return None

    def agents_of(self, portal: str) -> frozenset[str]:
        """The agents whose read points guard a portal."""
        return frozenset(p.agent for p in self.antennas.values() if p.portal == portal)


def build_registry(rows: RegistryRows, *, site: str, cell: str) -> Registry:
    """The cell's registry from the rows of the book; the cell named as the site is the default."""
    cells = frozenset({cell, WHOLE_SITE} if cell == site else {cell})
    devices = {(row.agent, row.device): row for row in rows.devices}
    antennas: dict[tuple[str, str, int], ReadPointRow] = {}
    inputs: dict[tuple[str, str, int], ReadPointRow] = {}
    stations: dict[tuple[str, str], ReadPointRow] = {}
    for point in rows.read_points:
        if (point.agent, point.device) not in devices:
            continue
        if point.antenna is not None:
            antennas[point.agent, point.device, point.antenna] = point
        elif point.gpi_port is not None:
            inputs[point.agent, point.device, point.gpi_port] = point
        else:
            stations[point.agent, point.device] = point
    return Registry(
        cells=cells,
        agents=rows.agents,
        devices=devices,
        antennas=antennas,
        inputs=inputs,
        stations=stations,
        portals={row.portal: row for row in rows.portals if row.cell in cells},
        belts=frozenset(belt for row in rows.devices for belt in row.belts),
        locations=rows.locations,
        jammed=rows.jammed,
        spots={
            place: rows.spots[point.read_point]
            for place, point in antennas.items()
            if point.read_point in rows.spots
        },
        travel=rows.travel,
    )
