"""The floor map in Chromium: live, searchable, honest about silence, usable on a phone."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from core.api import map as map_routes
from runtime.clock import new_id, now_us
from tests.browser import opened
from tests.builders import NOW, SITE, a_move
from tests.floor_page import LIVE, Site, a_floor, pixel, until

pytestmark = pytest.mark.service("chromium")
SHORT = 10_000


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with a_floor(database_url) as found:
        yield found


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
