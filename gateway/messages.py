"""From deliveries to messages: the checks before a message has a place, in the contract's order.

What fails here is unplaced: a dead letter that moves no cursor.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.bus import Delivery
from contracts.codec import decode_header, stored_digest
from contracts.content import ContractViolation, Header
from contracts.topics import parse_up
from core.application.ports.tracking import StreamKey
from gateway.registry import Registry


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery and when it came: the gateway's wall clock and its monotonic clock, both in us."""

    delivery: Delivery
    received_at: int
    at: int


@dataclass(frozen=True, slots=True)
class Placeable:
    """A message with a readable header of a known agent."""

    arrival: Arrival
    header: Header

    @property
    def stream(self) -> StreamKey:
        """The stream it belongs to."""
        return StreamKey(self.header.agent, self.header.boot)

    @property
    def digest(self) -> bytes:
        """What identifies it across resends."""
        return stored_digest(self.arrival.delivery.payload)


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """A message that fails before it has a place. `check` is the number of the failed check."""

    arrival: Arrival
    check: int
    code: str
    pointer: str
    agent: str | None


def open_message(
    arrival: Arrival, *, site: str, registry: Registry
) -> Placeable | Unplaceable | None:
    """Checks (2) to (7); None for an agent that belongs to another cell's gateway."""
    delivery = arrival.delivery
    topic = parse_up(delivery.topic)
    if topic is None or topic.site != site:
        return Unplaceable(arrival, 2, "E_TOPIC", "", None)
    standing = registry.standing(topic.agent)
    if standing == "unknown":
        return Unplaceable(arrival, 3, "E_DEVICE_UNKNOWN", "", None)
    if not registry.is_mine(topic.agent):
        return None
    if standing == "revoked":
        return Unplaceable(arrival, 3, "E_DEVICE_REVOKED", "", topic.agent)
    if delivery.retain:
        return Unplaceable(arrival, 4, "E_RETAINED", "", topic.agent)
    try:
        return Placeable(arrival, decode_header(delivery.payload, topic))
    except ContractViolation as refusal:
        code, pointer = refusal.code, refusal.pointer
        return Unplaceable(arrival, refusal.check, code, pointer, topic.agent)
