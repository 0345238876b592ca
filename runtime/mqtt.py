"""The bus over MQTT 5 and 3.1.1: reconnects by itself, is bounded, and never counts on the broker.

Sessions are clean: whatever a broker lost or never kept comes back from the senders' spools.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contracts.bus import BusUnavailableError, Delivery
from runtime.mqtt_options import MqttOptions, Protocol, Will, options_from, tls_context

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
__all__ = ["MqttBus", "MqttOptions", "Protocol", "Will", "options_from", "tls_context"]
_VERSION = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}


def _socket_options() -> list[tuple[int, int, int]]:
    # Without NODELAY every acknowledgement may wait 40 ms for the next packet.
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000))
    return options


class _Connection(aiomqtt.Client):
    """One connection's life. Publishes wait on their own acknowledgement and fail with the link."""

    def __init__(self, bus: MqttBus) -> None:
        options = bus.options
        fresh: dict[str, Any] = {"clean_session": True}
        if options.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
            fresh = {"clean_start": True, "properties": properties}
        will = options.will
        super().__init__(
            options.host,
            options.port,
            identifier=options.client_id,
            username=options.username,
            password=options.password,
            protocol=_VERSION[options.protocol],
            tls_context=options.tls,
            will=aiomqtt.Will(will.topic, will.payload, qos=1) if will else None,
            keepalive=options.keepalive_s,
            timeout=options.answer_s,
            max_inflight_messages=options.max_inflight,
            socket_options=_socket_options(),
            **fresh,
        )
        self._bus = bus
        self._unanswered: dict[int, asyncio.Future[ReasonCode | None]] = {}
        # What the broker allows in flight; paho itself does not look at its Receive Maximum.
        self._slots = asyncio.Semaphore(bus.options.max_inflight)
        self._waiting = 0

    async def send(self, topic: str, payload: bytes, *, retain: bool) -> ReasonCode | None:
        """Publish with QoS 1 and wait for the broker's word (None: the connection went first)."""
        if self._waiting >= self._bus.options.max_pending:
            raise BusUnavailableError("too many messages wait for the broker")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._bus.options.answer_s), self._slots:
                return await self._answer(topic, payload, retain=retain)
        except TimeoutError:
            raise BusUnavailableError("the broker did not acknowledge in time") from None
        finally:
            self._waiting -= 1

    async def _answer(self, topic: str, payload: bytes, *, retain: bool) -> ReasonCode | None:
        info = self._client.publish(topic, payload, 1, retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise BusUnavailableError("no connection to the broker")
        answer: asyncio.Future[ReasonCode | None] = self._loop.create_future()
        self._unanswered[info.mid] = answer
        try:
            return await answer
        finally:
            self._unanswered.pop(info.mid, None)

    @property
    def pending(self) -> int:
        """Publishes that wait for their acknowledgement."""
        return self._waiting

    @property
    def sends_at_once(self) -> bool:
        """Whether small packets leave without waiting for each other."""
        wire = self._client.socket()
        if not isinstance(wire, socket.socket):
            return False
        return bool(wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def cut(self) -> None:
        """Shut the socket down under the connection."""
        wire = self._client.socket()
        if isinstance(wire, socket.socket):
            wire.shutdown(socket.SHUT_RDWR)

    async def lost(self) -> None:
        """Return when the connection is gone."""
        await asyncio.wait([self._disconnected])
        self._disconnected.exception()

    def release(self) -> None:
        """Fail what still waits and close the socket, whatever state the connection is in."""
        for answer in self._unanswered.values():
            if not answer.done():
                answer.set_result(None)
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
        if self._misc_task is not None:
            self._misc_task.cancel()

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        limit = int(getattr(properties, "ReceiveMaximum", self._bus.options.max_inflight))
        self._slots = asyncio.Semaphore(min(limit, self._bus.options.max_inflight))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        self._bus._take(message)

    def _on_publish(
        self,
        client: paho.Client,
        userdata: Any,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        answer = self._unanswered.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(reason_code)


class MqttBus:
    """`contracts.bus.Bus` over aiomqtt. Enter it as a context; it connects in the background.

    An acknowledged message may still be lost by the broker; one that raised may have arrived.
    """

    def __init__(self, options: MqttOptions) -> None:
        self.options = options
        self._filters: list[str] = []
        self._inbox: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._link: _Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._connects = 0
        self._discarded = 0
        self._trouble = ""

    @property
    def connected(self) -> bool:
        """Whether the broker is reachable right now."""
        return self._link is not None

    @property
    def connects(self) -> int:
        """How often a connection was made, subscriptions included."""
        return self._connects

    @property
    def discarded(self) -> int:
        """Messages dropped because the consumer was behind."""
        return self._discarded

    @property
    def pending(self) -> int:
        """Messages handed over that the broker has not answered yet."""
        return self._link.pending if self._link is not None else 0

    @property
    def waiting(self) -> int:
        """Messages that arrived and were not taken yet."""
        return len(self._inbox)

    @property
    def sends_at_once(self) -> bool:
        """Whether TCP_NODELAY is set on the connection there is."""
        return self._link is not None and self._link.sends_at_once

    def cut(self) -> None:
        """Break the connection without a farewell; the will is heard and the bus comes back."""
        if self._link is not None:
            self._link.cut()

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep_connected(), name="mqtt")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closed = True
        self._arrived.set()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for these filters now and after every reconnect."""
        fresh = [topic for topic in topics if topic not in self._filters]
        self._filters += fresh
        link = self._link
        if link is not None and fresh:
            # A link that dies meanwhile subscribes to all of them when it is back.
            with contextlib.suppress(aiomqtt.MqttError):
                await self._ask(link, fresh)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over with QoS 1; raises `BusUnavailableError` if the broker did not."""
        link = self._link
        if link is None:
            raise BusUnavailableError("no connection to the broker")
        reason = await link.send(topic, payload, retain=retain)
        if reason is None:
            raise BusUnavailableError("the connection broke before the broker answered")
        if reason.is_failure:
            raise BusUnavailableError(f"the broker refused the message: {reason}")

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages in arrival order until the bus is closed."""
        while True:
            while self._inbox:
                yield self._inbox.popleft()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    def _take(self, message: paho.MQTTMessage) -> None:
        if len(self._inbox) >= self.options.max_inbox:
            self._discarded += 1
            if self._discarded & (self._discarded - 1) == 0:
                log.warning("inbox_full", extra={"discarded": self._discarded})
            return
        self._inbox.append(
            Delivery(message.topic, bytes(message.payload), message.qos, bool(message.retain))
        )
        self._arrived.set()

    async def _keep_connected(self) -> None:
        pause = FIRST_RETRY_S
        while True:
            before = self._connects
            try:
                await self._live_once()
            except (aiomqtt.MqttError, OSError, ValueError) as why:
                self._say(str(why) or type(why).__name__)
            if self._connects > before:
                pause = FIRST_RETRY_S
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, self.options.retry_limit_s)

    async def _live_once(self) -> None:
        link = _Connection(self)
        try:
            async with link:
                if self._filters:
                    await self._ask(link, self._filters)
                self._link = link
                self._connects += 1
                self._say("")
                await link.lost()
                self._say("the connection broke")
        finally:
            self._link = None
            link.release()

    async def _ask(self, link: _Connection, topics: Sequence[str]) -> None:
        if self.options.protocol == "5":
            how = SubscribeOptions(
                qos=1,
                retainAsPublished=True,
                retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND,
            )
            await link.subscribe([(topic, how) for topic in topics])
        else:
            await link.subscribe([(topic, 1) for topic in topics])

    def _say(self, trouble: str) -> None:
        """One log line per change: connected, or why not."""
        if trouble == self._trouble and trouble:
            return
        self._trouble = trouble
        where = {"host": self.options.host, "port": self.options.port}
        if trouble:
            log.warning("bus_away", extra={**where, "why": trouble})
        else:
            log.info("bus_connected", extra={**where, "connects": self._connects})
