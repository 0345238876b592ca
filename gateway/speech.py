"""What a gateway says to agents: cursors, lights, diverts, configurations, requests to resend."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from contracts.v1 import Command, Cursor
from core.application.ports.tracking import ReadPointRow, StreamKey
from gateway.lights import Shine
from gateway.registry import Registry
from gateway.sender import Sender
from gateway.streams import Streams

EVERY_US = 5_000_000
DIVERT_TTL_MS = 5_000
RESEND_TTL_MS = 10_000
CONFIGURE_TTL_MS = 60_000
PACK_LANE = 1


class Speech:
    """Builds the messages and hands them to the sender."""

    def __init__(
        self,
        sender: Sender,
        *,
        site: str,
        now: Callable[[], int],
        ids: Callable[[], UUID],
        every_us: int = EVERY_US,
    ) -> None:
        self._sender = sender
        self._site = site
        self._now = now
        self._ids = ids
        self.every_us = every_us

    def cursor(self, stream: StreamKey, streams: Streams, *, wait_ms: int = 0) -> None:
        """Where a stream stands in the ledger."""
        self._sender.cursor(
            Cursor(
                schema="cursor.v1",
                site=self._site,
                agent=stream.agent,
                boot=stream.boot,
                seq=streams.seq(stream),
                sent_at=self._now(),
                newest_boot=streams.newest_boot(stream.agent),
                retry_after_ms=wait_ms or UNSET,
            )
        )

    def light(self, shine: Shine, registry: Registry, streams: Streams) -> None:
        """A lease of a portal's lamp, if it has one."""
        place = registry.light_of(shine.portal)
        if place is not None:
            agent, device = place
            command = self._command(streams.newest(agent), streams, device, shine.ttl_ms)
            self._sender.command(_with(command, action="light", colour=shine.colour))

    def divert(self, key: str, point: ReadPointRow, streams: Streams) -> None:
        """Send a tote to its pack lane."""
        stream = streams.newest(point.agent)
        command = self._command(stream, streams, point.device, DIVERT_TTL_MS)
        self._sender.command(_with(command, action="divert", lane=PACK_LANE, handling_unit=key))

    def resend(self, stream: StreamKey, streams: Streams, *, from_seq: int) -> None:
        """Ask for rows up to the cursor again."""
        command = self._command(stream, streams, None, RESEND_TTL_MS)
        self._sender.command(_with(command, action="resend", from_seq=from_seq))

    def configure(
        self, stream: StreamKey, streams: Streams, *, version: int, document: str
    ) -> None:
        """Send the configuration that the agent should run."""
        command = self._command(stream, streams, None, CONFIGURE_TTL_MS)
        told = _with(command, action="configure", version=version, document=document)
        self._sender.command(told)

    def _command(
        self, stream: StreamKey, streams: Streams, device: str | None, ttl_ms: int
    ) -> Command:
        return Command(
            schema="command.v1",
            site=self._site,
            agent=stream.agent,
            boot=stream.boot,
            seq=streams.seq(stream),
            sent_at=self._now(),
            id=str(self._ids()),
            device=device,
            ttl_ms=ttl_ms,
            action="light",
        )


def _with(command: Command, **changes: object) -> Command:
    return replace(command, **changes)
