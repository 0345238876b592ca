"""A small floor on its map in a browser: what the tests of the page share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from playwright.async_api import Browser, Page

from runtime.clock import new_id, now_us
from tests.apis import Api
from tests.browser import chromium
from tests.builders import SITE, Warehouse, a_warehouse, stock_up
from tests.pages import serve_pages
from tests.waiting import eventually

LIVE = "document.body.dataset.fresh === 'live' && dockledger.goods.frames > 0"


@dataclass
class Site:
    """A served floor and a browser."""

    api: Api
    url: str
    house: Warehouse
    browser: Browser

    async def sql(self, statement: str, *values: Any) -> None:
        """One statement in a transaction of its own."""
        async with self.api.open_unit(SITE) as uow:
            await uow.raw.execute(statement, *values)

    async def trouble(self, kind: str, subject: str, severity: str = "warning") -> UUID:
        """An exception of the floor or an alarm of the system."""
        made = new_id()
        await self.sql(
            "INSERT INTO exception (site_id, exception_id, kind, severity, subject, message,"
            " opened_at) VALUES ($1, $2, $3, $4, $5, 'What happened.', $6)",
            SITE, made, kind, severity, subject, now_us(),
        )  # fmt: skip
        return made


@asynccontextmanager
async def a_floor(database_url: str) -> AsyncIterator[Site]:
    """The warehouse of the builders, spread out, with 900 units in the first bin."""
    async with serve_pages(database_url) as (api, url), chromium() as browser:
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow, "SKU-1", "SKU-2")
            await uow.raw.execute(
                "UPDATE location SET y_m = CASE kind WHEN 'dock' THEN 0 WHEN 'staging' THEN 6"
                " ELSE 12 END, x_m = 3 * x_m, width_m = 2, depth_m = 2"
            )
            await stock_up(uow, house, 900)
        yield Site(api, url, house, browser)


async def until(page: Page, what: str, within: float = 10.0) -> None:
    """Wait for an expression; the page's own policy forbids to evaluate text inside of it."""
    asked = f"typeof dockledger !== 'undefined' && Boolean({what})"
    await eventually(lambda: page.evaluate(asked), within)


async def pixel(page: Page, code: str) -> list[int]:
    """The colour of the middle of a place on the canvas."""
    found: list[int] = await page.evaluate(
        """(code) => { const { goods, view } = dockledger; const box = goods.boxes.get(code);
        const ratio = Math.min(2, devicePixelRatio || 1);
        const x = (view.x + (box.x + box.w * 0.5) * view.scale) * ratio;
        const y = (view.y + (box.y + box.d * 0.3) * view.scale) * ratio;
        return [...goods.pen.getImageData(Math.round(x), Math.round(y), 1, 1).data]; }""",
        code,
    )
    return found
