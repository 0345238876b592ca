"""A small site with two doors for tests of inbound, visits and work: what matters is said by name.

Time is a counter, ids are numbered; passes are fed as the gateway feeds them, without any radio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from contracts.gs1.keys import gtin_from, sgtin_key, sscc_from, sscc_key
from core.application.expected import expected_for
from core.application.inbound import NewAsn, NewContent, NewLine, announce_asn
from core.application.layout_import import import_layout
from core.application.passes import book_pass
from core.application.ports.tracking import PassOpening, PassRow, PassTag
from core.application.verify import verify
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.judgement import Direction, Judgement, LoadClass
from core.domain.layout import (
    ItemRow,
    Layout,
    LocationRow,
    OwnerRow,
    PortalRow,
)
from core.domain.passes import judge

T = TypeVar("T")
SITE, OWNER, PREFIX = "demo", "acme", "4012345"
SECOND = 1_000_000
VIRTUAL = ("SUPPLIER", "CUSTOMER", "LOSS", "ADJUSTMENT", "FOUND", "MISSING")


def gtin(item: int) -> str:
    """The GTIN of the test's nth item."""
    return gtin_from(PREFIX, item)


def unit_key(item: int, serial: int) -> str:
    """The key of a serialised unit of the nth item."""
    return sgtin_key(gtin(item), str(serial))


def pallet_key(number: int) -> str:
    """The key of the nth pallet."""
    return sscc_key(sscc_from(PREFIX, number))


def a_layout(*, mode: str = "book", bins: int = 6, capacity: int = 80, items: int = 12) -> Layout:
    """Two doors, staging, a few bins, all virtual places."""
    doors = [LocationRow(code=f"DOCK-{n}", kind="dock", x_m=8.0 * n, y_m=0.0) for n in (1, 2)]
    stages = [
        LocationRow(code=code, kind="staging", x_m=5.0, y_m=10.0)
        for code in ("STAGE-IN", "STAGE-OUT-1", "STAGE-OUT-2")
    ]
    storage = [
        LocationRow(
            code=f"A-01-{n:02d}-2",
            kind="storage",
            x_m=20.0 + n,
            y_m=10.0,
            capacity_units=capacity,
            walk_order=n,
        )
        for n in range(1, bins + 1)
    ]
    others = [
        LocationRow(code="DISCREPANCY", kind="discrepancy"),
        LocationRow(code="PF-1", kind="pick_face"),
    ]
    virtual = [LocationRow(code=code, kind=code.lower()) for code in VIRTUAL]
    return Layout(
        name="Test",
        timezone="UTC",
        owners=(OwnerRow(owner=OWNER, name="Acme", gs1_prefix=PREFIX),),
        locations=(*doors, *stages, *storage, *others, *virtual),
        portals=tuple(
            PortalRow(
                portal=f"dock-{n}",
                door=f"DOCK-{n}",
                inside="STAGE-IN",
                modes={"in": mode, "out": mode},
            )
            for n in (1, 2)
        ),
        items=tuple(
            ItemRow(owner=OWNER, sku=f"SKU-{n}", name=f"Item {n}", gtin=gtin(n))
            for n in range(1, items + 1)
        ),
    )


