"""Changing an item: facts are judged together as they will be, and a GTIN is one item's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.application.ports.uow import UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.items import FACTS, LEVELS, PACKAGING, misfits


async def change_item(
    uow: UnitOfWork,
    owner: str,
    sku: str,
    *,
    head: Mapping[str, Any],
    facts: Mapping[str, Any],
    if_version: int | None,
) -> None:
    """Set what is named; None clears a fact. Refused when another has changed it since it was read.

    Raises `Refused("precondition-failed")`, `Refused("validation")` with every fact that does not
    fit, `Refused("tracking-in-use")`.
    """
    item = await uow.items.one(owner, sku)
    if if_version is not None and item["version"] != if_version:
        raise Refused("precondition-failed", "The item has changed since you read it. Read again.")
    merged = {name: item[name] for name in (*FACTS, *PACKAGING, "name", "min", "max")}
    merged |= {**head, **facts}
    errors = [
        FieldError(f"/{name}", code, "This does not fit the item's other facts.")
        for name, code in misfits(merged).items()
    ]
    low, high = merged["min"], merged["max"]
    if low is not None and high is not None and low > high:
        errors.append(FieldError("/min", "min-max", "min lies above max."))
    taken = await uow.items.gtins(owner)
    for level in LEVELS:
        gtin = facts.get(f"{level}_gtin")
        used = gtin is not None and (taken.get(gtin, sku) != sku or gtin == item["gtin"])
        if used:
            detail = "Another item or packaging has this GTIN."
            errors.append(FieldError(f"/{level}_gtin", "gtin-duplicate", detail))
    if errors:
        detail = "One or more fields are wrong; see errors."
        raise Refused("validation", detail, errors=tuple(errors))
    if merged["tracking"] != item["tracking"] and await uow.items.stocked(owner, [sku]):
        detail = "The item has stock or tags: its tracking stays as it is until they are gone."
        raise Refused("tracking-in-use", detail)
    if head:
        await uow.items.save_head(owner, sku, name=merged["name"], low=low, high=high)
    await uow.items.save_facts(owner, {sku: facts})
