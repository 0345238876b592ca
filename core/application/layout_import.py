"""Import of a site's layout: checked as a whole, written as a whole, harmless when repeated."""

from __future__ import annotations

from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused
from core.domain.layout import Layout, check_layout


async def import_layout(uow: UnitOfWork, layout: Layout, *, now: int) -> dict[str, int]:
    """Insert or update every row of the document; how many of each kind it has.

    Rows that the document leaves out stay. Portal modes are set only for new portals: after that
    they are a person's act.
    """
    await claim_import(uow, "layout")
    errors = check_layout(layout, await uow.layout.known())
    if errors:
        raise Refused("validation", "The layout does not fit together; see errors.", errors=errors)
    await uow.layout.save(layout, now=now)
    return {
        "owners": len(layout.owners),
        "locations": len(layout.locations),
        "portals": len(layout.portals),
        "agents": len(layout.agents),
        "devices": len(layout.devices),
        "read_points": len(layout.read_points),
        "items": len(layout.items),
        "pick_faces": len(layout.pick_faces),
    }


async def claim_import(uow: UnitOfWork, kind: str) -> None:
    """One import of a kind at a time."""
    if not await uow.layout.claim_import(kind):
        raise Refused("import-in-progress", "Another import of this kind runs. Wait for its end.")
