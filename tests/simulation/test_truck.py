"""The buyer's truck through the door in simulated time: who is read, who only stands beside it."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict

from simulators.inventory import Inventory, InventorySettings
from simulators.loads import scattered
from simulators.passes import plan_heard_crossing
from simulators.rf import RadioSettings
from simulators.scene import Scene
from simulators.site import build_site
from simulators.truck import build_truck, unknown_strays
from simulators.world import PARKED

SITE = build_site(1)


def test_truck_announces_240_and_carries_238_and_a_foreign_one() -> None:
    truck = build_truck(SITE)

    notice = truck.notice()
    lines, units = notice["lines"], notice["handling_units"]
    assert isinstance(lines, list)
    assert isinstance(units, list)
    assert sum(line["quantity"] for line in lines) == 240
    assert [len(unit["contents"]) for unit in units] == [80, 80, 80]
    assert (len(truck.present), len(truck.missing), len(truck.foreign)) == (238, 2, 1)
    on_truck = {placed.tag.epc for load in truck.loads for placed in load.tags}
    assert on_truck == {tag.epc for tag in truck.present} | {
        *(tag.epc for tag in truck.foreign),
        *(one.sscc.epc for one in truck.pallets),
    }


def test_other_numbers_are_other_goods() -> None:
    first, second = build_truck(SITE, number=1), build_truck(SITE, number=2)

    assert not {t.epc for t in first.present} & {t.epc for t in second.present}
    assert build_truck(SITE, number=2).notice() == second.notice()


def test_every_present_tag_is_read_twice_while_strays_stay_static_and_one_sided() -> None:
    truck = build_truck(SITE)
    scene = Scene(seed=1, radio=RadioSettings(), doorways=SITE.doorways)
    device, door = SITE.device("dock-1-r"), SITE.door("dock-1")
    strays = scattered(
        unknown_strays(40), centre=(door.x + 2.5, 3.0, 0.0), spread=PARKED, seed=1, key="park"
    )
    for body in strays:
        scene.add(body)
    inventory = Inventory(
        device.antennas,
        scene=scene,
        seed="r",
        settings=InventorySettings(),
        power_dbm=lambda _port: device.power_dbm,
    )

    start, counts = 0.0, Counter[bytes]()
    seen: dict[tuple[bytes, int], list[float]] = defaultdict(list)
    for load in truck.loads:
        crossing = plan_heard_crossing(
            load,
            name=load.name,
            door=door,
            device=device,
            direction="in",
            start=start,
            speed_mps=1.8,
            scene=scene,
            reads=2,
        )
        scene.add(crossing.body)
        for hit in inventory.reads_until(crossing.body.path.end):
            counts[hit.epc] += 1
            seen[hit.epc, hit.antenna].append(hit.rssi_dbm)
        scene.remove(crossing.body)
        start = crossing.body.path.end + 5.0
        inventory.reads_until(start)

    on_truck = [placed.tag.epc for load in truck.loads for placed in load.tags]
    assert min(counts[epc] for epc in on_truck) >= 2
    stray_epcs = {body.tags[0].tag.epc for body in strays}
    read = {epc for epc, _ in seen if epc in stray_epcs}
    outside = {epc for epc, antenna in seen if epc in stray_epcs and antenna == 1}
    assert len(read) >= 10
    assert len(outside) <= 2
    inner = [v for (e, a), v in seen.items() if e in stray_epcs and a == 2 and len(v) >= 20]
    assert statistics.median(statistics.pstdev(values) for values in inner) <= 0.5
