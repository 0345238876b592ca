"""Loads through a door by radio, and how often each of their tags was read on the way."""

from __future__ import annotations

from collections import Counter

from simulators.loads import Load
from simulators.passes import Crossing, Direction
from simulators.world import World
from tests.e2e.stack import say
from tests.waiting import eventually

DOOR, READER = "dock-1", "dock-1-r"
READS = 2
# The rehearsal knows nothing of collisions; with room for one more each tag is really read twice.
PLANNED = 3


async def through(
    world: World, load: Load, direction: Direction, *, door: str = DOOR, turns_back: bool = False
) -> None:
    """Move a load through a door at the forklift's pace where each tag gets its reads; they did."""
    crossing = await world.run_pass(
        load, door=door, direction=direction, turns_back=turns_back, guarantee_reads=PLANNED
    )
    reader = world.site.door(door).device
    fewest = 0

    async def told() -> bool:
        nonlocal fewest
        counts = read_of(world, reader, crossing)
        fewest = min(counts[placed.tag.hex] for placed in load.tags)
        return fewest >= READS

    await eventually(told, within=2, every=0.1)
    way = f"{direction}, turning back" if turns_back else direction
    say(f"{len(load.tags)} tags {way} at {crossing.speed_mps:.1f} m/s, each read {fewest}+ times")


def read_of(world: World, reader: str, crossing: Crossing) -> Counter[str]:
    """How often a reader told of each tag (hex) while this load was on its way."""
    path = crossing.body.path
    since, until = path.start * 1e6, path.end * 1e6
    counts: Counter[str] = Counter()
    for line in world.frame_log(reader):
        reads = line.get("reads")
        if isinstance(reads, list):
            counts.update(str(read[0]) for read in reads if since <= int(read[3]) <= until)
    return counts


def last_read(world: World, load: Load) -> int:
    """When the frame with the last read of this load left the socket."""
    wanted = {placed.tag.hex for placed in load.tags}
    return max(
        int(str(line["t_us"]))
        for line in world.frame_log(READER)
        if isinstance(reads := line.get("reads"), list) and any(r[0] in wanted for r in reads)
    )
