"""The floor map on small screens, in large halls and as a table."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser import opened
from tests.builders import SITE
from tests.floor_page import LIVE, Site, a_floor, until

pytestmark = pytest.mark.service("chromium")


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with a_floor(database_url) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_all_of_it_without_scrolling_sideways(site: Site, scheme: Any) -> None:
    async with opened(
        site.browser, site.url, width=360, height=740, scheme=scheme, has_touch=True
    ) as seen:
        page = seen.page
        await until(page, LIVE)
        widths = [await page.evaluate("document.documentElement.scrollWidth")]
        paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        box = await page.locator("#stage").bounding_box()
        for path in ("/orders", "/passes", "/exceptions", "/devices", "/login"):
            await page.goto(site.url + path)
            widths.append(await page.evaluate("document.documentElement.scrollWidth"))

    assert widths == [360] * 6
    assert box is not None
    assert box["height"] > 250
    assert paper == {"light": "rgb(243, 245, 248)", "dark": "rgb(14, 20, 27)"}[scheme]


async def test_the_table_holds_the_same_floor_for_a_screen_reader(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        await until(seen.page, LIVE)
        await seen.page.get_by_role("button", name="Table").click()
        row = seen.page.get_by_role("row", name="A-01-01-1")
        await expect(row).to_contain_text("900")
        await expect(seen.page.locator("#stage")).to_be_hidden()


async def test_ten_thousand_bins_are_on_the_map_in_a_second(site: Site) -> None:
    await site.sql(
        "INSERT INTO location (site_id, code, kind, zone, aisle, bay, level, x_m, y_m, width_m,"
        " depth_m, capacity_units, walk_order) SELECT $1, format('Z%s-%s-%s', a, b, l), 'storage',"
        " 'hall', 'Z' || a, b, l, 10 + b * 1.2, 20 + a * 3, 1.2, 1, 80, a * 1000 + b"
        " FROM generate_series(1, 25) a, generate_series(1, 100) b, generate_series(1, 4) l", SITE,
    )  # fmt: skip
    await site.sql(
        "INSERT INTO quant (site_id, owner_id, item_id, location_id, on_hand)"
        " SELECT site_id, 'acme', $2, location_id, location_id % 80 FROM location"
        " WHERE site_id = $1 AND zone = 'hall' AND location_id % 80 > 0",
        SITE, site.house.items["SKU-2"],
    )  # fmt: skip
    drawn, frames = [], []
    for _ in range(3):
        async with opened(site.browser, site.url) as seen:
            await until(seen.page, f"{LIVE} && dockledger.goods.bins.length > 10000")
            marks = "performance.getEntriesByName('map-drawn')[0].startTime"
            drawn.append(await seen.page.evaluate(marks))
            frames.append(
                await seen.page.evaluate(
                    "(() => { const began = performance.now(); for (let i = 0; i < 20; i++)"
                    " dockledger.goods.paint(began); return (performance.now() - began) / 20; })()"
                )
            )
    sys.stdout.write(f"10,004 bins: {min(drawn):.0f} ms to the first picture,")
    sys.stdout.write(f" {min(frames):.1f} ms a frame\n")

    assert min(drawn) < 1000
    assert min(frames) < 50
