"""Writes the plan of `history_site` as the product would have left it: rows by COPY, segments by
the archive's own frames, each closed with its index.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import zstandard

from bench.history_site import DAY_US, HOUR_US, MINUTE_US, Heard, Pallet, ids, readings
from gateway.archive import Entry, encode_frame, segment_name
from gateway.archive_reader import write_index

BATCH, MESSAGES = 50, 5
Row = tuple[Any, ...]
FEATURES = json.dumps({"peak_dbm": -51.5, "peaks": [1, 2], "dwell_ms": 4100, "reads": 30})


async def fill_database(
    raw: asyncpg.Connection[Any], plan: Sequence[Pallet], *, site: str, owner: str, until: int
) -> None:
    """Everything but the streams' cursors."""
    places = {
        row["code"]: row["location_id"]
        for row in await raw.fetch("SELECT code, location_id FROM location WHERE site_id=$1", site)
    }
    items = {
        row["sku"]: row["item_id"]
        for row in await raw.fetch("SELECT sku, item_id FROM item WHERE owner_id = $1", owner)
    }
    days = {pallet.came // DAY_US for pallet in plan} | {until // DAY_US}
    for day in range(min(days), max(days) + 1):
        await raw.fetchval("SELECT keep_position_days($1, 0, 365)", day * DAY_US)
    writer = _Writer(raw, site, owner, places, items, until)
    for at in range(0, len(plan), 100):
        await writer.write(plan[at : at + 100])
    await writer.balance(plan)


class _Writer:
    def __init__(
        self,
        raw: asyncpg.Connection[Any],
        site: str,
        owner: str,
        places: dict[str, int],
        items: dict[str, int],
        until: int,
    ) -> None:
        self._raw = raw
        self._site = site
        self._owner = owner
        self._places = places
        self._items = items
        self._until = until

    async def write(self, plan: Sequence[Pallet]) -> None:
        """Some pallets: units, handling units, moves, positions, passes."""
        site, owner, until = self._site, self._owner, self._until
        units, carriers, passes = [], [], []
        moves, changes, tags = list[Row](), list[Row](), list[Row]()
        for one in plan:
            item, place = self._items[one.item.sku], one.place_at(until)
            state = "present" if place else "gone"
            where = self._places[place] if place else None
            hu = ids(one.number, 1)
            empty = "gone" if until >= one.stored else "open"
            at = self._places["DOCK-1"] if empty == "open" else None
            carriers.append((site, hu, one.tag.key, "pallet", owner, empty, at, 1, 1))
            for tag in one.cartons:
                units.append((site, tag.key, owner, item, state, where, one.came))
            moves += self._moves(one, item, hu)
            changes += self._changes(one)
            for kind, at_us, portal in ((2, one.came, "dock-1"), (3, one.gone, "dock-2")):
                if at_us <= until:
                    passes.append(self._pass(one, kind, at_us, portal))
                    tags += self._tags(one, kind, at_us, portal)
        copy = self._raw.copy_records_to_table
        names = "site_id handling_unit_id epc_key kind owner_id state location_id created_at"
        await copy("handling_unit", records=carriers, columns=[*names.split(), "changed_at"])
        names = "site_id epc_key owner_id item_id state location_id changed_at"
        await copy("unit", records=units, columns=names.split())
        await copy("move", records=moves, columns=MOVE.split())
        await copy("position_change", records=changes, columns=CHANGE.split())
        await copy("pass", records=passes, columns=PASS.split())
        await copy("pass_tag", records=tags, columns=TAG.split())

    def _moves(self, one: Pallet, item: int, hu: object) -> Iterator[Row]:
        place = self._places
        steps = (
            (one.came, "SUPPLIER", "DOCK-1", None, hu, "receiving", "pass", ids(one.number, 2)),
            (one.stored, "DOCK-1", one.bin, hu, None, "storing", "task", None),
            (one.picked, one.bin, "STAGE-OUT-1", None, None, "picking", "task", None),
            (one.gone, "STAGE-OUT-1", "CUSTOMER", None, None, "shipping", "pass",
             ids(one.number, 3)),
        )  # fmt: skip
        for at, origin, target, from_hu, to_hu, step, cause, pass_id in steps:
            if at > self._until:
                return
            for n, tag in enumerate(one.cartons):
                yield (
                    self._site, self._owner, item, 1, place[origin], from_hu, place[target], to_hu,
                    tag.key, step, cause, f"history-{one.number}", "history",
                    f"{one.number}/{step}/{n}", pass_id, at, at,
                )  # fmt: skip

    def _changes(self, one: Pallet) -> Iterator[Row]:
        seen = (
            (one.came, None, "DOCK-1", "dock-1.in", one.came + MINUTE_US),
            (one.came + MINUTE_US, "DOCK-1", "STAGE-IN", "stage.in", one.stored),
            (one.stored, "STAGE-IN", None, None, one.picked),
            (one.picked, None, "STAGE-OUT-1", "stage.out", one.gone),
            (one.gone, "STAGE-OUT-1", None, None, None),
        )
        for since, origin, target, point, end in seen:
            if since > self._until:
                return
            ended = end if end is not None and end <= self._until else None
            here = None if origin is None else self._places[origin]
            there = None if target is None else self._places[target]
            told = 0.0 if target is None else 0.8
            carriers = [one.tag.key] if since < one.stored else []
            for key in (*carriers, *(tag.key for tag in one.cartons)):
                yield (self._site, since, key, here, there, told, ended, point, "floor-1", 1, 1)

    def _pass(self, one: Pallet, kind: int, at: int, portal: str) -> Row:
        state = "in" if kind == 2 else "out"
        return (
            self._site, ids(one.number, kind), portal, state, "booked", "book", "matched", 0.97,
            at - 4_000_000, at, portal, 1, 1, "beam inner clear", at, at, FEATURES, "rules-1", 1,
        )  # fmt: skip

    def _tags(self, one: Pallet, kind: int, at: int, portal: str) -> Iterator[Row]:
        evidence = json.dumps(
            [
                {"agent": portal, "boot": 1, "seq": one.number, "antenna": antenna,
                 "rssi_dbm": -55.5, "first_at": at - 3_000_000, "last_at": at, "count": 15}
                for antenna in (1, 2)
            ]
        )  # fmt: skip
        for tag in one.cartons:
            yield (
                self._site, ids(one.number, kind), tag.hex, tag.key, "matched", FEATURES, evidence
            )  # fmt: skip

    async def balance(self, plan: Iterable[Pallet]) -> None:
        """Quants and availability of what is still here."""
        here: Counter[tuple[str, str, UUID | None]] = Counter()
        items: Counter[str] = Counter()
        for one in plan:
            place = one.place_at(self._until)
            if place is not None:
                unit = ids(one.number, 1) if place == "DOCK-1" else None
                here[one.item.sku, place, unit] += len(one.cartons)
                items[one.item.sku] += len(one.cartons) * (place == one.bin)
        for (sku, where, unit), count in here.items():
            await self._raw.execute(
                "INSERT INTO quant AS q (site_id, owner_id, item_id, location_id, handling_unit_id,"
                " on_hand) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT uq_quant_key"
                " DO UPDATE SET on_hand = q.on_hand + excluded.on_hand",
                self._site, self._owner, self._items[sku], self._places[where], unit, count,
            )  # fmt: skip
        for sku, count in items.items():
            await self._raw.execute(
                "INSERT INTO availability AS a (site_id, owner_id, item_id, sellable)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (site_id, owner_id, item_id)"
                " DO UPDATE SET sellable = a.sellable + excluded.sellable",
                self._site, self._owner, self._items[sku], count,
            )  # fmt: skip


MOVE = (
    "site_id owner_id item_id quantity source_location_id source_handling_unit_id"
    " target_location_id target_handling_unit_id epc_key biz_step cause cause_id source source_key"
    " pass_id occurred_at recorded_at"
)
CHANGE = (
    "site_id since subject from_location_id to_location_id confidence until read_point agent boot"
    " seq"
)
PASS = (
    "site_id pass_id portal state booking mode verdict confidence opened_at closed_at first_agent"
    " first_boot first_seq decider decider_at decided_at features thresholds epoch"
)
TAG = "site_id pass_id epc epc_key outcome features evidence"


def fill_archive(
    folder: Path, plan: Sequence[Pallet], *, site: str, begin: int, until: int
) -> tuple[int, dict[str, int]]:
    """One segment an hour with its index; how many readings, and each agent's last seq."""
    coming: dict[int, list[Pallet]] = defaultdict(list)
    for one in plan:
        coming[one.came // HOUR_US].append(one)
    (folder / site).mkdir(parents=True, exist_ok=True)
    waiting: dict[int, list[Heard]] = defaultdict(list)
    seqs: Counter[str] = Counter()
    total, packer = 0, zstandard.ZstdCompressor(level=3)
    for hour in range(begin // HOUR_US - 1, until // HOUR_US + 1):
        for one in coming.pop(hour + 1, []):
            for heard in readings(one):
                if heard.at < until:
                    waiting[heard.at // HOUR_US].append(heard)
        heard_now = sorted(waiting.pop(hour, []), key=lambda heard: heard.at)
        if not heard_now:
            continue
        total += len(heard_now)
        segment = folder / site / segment_name(hour, cell="site", epoch=1)
        with segment.open("wb") as file:
            group: list[Entry] = []
            for entry in _messages(heard_now, seqs, site):
                group.append(entry)
                if len(group) == MESSAGES:
                    file.write(encode_frame(group, packer))
                    group = []
            file.write(encode_frame(group, packer) if group else b"")
        write_index(segment)
    return total, dict(seqs)


def _messages(heard: Iterable[Heard], seqs: Counter[str], site: str) -> Iterator[Entry]:
    rows: dict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        rows[one.agent].append(one)
        if len(rows[one.agent]) == BATCH:
            yield _entry(rows.pop(one.agent), seqs, site)
    for rest in list(rows.values()):
        yield _entry(rest, seqs, site)


def _entry(rows: Sequence[Heard], seqs: Counter[str], site: str) -> Entry:
    agent, at = rows[0].agent, rows[-1].at + 300_000
    seqs[agent] += 1
    head = b'{"schema":"reads.v1","site":"%s","agent":"%s","boot":1,"seq":%d,"sent_at":%d,"reads":['
    body = head % (site.encode(), agent.encode(), seqs[agent], at)
    payload = body + b",".join(row.text for row in rows) + b"]}"
    return Entry(agent, 1, seqs[agent], at, payload)
