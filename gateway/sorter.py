"""A drained group becomes places in streams: sorted, checked one by one, each taken or answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.codec import decode_content
from contracts.content import ContractViolation, Header
from contracts.v1 import AgentStatus
from core.application.ports.tracking import StreamKey
from gateway import quarantine
from gateway.archive import Entry
from gateway.group import Group, Message
from gateway.messages import Arrival, Placeable, Unplaceable, open_message
from gateway.quarantine import Stuck
from gateway.rates import Rates
from gateway.readings import Accepted, Belts, sort_out
from gateway.registry import Registry
from gateway.streams import Streams

MAX_WAITING_LETTERS = 10_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
NEW_BOOTS_A_DAY = 16
HELD_RETRY_MS = 5_000
BOOT_RETRY_MS = 60_000
_CHECK_UNREADABLE = (5, 6)


class Sorter:
    """Judges groups for one holder of a cell. `waiting` counts kept dead letters per agent."""

    def __init__(
        self,
        *,
        site: str,
        registry: Registry,
        streams: Streams,
        rates: Rates,
        stuck: Stuck,
        waiting: dict[str, tuple[int, int]],
    ) -> None:
        self._site = site
        self.registry = registry
        self._streams = streams
        self._rates = rates
        self._stuck = stuck
        self.waiting = waiting
        self._new_boots: dict[tuple[str, int], set[int]] = {}
        self.replaying: dict[StreamKey, int] = {}

    def committed(self, group: Group) -> None:
        """The group is in the ledger: nothing stands in its streams' way, its jams stand."""
        for stream in group.advances:
            self._stuck.moved(stream.agent)
        if group.belts:
            jammed = {belt for belt, since in group.belts.items() if since is not None}
            left = (self.registry.jammed | jammed) - (group.belts.keys() - jammed)
            self.registry = replace(self.registry, jammed=left)
        for letter in group.letters:
            if letter.seq is not None and letter.agent is not None:
                letters, size = self.waiting.get(letter.agent, (0, 0))
                self.waiting[letter.agent] = (letters + 1, size + len(letter.payload))

    def answered(self, agent: str) -> None:
        """The cursor was said without having moved: the sender goes back."""
        self._stuck.answered(agent)

    def judge(self, arrivals: Sequence[Arrival]) -> Group:
        """One group. Streams count its steps until `commit` or the next `begin`."""
        self._streams.begin()
        group = Group()
        belts = Belts(self.registry.jammed)
        placeable: list[Placeable] = []
        for arrival in arrivals:
            opened = open_message(arrival, site=self._site, registry=self.registry)
            if isinstance(opened, Unplaceable):
                self._refuse(group, opened)
            elif opened is not None and opened.header.kind == "status":
                self._status(group, opened)
            elif opened is not None:
                self._stuck.readable(opened.header.agent)
                placeable.append(opened)
        placeable.sort(key=lambda m: (m.header.agent, m.header.boot, m.header.seq))
        for message in placeable:
            self._place(group, message, belts)
        group.belts = belts.changes
        return group

    def _refuse(self, group: Group, bad: Unplaceable) -> None:
        arrival = bad.arrival
        letter = quarantine.unplaced(
            arrival.delivery,
            bad.code,
            bad.pointer,
            received_at=arrival.received_at,
            agent=bad.agent,
        )
        if bad.agent is None:
            group.letters.append(letter)
            return
        stream = self._streams.newest(bad.agent)
        if bad.check in _CHECK_UNREADABLE and self._stuck.unreadable(bad.agent):
            self._give_place(group, bad, stream)
        else:
            group.letters.append(letter)
        group.answer(stream)

    def _give_place(self, group: Group, bad: Unplaceable, stream: StreamKey) -> None:
        """Three go-backs did not help: the dead letter takes the place after the cursor."""
        digest = quarantine.digest_of(bad.arrival.delivery.payload)
        seq = self._streams.step(stream, digest)
        group.letters.append(
            quarantine.placed(
                bad.arrival.delivery,
                bad.code,
                bad.pointer,
                received_at=bad.arrival.received_at,
                stream=stream,
                seq=seq,
            )
        )
        group.advance(stream, seq, digest, dead_messages=1)
        group.entries.append(_entry(stream, seq, bad.arrival))
        group.alarms.append(("message.unreadable", stream.agent))

    def _status(self, group: Group, message: Placeable) -> None:
        arrival = message.arrival
        header = message.header
        group.answer(message.stream)
        try:
            content = decode_content(header, now=arrival.received_at, qos=arrival.delivery.qos)
        except ContractViolation as refusal:
            group.letters.append(
                quarantine.unplaced(
                    arrival.delivery,
                    refusal.code,
                    refusal.pointer,
                    received_at=arrival.received_at,
                    agent=header.agent,
                )
            )
            return
        if isinstance(content.message, AgentStatus):
            group.statuses.append((content.message, arrival))

    def _place(self, group: Group, message: Placeable, belts: Belts) -> None:
        stream, seq = message.stream, message.header.seq
        if stream in self.replaying:
            self._replay(group, message)
            return
        position = self._streams.position(stream, seq, lambda: message.digest)
        if position == "next":
            wait_ms = self._wait(message)
            if wait_ms:
                group.answer(stream, wait_ms)
            else:
                self._take(group, message, belts)
            return
        group.answer(stream)
        if position == "gap":
            group.gaps += 1
        elif position == "duplicate":
            group.duplicates += 1
        else:
            arrival = message.arrival
            group.letters.append(
                quarantine.unplaced(
                    arrival.delivery,
                    "E_SEQ_CONFLICT",
                    "/seq",
                    received_at=arrival.received_at,
                    agent=stream.agent,
                )
            )
            group.alarms.append(("stream.conflict", stream.agent))

    def _wait(self, message: Placeable) -> int:
        """How long the sender must hold this message back, in ms; 0 to take it now."""
        agent, at = message.header.agent, message.arrival.at
        letters, size = self.waiting.get(agent, (0, 0))
        if letters >= MAX_WAITING_LETTERS or size >= MAX_WAITING_BYTES:
            return HELD_RETRY_MS
        if self._streams.is_new(message.stream):
            day = (agent, message.arrival.received_at // 86_400_000_000)
            boots = self._new_boots.setdefault(day, set())
            if len(boots) >= NEW_BOOTS_A_DAY and message.header.boot not in boots:
                return BOOT_RETRY_MS
            boots.add(message.header.boot)
        return self._rates.take(agent, message.header.kind, _count(message.header), at=at)

    def _take(self, group: Group, message: Placeable, belts: Belts) -> None:
        arrival, stream = message.arrival, message.stream
        digest = message.digest
        seq = self._streams.step(stream, digest)
        group.entries.append(_entry(stream, seq, arrival))
        group.answer(stream)
        try:
            content = decode_content(
                message.header, now=arrival.received_at, qos=arrival.delivery.qos
            )
        except ContractViolation as refusal:
            group.letters.append(
                quarantine.placed(
                    arrival.delivery,
                    refusal.code,
                    refusal.pointer,
                    received_at=arrival.received_at,
                    stream=stream,
                    seq=seq,
                )
            )
            group.advance(stream, seq, digest, dead_messages=1)
            return
        good, problems = sort_out(content, agent=stream.agent, registry=self.registry, belts=belts)
        group.letters.extend(
            quarantine.placed(
                arrival.delivery,
                problem.code,
                problem.pointer,
                received_at=arrival.received_at,
                stream=stream,
                seq=seq,
                index=problem.index,
                payload=problem.raw,
            )
            for problem in problems
        )
        group.advance(stream, seq, digest, messages=1, applied=len(good), dead=len(problems))
        group.messages.append(
            Message(stream, seq, message.header.kind, good, arrival.received_at, arrival.at)
        )

    def _replay(self, group: Group, message: Placeable) -> None:
        """A row asked for again: into memory only. What is new waits until memory is whole."""
        stream, arrival = message.stream, message.arrival
        if message.header.seq > self._streams.seq(stream):
            group.gaps += 1
            return
        try:
            content = decode_content(
                message.header, now=arrival.received_at, qos=arrival.delivery.qos
            )
        except ContractViolation:
            good: Accepted = ()
        else:
            unseen = Belts(self.registry.jammed)
            good, _ = sort_out(content, agent=stream.agent, registry=self.registry, belts=unseen)
        group.replayed.append(
            Message(
                stream,
                message.header.seq,
                message.header.kind,
                good,
                arrival.received_at,
                arrival.at,
            )
        )


def _count(header: Header) -> int:
    """How many readings the message holds, before they are judged."""
    if header.typed is not None:
        found = getattr(header.typed, header.kind)
    else:
        found = header.tree.get(header.kind)
    return len(found) if isinstance(found, list) and found else 1


def _entry(stream: StreamKey, seq: int, arrival: Arrival) -> Entry:
    return Entry(stream.agent, stream.boot, seq, arrival.received_at, arrival.delivery.payload)
