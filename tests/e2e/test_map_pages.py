"""Pages without the map: who may see them, what they refuse, and a pass decided with one tap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from contracts.gs1.encode import encode_sgtin_96
from core.application.ports.tags import Suspicion
from core.application.ports.tracking import HeldTag
from core.application.suspicions import suspect_copies
from core.web.render import build
from runtime.clock import new_id, now_us
from tests.apis import Api
from tests.browser import chromium, opened
from tests.builders import OWNER, SITE, Warehouse, a_warehouse, stock_up
from tests.pages import serve_pages

PAGES = ("/", "/orders", "/visits", "/passes", "/inbox", "/exceptions", "/devices", "/dead-letters")


@dataclass
class Site:
    """A served site; `client` carries no key."""

    api: Api
    url: str
    house: Warehouse
    client: httpx.AsyncClient

    async def log_in(self, role: str, *, owners: tuple[str, ...] = ("*",)) -> None:
        """The client gets a session of this role."""
        key = await self.api.key(role, owners=owners)
        answer = await self.client.post("/login", data={"key": key, "next": "/orders"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/orders")

    async def undecided(self) -> UUID:
        """A pass at dock-1 that the tracker could not decide."""
        made = new_id()
        async with self.api.open_unit(SITE) as uow:
            places = self.house.places
            await uow.raw.execute(
                "INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)"
                " VALUES ($1, 'dock-1', $2, $3)",
                SITE, places["DOCK-1"].location_id, places["STAGE-IN"].location_id,
            )  # fmt: skip
            await uow.raw.execute(
                "INSERT INTO pass (site_id, pass_id, portal, state, verdict, opened_at, closed_at,"
                " first_agent, first_boot, first_seq, epoch)"
                " VALUES ($1, $2, 'dock-1', 'undecided', 'undecided', $3, $3, 'a', 1, 1, 1)",
                SITE, made, now_us(),
            )  # fmt: skip
        return made

    async def strange(self, epc: str) -> None:
        """A tag that nothing here knows was read at dock-1."""
        tag = HeldTag(
            epc=epc,
            code="Q_EPC_UNKNOWN",
            agent="dock-1",
            device="r1",
            antenna=1,
            first_seen_at=now_us(),
            last_seen_at=now_us(),
            count=3,
        )
        async with self.api.open_unit(SITE) as uow:
            await uow.tracking.hold([tag])

    async def state_of(self, pass_id: UUID) -> tuple[str, str | None]:
        """What the book says of a pass, and who settled it."""
        async with self.api.open_unit(SITE) as uow:
            row = await uow.raw.fetchrow(
                "SELECT state, settled_by FROM pass WHERE pass_id = $1", pass_id
            )
        assert row is not None
        return row["state"], row["settled_by"]


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with serve_pages(database_url, guest=False) as (api, url):
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow)
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            yield Site(api, url, house, client)


async def test_a_stranger_is_sent_to_the_log_in_and_back_afterwards(site: Site) -> None:
    said = {path: await site.client.get(path) for path in PAGES}
    stream = await site.client.get("/v1/map/snapshot")

    assert {answer.status_code for answer in said.values()} == {303}
    assert said["/visits"].headers["location"] == "/login?next=%2Fvisits"
    assert stream.status_code == 401

    await site.log_in("manager")
    assert {(await site.client.get(path)).status_code for path in PAGES} == {200}
    await site.client.post("/logout")
    assert (await site.client.get("/orders")).status_code == 303


async def test_a_session_that_was_logged_out_opens_nothing_any_more(site: Site) -> None:
    await site.log_in("manager")
    (name, value) = next(iter(site.client.cookies.items()))
    await site.client.post("/logout")
    answer = await site.client.get("/v1/map/snapshot", headers={"Cookie": f"{name}={value}"})

    assert answer.status_code == 401


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example", "/\\evil", "evil", ""])
async def test_the_log_in_leads_to_this_server_only(site: Site, back: str) -> None:
    key = await site.api.key("manager")
    answer = await site.client.post("/login", data={"key": key, "next": back})

    assert answer.headers["location"] == "/"


async def test_another_origin_can_neither_log_in_nor_act(site: Site) -> None:
    key, foreign = await site.api.key("lead"), {"Origin": "https://evil.example"}
    pass_id = await site.undecided()
    entered = await site.client.post("/login", data={"key": key}, headers=foreign)
    await site.log_in("lead")
    acted = await site.client.post(
        f"/passes/{pass_id}/settle", data={"state": "in"}, headers=foreign
    )

    assert (entered.status_code, acted.status_code) == (403, 403)
    assert await site.state_of(pass_id) == ("undecided", None)


async def test_wrong_keys_are_counted_and_then_refused_for_a_while(site: Site) -> None:
    codes = [
        (await site.client.post("/login", data={"key": "dlk_a_b"})).status_code for _ in "x" * 11
    ]

    assert codes == [401] * 10 + [429]


async def test_a_picker_reads_passes_and_decides_none(site: Site) -> None:
    pass_id = await site.undecided()
    await site.log_in("picker")
    page = await site.client.get("/passes")
    answer = await site.client.post(f"/passes/{pass_id}/settle", data={"state": "in"})

    assert "undecided" in page.text
    assert "hx-post" not in page.text
    assert answer.status_code == 403
    assert await site.state_of(pass_id) == ("undecided", None)


async def test_an_owner_sees_its_orders_and_nothing_of_the_building(site: Site) -> None:
    await site.log_in("owner", owners=("rival",))
    codes = {path: (await site.client.get(path)).status_code for path in PAGES}

    assert codes == {
        "/": 303, "/orders": 200, "/visits": 403, "/passes": 403, "/exceptions": 200,
        "/devices": 403, "/dead-letters": 403, "/inbox": 403,
    }  # fmt: skip


async def test_text_from_outside_is_text_on_the_page(site: Site) -> None:
    evil = "<img src=x onerror=alert(1)>"
    async with site.api.open_unit(SITE) as uow:
        await stock_up(uow, site.house, 5)
        await uow.raw.execute(
            "INSERT INTO exception (site_id, exception_id, kind, subject, message, opened_at)"
            " VALUES ($1, gen_random_uuid(), 'pass.missing', $2, $2, 1)", SITE, evil,
        )  # fmt: skip
    await site.log_in("manager")
    page = await site.client.get("/exceptions")
    asked = await site.client.get("/orders", params={"external": evil})

    for answer in (page, asked):
        assert evil not in answer.text
        assert "&lt;img src=x" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders/nonsense", 404),
        ("/orders?cursor=nonsense", 422),
        ("/find/nonsense", 422),
        ("/find/00%2F106141412345678908", 404),
        (f"/visits/{UUID(int=7)}", 404),
        (f"/passes/{UUID(int=7)}", 404),
        ("/dead-letters?cursor=x", 422),
        ("/inbox?cursor=x", 422),
    ],
)
async def test_what_does_not_exist_is_refused_as_a_page(site: Site, path: str, status: int) -> None:
    await site.log_in("manager")
    answer = await site.client.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


async def test_files_of_a_page_are_kept_by_the_browser_until_they_change(site: Site) -> None:
    known = await site.client.get(f"/static/{build()}/map/main.js")
    old = await site.client.get("/static/before/map/main.js")
    missing = await site.client.get(f"/static/{build()}/../render.py")

    assert known.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert known.headers["content-type"].startswith("text/javascript")
    assert old.headers["cache-control"] == "no-store"
    assert missing.status_code == 404


@pytest.mark.service("chromium")
async def test_a_lead_decides_an_undecided_pass_with_one_tap(site: Site) -> None:
    pass_id = await site.undecided()
    async with chromium() as browser, opened(browser, f"{site.url}/passes") as seen:
        page = seen.page
        await page.fill("input[name=key]", await site.api.key("lead", owners=(OWNER,)))
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("button", name="did not cross").click()
        row = page.locator(f"#pass-{pass_id}")
        await expect(row).to_contain_text("not crossed")
        await expect(row.get_by_role("button")).to_have_count(0)

    assert seen.errors == []
    assert await site.state_of(pass_id) == ("not_crossed", f"lead:{OWNER}")


STRANGE = encode_sgtin_96("09521101001006", "77", prefix_length=7)


async def test_a_picker_sees_the_inbox_and_decides_nothing(site: Site) -> None:
    await site.strange(STRANGE)
    await site.log_in("picker")
    page = await site.client.get("/inbox")
    answer = await site.client.post(f"/inbox/{STRANGE}/ignore")

    assert "01/09521101001006/21/77" in page.text
    assert "hx-post" not in page.text
    assert answer.status_code == 403


async def test_a_lead_puts_a_strange_tag_aside_and_takes_it_back(site: Site) -> None:
    await site.strange(STRANGE)
    await site.log_in("lead")
    aside = await site.client.post(f"/inbox/{STRANGE}/ignore")
    listed = await site.client.get("/inbox")
    ignored = await site.client.get("/inbox?state=ignored")
    back = await site.client.post(f"/inbox/{STRANGE}/watch")
    unknown = await site.client.post(f"/inbox/{'30' * 12}/ignore")
    other = await site.client.post(f"/inbox/{STRANGE}/burn")

    assert "ignored" in aside.text
    assert "lead:*: not ours" in aside.text
    assert STRANGE not in listed.text
    assert STRANGE in ignored.text
    assert ">held<" in back.text
    assert (unknown.status_code, other.status_code) == (404, 404)


async def test_a_lead_settles_a_tag_that_was_seen_as_two(site: Site) -> None:
    await site.strange(STRANGE)
    await site.log_in("lead")
    async with site.api.open_unit(SITE) as uow:
        await uow.raw.execute("UPDATE item SET gtin = '09521101001006' WHERE sku = 'SKU-1'")
    await site.client.post(f"/inbox/{STRANGE}/bind", data={"sku": "SKU-1", "owner": OWNER})
    key = "01/09521101001006/21/77"
    async with site.api.open_unit(SITE) as uow:
        doubt = Suspicion(key, "travel", {"from": "dock-1", "to": "dock-2"})
        await suspect_copies(uow, [doubt], {}, now=now_us(), ids=new_id)
    page = await site.client.get("/inbox")
    done = await site.client.post("/suspicions/genuine", data={"key": key})
    again = await site.client.post("/suspicions/genuine", data={"key": key})
    after = await site.client.get("/inbox")

    assert "two places too soon" in page.text
    assert "settled" in done.text
    assert again.status_code == 404
    assert "two places too soon" not in after.text


@pytest.mark.service("chromium")
async def test_a_lead_says_what_a_strange_tag_is_with_one_tap(site: Site) -> None:
    await site.strange(STRANGE)
    async with site.api.open_unit(SITE) as uow:
        await uow.raw.execute("UPDATE item SET gtin = '09521101001006' WHERE sku = 'SKU-1'")
    async with chromium() as browser, opened(browser, f"{site.url}/inbox") as seen:
        page = seen.page
        await page.fill("input[name=key]", await site.api.key("lead", owners=(OWNER,)))
        await page.get_by_role("button", name="Log in").click()
        await page.get_by_role("button", name="It is SKU-1").click()
        row = page.locator(f"#h-{STRANGE}")
        await expect(row).to_contain_text("released")
        await expect(row.get_by_role("button")).to_have_count(0)

    assert seen.errors == []
    async with site.api.open_unit(SITE) as uow:
        assert await uow.tracking.standing(["01/09521101001006/21/77"]) == {
            "01/09521101001006/21/77": "unit"
        }