@dataclass
class Dock:
    """A site under test with its clock, its ids and the gateway's way to feed passes."""

    open_unit: PgUnitOfWorkFactory
    url: str
    now: int = 1_790_000_000_000_000
    made: int = 0
    verdicts: dict[UUID, Judgement] = field(default_factory=dict)

    def ids(self) -> UUID:
        """The next id."""
        self.made += 1
        return UUID(int=self.made)

    def tick(self, seconds: float = 1.0) -> int:
        """Let time pass."""
        self.now += int(seconds * SECOND)
        return self.now

    async def run(self, work: Callable[[PgUnitOfWork], Awaitable[T]]) -> T:
        """One transaction."""
        self.tick()
        async with self.open_unit(SITE) as uow:
            return await work(uow)

    async def set_up(self, layout: Layout | None = None) -> Dock:
        """Import the layout."""
        chosen = layout if layout is not None else a_layout()
        await self.run(lambda uow: import_layout(uow, chosen, now=self.now))
        return self

    async def announce(
        self, name: str, pallets: Mapping[str, Iterable[str]], *, loose: Iterable[str] = ()
    ) -> UUID:
        """An ASN whose pallets hold these tags; the item is told by the GTIN of the key."""
        contents = [
            NewContent(epc_key=key, sku=_sku(key), holder=holder)
            for holder, keys in pallets.items()
            for key in keys
        ]
        contents += [NewContent(epc_key=key, sku=_sku(key)) for key in loose]
        new = NewAsn(
            owner_id=OWNER,
            external_asn_id=name,
            supplier=None,
            expected_at=None,
            lines=(),
            holders=tuple((key, "pallet") for key in pallets),
            contents=tuple(contents),
        )
        asn_id, _ = await self.run(lambda uow: announce_asn(uow, new, now=self.now, ids=self.ids))
        return asn_id

    async def announce_lines(self, name: str, lines: Mapping[str, int]) -> UUID:
        """An ASN by quantities alone."""
        new = NewAsn(
            owner_id=OWNER,
            external_asn_id=name,
            supplier=None,
            expected_at=None,
            lines=tuple(
                NewLine(line_no=n, sku=sku, quantity=count)
                for n, (sku, count) in enumerate(lines.items(), 1)
            ),
        )
        asn_id, _ = await self.run(lambda uow: announce_asn(uow, new, now=self.now, ids=self.ids))
        return asn_id

    async def goes(
        self,
        direction: Direction,
        crossed: Iterable[str],
        *,
        portal: str = "dock-1",
        strays: Mapping[str, str] | None = None,
    ) -> UUID:
        """A load goes through a portal: opened, judged, written and booked as the gateway does."""
        pass_id, keys = self.ids(), frozenset(crossed)
        opened = self.tick()
        opening = PassOpening(
            pass_id=pass_id,
            portal=portal,
            opened_at=opened,
            agent=portal,
            boot=1,
            seq=self.made,
            thresholds="test",
        )

        async def close(uow: PgUnitOfWork) -> Judgement:
            await uow.tracking.begin_passes([opening], epoch=0)
            expected = await expected_for(uow, portal=portal, epc_keys=sorted(keys), now=self.now)
            load = LoadClass(direction, keys, strays or {})
            said = judge(expected, load, pass_id=pass_id, occurred_at=self.now)
            row = PassRow(
                pass_id=pass_id,
                state=direction,
                verdict=said.verdict,
                mode=said.mode,
                confidence=1.0,
                closed_at=self.now,
                decider="timer",
                decider_at=self.now,
                decided_at=self.now,
                features={},
                tags=[_tag(key, None) for key in sorted(keys)]
                + [_tag(key, reason) for key, reason in (strays or {}).items()],
            )
            await uow.tracking.write_pass(row, epoch=0)
            await book_pass(
                uow,
                pass_id=pass_id,
                judgement=said,
                mode=said.mode,
                now=self.now,
                ids=self.ids,
                actor=None,
            )
            return said

        self.verdicts[pass_id] = await self.run(close)
        return pass_id

    def said(self, pass_id: UUID) -> Judgement:
        """The judgement of a pass."""
        return self.verdicts[pass_id]

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read the database beside the product."""
        raw = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await raw.fetch(statement, *values)]
        finally:
            await raw.close()

    async def value(self, statement: str, *values: Any) -> Any:
        """The first column of the first row."""
        rows = await self.rows(statement, *values)
        return next(iter(rows[0].values())) if rows else None

    async def on_hand(self) -> dict[str, int]:
        """Stock by location code, virtual places left out."""
        rows = await self.rows(
            "SELECT l.code, sum(q.on_hand)::bigint AS n FROM quant q JOIN location l"
            " ON l.location_id = q.location_id GROUP BY l.code ORDER BY l.code"
        )
        return {row["code"]: row["n"] for row in rows}

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        found = await self.run(lambda uow: verify(uow, clock=lambda: self.now))
        return [f"{f.invariant}: {f.subject} {f.fact}" for f in found]

    async def book(self) -> tuple[Any, ...]:
        """Everything a refusal or an observing pass must leave alone."""
        quants = await self.rows(
            "SELECT owner_id, item_id, location_id, handling_unit_id, status, on_hand, reserved"
            " FROM quant ORDER BY 1, 2, 3, 4, 5"
        )
        moves = await self.value("SELECT count(*) FROM move")
        lines = await self.rows("SELECT asn_id, line_no, received FROM asn_line ORDER BY 1, 2")
        units = await self.rows("SELECT epc_key, state, location_id FROM unit ORDER BY 1")
        held = await self.rows("SELECT epc_key, state, location_id FROM handling_unit ORDER BY 1")
        tasks = await self.value("SELECT count(*) FROM task")
        return quants, moves, lines, units, held, tasks


@asynccontextmanager
async def a_dock(url: str) -> AsyncIterator[Dock]:
    """A dock on a fresh database, without a layout yet."""
    engine = build_engine(url, pool_size=8)
    try:
        yield Dock(PgUnitOfWorkFactory(engine), url)
    finally:
        await engine.dispose()


def _sku(key: str) -> str:
    number = next(n for n in range(1, 100) if key.startswith(f"01/{gtin(n)}/"))
    return f"SKU-{number}"


def _tag(key: str, reason: str | None) -> PassTag:
    return PassTag(
        epc=key.replace("/", "").encode().hex().upper()[:120],
        epc_key=key,
        outcome="unknown" if reason is None else "rejected",
        reason=reason,
        features={},
        evidence={"reads": 3},
    )
