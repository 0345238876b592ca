"""A bare LLRP client on llrpkit's messages: a second reading of our reader's bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from llrpkit.protocol import LLRPMessage, decode_message, enums, impinj, messages, params


class BareClient:
    """Sends messages, collects what arrives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.arrived: list[LLRPMessage] = []

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Open the connection and take the connection-attempt event."""
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        await client.take()
        return client

    async def take(self) -> LLRPMessage:
        """The next message; keepalives are acknowledged on the way."""
        async with asyncio.timeout(5.0):
            header = await self._reader.readexactly(10)
            body = await self._reader.readexactly(int.from_bytes(header[2:6], "big") - 10)
        message = decode_message(header + body)
        self.arrived.append(message)
        if isinstance(message, messages.KEEPALIVE):
            self._writer.write(messages.KEEPALIVE_ACK().to_bytes(message_id=message.message_id))
        return message

    async def ask(self, message: LLRPMessage, answer: type[LLRPMessage]) -> LLRPMessage:
        """Send and wait for the answer of this type."""
        self._writer.write(message.to_bytes(message_id=7))
        while True:
            found = await self.take()
            if isinstance(found, answer):
                return found

    async def take_until(self, wanted: Callable[[LLRPMessage], bool]) -> LLRPMessage:
        """Collect until a message fits."""
        while True:
            message = await self.take()
            if wanted(message):
                return message

    async def collect(self, *, until: asyncio.Event) -> None:
        """Take messages until the event is set and half a second more."""
        done = asyncio.create_task(until.wait())
        quiet_from: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(0.1):
                    header = await self._reader.readexactly(10)
            except TimeoutError:
                header = b""
            if header:
                body = await self._reader.readexactly(int.from_bytes(header[2:6], "big") - 10)
                self.arrived.append(decode_message(header + body))
            if done.done():
                quiet_from = quiet_from or loop.time()
                if loop.time() - quiet_from > 0.5:
                    return

    def close(self) -> None:
        """Drop the connection."""
        self._writer.close()

    async def set_up(self, *, extensions: bool = True) -> None:
        """Factory reset, events, one ROSpec with every field, started."""
        if extensions:
            await self.ask(
                impinj.IMPINJ_ENABLE_EXTENSIONS(), impinj.IMPINJ_ENABLE_EXTENSIONS_RESPONSE
            )
        events = params.ReaderEventNotificationSpec(
            event_notification_states=[
                params.EventNotificationState(event_type=kind, notification_state=True)
                for kind in (enums.NotificationEventType.GPI_Event, 8)
            ]
        )
        config = messages.SET_READER_CONFIG(
            reset_to_factory_default=True, reader_event_notification_spec=events
        )
        await self.ask(config, messages.SET_READER_CONFIG_RESPONSE)
        add = messages.ADD_ROSPEC(ro_spec=ro_spec())
        await self.ask(add, messages.ADD_ROSPEC_RESPONSE)
        await self.ask(messages.ENABLE_ROSPEC(ro_spec_id=5), messages.ENABLE_ROSPEC_RESPONSE)
        await self.ask(messages.START_ROSPEC(ro_spec_id=5), messages.START_ROSPEC_RESPONSE)

    def reads(self) -> list[params.TagReportData]:
        """All tag reports so far."""
        return [
            report
            for message in self.arrived
            if isinstance(message, messages.RO_ACCESS_REPORT)
            for report in message.tag_report_datas
        ]

    def edges(self) -> list[tuple[int, bool]]:
        """GPI events so far, in order."""
        found = []
        for message in self.arrived:
            if isinstance(message, messages.READER_EVENT_NOTIFICATION):
                event = message.reader_event_notification_data.gpi_event
                if event is not None:
                    found.append((event.gpi_port_number, event.gpi_event))
        return found


def ro_spec() -> params.ROSpec:
    """Antennas 1 and 2, every tag at once, all fields."""
    return params.ROSpec(
        ro_spec_id=5,
        ro_boundary_spec=params.ROBoundarySpec(
            ro_spec_start_trigger=params.ROSpecStartTrigger(),
            ro_spec_stop_trigger=params.ROSpecStopTrigger(),
        ),
        spec_parameters=[
            params.AISpec(
                antenna_ids=[1, 2],
                ai_spec_stop_trigger=params.AISpecStopTrigger(),
                inventory_parameter_specs=[
                    params.InventoryParameterSpec(inventory_parameter_spec_id=1, protocol_id=1)
                ],
            )
        ],
        ro_report_spec=params.ROReportSpec(
            ro_report_trigger=1,
            n=1,
            tag_report_content_selector=params.TagReportContentSelector(
                enable_ro_spec_id=True,
                enable_antenna_id=True,
                enable_peak_rssi=True,
                enable_first_seen_timestamp=True,
                enable_last_seen_timestamp=True,
                enable_tag_seen_count=True,
            ),
            custom=[
                impinj.ImpinjTagReportContentSelector(
                    impinj_enable_peak_rssi=impinj.ImpinjEnablePeakRSSI(peak_rssi_mode=1)
                )
            ],
        ),
    )
