"""The floor map in Chromium: live, searchable, honest about silence, usable on a phone."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from core.api import map as map_routes
from runtime.clock import new_id, now_us
from tests.apis import Api
from tests.browser import chromium, opened
from tests.builders import NOW, SITE, Warehouse, a_move, a_warehouse, stock_up
from tests.pages import serve_pages
from tests.waiting import eventually

pytestmark = pytest.mark.service("chromium")
LIVE = "document.body.dataset.fresh === 'live' && dockledger.goods.frames > 0"
SHORT = 10_000


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


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
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


async def test_the_map_is_live_without_a_word_of_complaint_or_a_foreign_request(
    site: Site,
) -> None:
    async with opened(site.browser, site.url) as seen:
        await until(seen.page, LIVE)
        await expect(seen.page.locator("#badge")).to_contain_text("live · as of")
        full, empty = await pixel(seen.page, "A-01-01-1"), await pixel(seen.page, "A-01-01-2")
        for path in ("/orders", "/visits", "/passes", "/exceptions", "/devices", "/dead-letters"):
            await seen.page.goto(site.url + path)
            await expect(seen.page.locator("h1")).to_be_visible()

    assert seen.errors == []
    assert seen.hosts == {urlsplit(site.url).netloc}
    assert full != empty


async def test_a_move_recolours_its_bin_within_two_seconds(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        await until(seen.page, LIVE)
        before = await pixel(seen.page, "A-01-02-1")
        async with site.api.open_unit(SITE) as uow:
            move = a_move(site.house, 800, target="A-01-02-1", key="late")
            await uow.stock.post([move], recorded_at=NOW)
        began = time.monotonic()
        await until(seen.page, "dockledger.store.get('stock')['A-01-02-1'] === 800")
        took = time.monotonic() - began
        await seen.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
        )
        after = await pixel(seen.page, "A-01-02-1")

    sys.stdout.write(f"ledger to map: {took * 1000:.0f} ms\n")
    assert took < 2.0
    assert before != after


async def test_search_marks_flies_and_keeps_a_deep_link(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await until(page, LIVE)
        await page.fill("#q", "SKU-1")
        await page.get_by_role("option", name="SKU-1").first.click()
        await until(page, "dockledger.goods.marked.has('A-01-01-1')")
        assert urlsplit(page.url).query == "q=SKU-1"

        await page.goto(f"{site.url}/map?q=A-01-01-1")
        await until(page, "dockledger.goods.marked.has('A-01-01-1')")
        await expect(page.locator("#card")).to_contain_text("900 SKU-1")
        await page.fill("#q", "")
        await until(page, "dockledger.goods.marked.size === 0")
        assert urlsplit(page.url).query == ""
    assert seen.errors == []


async def test_hover_and_tap_tell_what_lies_in_a_bin(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await until(page, LIVE)
        point = await page.evaluate(
            "(() => { const { view, goods } = dockledger, box = goods.boxes.get('A-01-01-1');"
            " const stage = document.getElementById('stage').getBoundingClientRect();"
            " return [stage.x + view.x + (box.x + 1) * view.scale,"
            " stage.y + view.y + (box.y + 1) * view.scale]; })()"
        )
        await page.mouse.move(*point)
        await expect(page.locator("#tip")).to_contain_text("900 SKU-1")
        await page.mouse.click(*point)
        await expect(page.locator("#card")).to_contain_text("900 of 1000 (90 %) on hand")


async def test_a_pass_pulses_at_its_door_with_a_word_and_a_sign(site: Site) -> None:
    door = site.house.places["DOCK-2"].location_id
    await site.sql(
        "INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)"
        " VALUES ($1, 'dock-2', $2, $2)", SITE, door,
    )  # fmt: skip
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await until(page, LIVE)
        plate = page.locator(".door[data-portal=dock-2]")
        await expect(plate).to_contain_text("no pass yet")
        await site.sql(
            "INSERT INTO pass (site_id, pass_id, portal, state, verdict, opened_at, decided_at,"
            " first_agent, first_boot, first_seq, epoch)"
            " VALUES ($1, $2, 'dock-2', 'out', 'wrong_door', $3, $3, 'a', 1, 1, 1)",
            SITE, new_id(), now_us(),
        )  # fmt: skip
        await page.wait_for_selector(".door.bad.pulse[data-portal=dock-2]", timeout=SHORT)
        await expect(plate).to_contain_text("✕ wrong door")
        await expect(page.locator("#passes")).to_contain_text("dock-2 out")


async def test_a_pallet_glides_to_where_it_is_now(site: Site) -> None:
    pallet = new_id()
    await site.sql(
        "INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, state, location_id,"
        " created_at, changed_at) VALUES ($1, $2, '00/106141412345678908', 'pallet', 'closed', $3,"
        " $4, $4)", SITE, pallet, site.house.places["DOCK-1"].location_id, now_us(),
    )  # fmt: skip
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await until(page, f"dockledger.movers.all.get('{pallet}')?.place === 'DOCK-1'")
        await page.evaluate(
            "(id) => { window.path = []; (function note() {"
            " const m = dockledger.movers.all.get(id); if (m) path.push(m.y);"
            " requestAnimationFrame(note); })(); }",
            str(pallet),
        )
        await site.sql(
            "UPDATE handling_unit SET location_id = $2, changed_at = $3"
            " WHERE handling_unit_id = $1",
            pallet, site.house.places["STAGE-IN"].location_id, now_us(),
        )  # fmt: skip
        await until(page, 
            f"(() => {{ const m = dockledger.movers.all.get('{pallet}');"
            " return m.place === 'STAGE-IN' && m.y === m.toY; })()",
        )  # fmt: skip
        path: list[float] = await page.evaluate("[...new Set(path)]")

    assert len(path) > 3
    assert path == sorted(path)


async def test_named_alarms_show_on_top_and_go_when_they_are_over(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await until(page, LIVE)
        await expect(page.locator("#alarms")).to_be_hidden()
        await site.trouble("agent.silent", "agent/dock-1", "critical")
        await site.trouble("broker.unreachable", "broker", "critical")
        began = time.monotonic()
        bar = page.locator("#alarms .alarm")
        await expect(bar).to_have_count(2, timeout=SHORT)
        took = time.monotonic() - began
        await expect(bar.first).to_contain_text("✕ agent: silent")
        await site.sql("UPDATE exception SET resolved_at = $1", now_us())
        await expect(page.locator("#alarms")).to_be_hidden(timeout=SHORT)

    assert took < 2.0


async def test_live_quiet_stale_dead_and_unheard_readers_have_five_shapes(site: Site) -> None:
    for name, state in (("a", "live"), ("b", "live"), ("c", "stale"), ("d", "dead"), ("e", None)):
        await site.sql(
            "INSERT INTO device (site_id, agent, device) VALUES ($1, 'x', $2)", SITE, name
        )
        await site.sql(
            "INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, x_m, y_m)"
            " VALUES ($1, $2, 'x', $2, 1, 'zone', 3, 3)", SITE, name,
        )  # fmt: skip
        if state:
            await site.sql(
                "INSERT INTO device_state (site_id, agent, device, state, since, last_read_at)"
                " VALUES ($1, 'x', $2, $3, $4, $5)",
                SITE, name, state, now_us(), now_us() if name == "a" else None,
            )  # fmt: skip
    async with opened(site.browser, site.url) as seen:
        await until(seen.page, LIVE)
        shapes: dict[str, str] = await seen.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.reader')].map((reader) =>"
            " [reader.dataset.device + ' ' + reader.classList[1], [...reader.children].slice(1, -1)"
            ".map((part) => part.tagName + (part.getAttribute('d') ?? part.textContent)).join()]))"
        )
        words = await seen.page.locator("#readers li .tag").all_inner_texts()

    assert set(shapes) == {"x/a live", "x/b quiet", "x/c stale", "x/d dead", "x/e unheard"}
    assert len(set(shapes.values())) == 5
    assert words == ["dead", "stale", "never heard", "0 reads", "live"]


async def test_a_guest_reads_and_a_lead_who_logged_in_acknowledges(site: Site) -> None:
    made = await site.trouble("pass.wrong_door", "00/1")
    async with opened(site.browser, site.url) as seen:
        page = seen.page
        await expect(page.locator("#exceptions li")).to_contain_text("What happened.")
        await expect(page.locator(".ack")).to_have_count(0)
        refused = await page.request.post(f"{site.url}/v1/exceptions/{made}/acknowledge")

        await page.goto(f"{site.url}/login")
        await page.fill("input[name=key]", "dlk_wrong_key")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_contain_text("no live key")
        await page.fill("input[name=key]", await site.api.key("lead"))
        await page.get_by_role("button", name="Log in").click()
        await page.locator(".ack").click()
        await expect(page.locator("#exceptions")).to_contain_text("seen by lead")
        (cookie,) = await page.context.cookies()
    async with site.api.open_unit(SITE) as uow:
        by = await uow.raw.fetchval("SELECT acknowledged_by FROM exception")

    assert refused.status == 403
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    assert by == "lead:*"


async def test_a_picture_that_is_no_longer_live_says_so_and_turns_grey(site: Site) -> None:
    async with opened(site.browser, site.url) as seen:
        await until(seen.page, LIVE)
        map_routes.closing(site.api.app.state.context)
        await until(seen.page, "dockledger.store.heardAt < Date.now() - 2500")
        await seen.page.evaluate("dockledger.store.heardAt -= 6500")
        await until(seen.page, "document.body.dataset.fresh === 'late'")
        await seen.page.evaluate(
            "dockledger.store.heardAt -= 12000; dockledger.store.asOf -= 20000"
        )
        await until(seen.page, "document.body.dataset.fresh === 'lost'")
        badge = await seen.page.locator("#badge").inner_text()
        grey = await seen.page.evaluate("getComputedStyle(dockledger.goods.canvas).filter")

    assert badge.startswith("not live · as of ")
    assert "grayscale" in grey


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
