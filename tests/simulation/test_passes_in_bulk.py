"""Passes in bulk: a guaranteed pass reads every tag, and misses cluster on the same pallets."""

from __future__ import annotations

import statistics
from collections import Counter

from simulators.inventory import Hit, Inventory, InventorySettings
from simulators.loads import Load, pallet
from simulators.passes import plan_crossing, plan_heard_crossing
from simulators.rf import RadioSettings
from simulators.scene import Scene
from simulators.site import build_site
from simulators.tags import sscc18, sscc_tag, unit_tag

SITE = build_site(1)


def _scene(seed: int, radio: RadioSettings | None = None) -> Scene:
    return Scene(seed=seed, radio=radio or RadioSettings(), doorways=SITE.doorways)


def _pallet(seed: int, *, boxes: int = 80, material: str = "dry") -> Load:
    tags = [unit_tag(SITE.items[i % 12].gtin, seed * 1000 + i) for i in range(boxes)]
    return pallet(
        f"p{seed}", tags, sscc=sscc_tag(sscc18("9521500", seed)), seed=seed, material=material
    )


def _reads(scene: Scene, *, seconds: float, seed: str = "r", device: str = "dock-1-r") -> list[Hit]:
    inventory = Inventory(
        SITE.device(device).antennas,
        scene=scene,
        seed=seed,
        settings=InventorySettings(),
        power_dbm=lambda _port: SITE.device(device).power_dbm,
    )
    return inventory.reads_until(seconds)


def test_a_guaranteed_pass_reads_every_tag_at_least_twice() -> None:
    for seed in range(6):
        scene = _scene(seed)
        crossing = plan_heard_crossing(
            _pallet(seed),
            name=f"g{seed}",
            door=SITE.door("dock-1"),
            device=SITE.device("dock-1-r"),
            direction="in",
            start=0.0,
            speed_mps=1.8,
            scene=scene,
            reads=2,
        )
        scene.add(crossing.body)

        counts = Counter(hit.epc for hit in _reads(scene, seconds=crossing.body.path.end))

        assert min(counts[placed.tag.epc] for placed in crossing.body.tags) >= 2


def _missed(shared: float) -> list[int]:
    """Tags without a read on each of 40 pallets of bottled goods at speed."""
    missed = []
    for seed in range(40):
        scene = _scene(seed, RadioSettings(shadow_shared=shared))
        crossing = plan_crossing(
            _pallet(seed, boxes=24, material="liquid"),
            name="m",
            door=SITE.door("dock-1"),
            direction="in",
            start=0.0,
            speed_mps=3.0,
        )
        scene.add(crossing.body)
        seen = {hit.epc for hit in _reads(scene, seconds=crossing.body.path.end)}
        missed.append(sum(placed.tag.epc not in seen for placed in crossing.body.tags))
    return missed


def _dispersion(missed: list[int]) -> float:
    """Variance of misses over what independent misses at the same rate would have."""
    share = statistics.mean(missed) / 25
    return statistics.pvariance(missed) / (25 * share * (1.0 - share))


def test_misses_cluster_on_the_same_pallets() -> None:
    missed, alone = _missed(0.7), _missed(0.0)

    rate = 1.0 - statistics.mean(missed) / 25
    assert 0.85 < rate < 0.98
    assert missed.count(0) / 40 > 1.5 * rate**25
    assert _dispersion(missed) > 2.0
    assert _dispersion(missed) > 2 * _dispersion(alone)
