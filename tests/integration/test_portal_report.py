"""The report of a portal: its word on each tag against what people booked, by direction, owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.application.door_scan import scan_at_door
from core.application.passes import confirm_pass, dismiss_pass, settle_pass
from core.application.portals import set_portal_mode
from core.application.visits import close_visit, open_visit
from core.domain.expected import Crossing, Mode
from core.domain.portal_report import Bar, PortalReport, ReportRow, bar_of
from core.domain.tags import Document
from runtime.cli.main import run
from tests.apis import open_api
from tests.dock import Dock, a_dock, a_layout, pallet_key, unit_key
from tests.pages import serve_pages

ONE, TWO = pallet_key(1), pallet_key(2)
UNITS = [unit_key(1, n) for n in range(1, 5)]
OTHERS = [unit_key(2, 1)]
STRAY = unit_key(3, 9)


@pytest.fixture
async def dock(database_url: str) -> AsyncIterator[Dock]:
    async with a_dock(database_url) as made:
        yield made


async def a_truck(dock: Dock, mode: str) -> UUID:
    """A truck of two pallets at dock-1; its visit is open."""
    await dock.set_up(a_layout(mode=mode))
    asn = await dock.announce("TRUCK", {ONE: UNITS, TWO: OTHERS})
    return await dock.run(
        lambda uow: open_visit(
            uow, portal="dock-1", truck=None, documents=[Document("asn", asn)],
            now=dock.now, ids=dock.ids, actor="lead",
        )
    )  # fmt: skip


async def scan(dock: Dock, visit: UUID, keys: Iterable[str], way: Crossing = "in") -> None:
    for key in keys:
        await dock.run(
            lambda uow, key=key: scan_at_door(  # type: ignore[misc]
                uow, visit_id=visit, epc_key=key, direction=way,
                now=dock.now, ids=dock.ids, actor="ann",
            )
        )  # fmt: skip


async def close(dock: Dock, visit: UUID) -> None:
    await dock.run(
        lambda uow: close_visit(uow, visit_id=visit, now=dock.now, ids=dock.ids, actor="lead")
    )


async def report(dock: Dock, **how: Any) -> PortalReport:
    return await dock.run(lambda uow: uow.inbound_views.report("dock-1", **how))


def row(found: PortalReport, direction: str, owner: str) -> ReportRow:
    return next(r for r in found.rows if (r.direction, r.owner) == (direction, owner))


def marks(found: ReportRow) -> tuple[int, int, int, int]:
    return found.agreed, found.false_accepts, found.false_rejects, found.rejects_agreed


async def test_confirmed_and_dismissed_passes_are_right_and_wrong(dock: Dock) -> None:
    await a_truck(dock, "propose")
    right = await dock.goes("in", [ONE, *UNITS], strays={STRAY: "static"})
    wrong = await dock.goes("in", [TWO, *OTHERS])
    await dock.run(
        lambda uow: confirm_pass(uow, pass_id=right, now=dock.now, ids=dock.ids, actor="lead")
    )
    await dock.run(lambda uow: dismiss_pass(uow, pass_id=wrong, now=dock.now, actor="lead"))

    found = await report(dock)

    inward = row(found, "in", "*")
    assert (inward.passes, inward.confirmed, inward.dismissed) == (2, 1, 1)
    assert marks(inward) == (5, 2, 0, 1)
    assert (inward.mode, inward.next_mode) == ("propose", "book")
    assert inward.agreement == 5 / 7
    assert marks(row(found, "in", "acme")) == (5, 2, 0, 0)
    assert marks(row(found, "out", "*")) == (0, 0, 0, 0)


async def test_what_a_portal_books_by_itself_does_not_speak_for_it(dock: Dock) -> None:
    await a_truck(dock, "book")
    await dock.goes("in", [ONE, *UNITS], strays={STRAY: "static"})
    assert await dock.on_hand() == {"STAGE-IN": 4}

    inward = row(await report(dock), "in", "*")

    assert (inward.passes, inward.tags) == (1, 5)
    assert marks(inward) == (0, 0, 0, 0)
    assert inward.agreement is None


async def test_an_observing_portal_is_held_against_the_scans_of_its_visit(dock: Dock) -> None:
    visit = await a_truck(dock, "observe")
    await dock.goes("in", [ONE, *UNITS[:2], *OTHERS], strays={UNITS[2]: "near", STRAY: "static"})
    assert marks(row(await report(dock), "in", "*")) == (0, 0, 0, 0)

    await scan(dock, visit, [ONE])
    open_still = row(await report(dock), "in", "*")
    assert await dock.on_hand() == {"STAGE-IN": 4}
    await close(dock, visit)
    closed = row(await report(dock), "in", "*")

    # Pallet, two units agreed; one was rejected and one never heard; the other pallet's unit came
    # in by the portal's word alone.
    assert marks(open_still) == (3, 0, 2, 0)
    assert marks(closed) == (3, 1, 2, 1)
    assert closed.tags == 6
    assert not closed.may_step_up(found_bar(tags=6))
    assert closed.wanting(found_bar(tags=6)) == ["agreement of 99.50%", "no false accept"]


def found_bar(**own: Any) -> Bar:
    return bar_of({"portal_bar": own})


async def test_a_pass_that_a_person_settled_is_undecided_and_says_nothing(dock: Dock) -> None:
    visit = await a_truck(dock, "book")
    doubtful = await dock.goes("undecided", [ONE, *UNITS])
    assert (await report(dock)).waiting == 1

    await dock.run(
        lambda uow: settle_pass(
            uow, pass_id=doubtful, state="in", now=dock.now, ids=dock.ids, actor="lead"
        )
    )
    await scan(dock, visit, [ONE])

    found = await report(dock)
    inward = row(found, "in", "*")
    assert (found.waiting, inward.passes, inward.undecided, inward.confirmed) == (0, 1, 1, 0)
    assert marks(inward) == (0, 0, 0, 0)


async def test_a_new_mode_begins_its_evidence_anew_and_the_site_sets_the_bar(dock: Dock) -> None:
    visit = await a_truck(dock, "observe")
    await dock.goes("in", [ONE, *UNITS])
    await scan(dock, visit, [ONE])
    await dock.rows(
        "UPDATE site SET settings = settings || $1::jsonb", '{"portal_bar": {"tags": 5}}'
    )
    before = await report(dock)
    assert row(before, "in", "*").may_step_up(before.bar)

    async def step(mode: Mode, owner: str | None = None) -> None:
        await dock.run(
            lambda uow: set_portal_mode(
                uow, portal="dock-1", direction="in", owner=owner, mode=mode,
                now=dock.now, actor="manager",
            )
        )  # fmt: skip

    await step("propose")
    after = await report(dock)
    whole = await report(dock, since=0)

    assert row(after, "in", "*").wanting(after.bar) == ["5 more tags with a known truth"]
    assert marks(row(whole, "in", "*")) == (5, 0, 0, 0)
    await step("observe", "globex")
    modes = {r.owner: r.mode for r in (await report(dock)).rows if r.direction == "in"}
    assert modes == {"*": "propose", "globex": "observe"}


async def test_the_report_is_read_over_http_and_on_its_page(dock: Dock) -> None:
    visit = await a_truck(dock, "observe")
    await dock.goes("in", [ONE, *UNITS])
    await scan(dock, visit, [ONE])
    await dock.rows(
        "UPDATE site SET settings = settings || $1::jsonb", '{"portal_bar": {"tags": 5}}'
    )
    async with open_api(dock.url) as api:
        async with await api.client("manager") as manager:
            whole = (await manager.get("/v1/portals/dock-1/report")).json()
            late = (
                await manager.get("/v1/portals/dock-1/report?since=2100-01-01T00:00:00Z")
            ).json()
            bad = await manager.get("/v1/portals/dock-1/report?since=yesterday")
            page = await manager.get("/portals")
            doors = await manager.get("/visits")
        async with await api.client("manager", owners=("globex",)) as other:
            theirs = (await other.get("/v1/portals/dock-1/report")).json()

    inward = whole["directions"][0]
    assert (inward["direction"], inward["owner"], inward["may_step_up"]) == ("in", "*", True)
    assert (inward["next_mode"], inward["wanting"], inward["agreement"]) == ("propose", [], 1.0)
    assert inward["since"].startswith("2026-")
    assert late["directions"][0]["wanting"] == ["5 more tags with a known truth"]
    assert (bad.status_code, bad.json()["code"]) == (422, "validation")
    assert {way["owner"] for way in theirs["directions"]} == {"globex"}
    assert [way["tags"] for way in theirs["directions"]] == [0, 0]
    assert page.status_code == 200
    assert "propose: the bar is met" in page.text
    assert "100.00 %" in page.text
    assert 'href="/portals"' in doors.text


async def test_the_command_prints_the_report_of_a_running_product(
    dock: Dock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visit = await a_truck(dock, "observe")
    await dock.goes("in", [ONE, *UNITS])
    await scan(dock, visit, [ONE])

    async with serve_pages(dock.url) as (api, address):
        key = tmp_path / "manager.key"
        key.write_text(await api.key("manager"))
        key.chmod(0o600)
        words = ["portal", "report", "dock-1", "--api", address, "--key-file", str(key)]
        code = await asyncio.to_thread(run, words)

    said = capsys.readouterr().out
    assert code == 1
    assert "agreed 5, false accepts 0, false rejects 0, agreement 100.00%" in said
    assert "  propose: not yet: 195 more tags with a known truth" in said
