"""The LLRP 1.0.1 driver: connects to a fixed reader, sets it up from scratch, yields its readings.

Every connection starts from factory defaults and our own ROSpec, so nothing an earlier client left
behind decides what is read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from edge.drivers import llrp_build as build
from edge.drivers.llrp_capabilities import Capabilities, parse_capabilities
from edge.drivers.llrp_codec import (
    IMPINJ_VENDOR,
    MAX_FRAME_BYTES,
    BodyError,
    Frame,
    MessageType,
)
from edge.drivers.llrp_events import Status, parse_status
from edge.drivers.llrp_session import LlrpSession
from edge.drivers.port import DriverNotice, FatalError, RawReading, TransientError

ROSPEC_ID: Final = 1407
_INPUTS_S: Final = 2.0
_DUPLICATE, _DEVICE_ERROR = 104, 401


@dataclass(frozen=True, slots=True)
class LlrpAntenna:
    """One antenna port to use; without a power the reader keeps its own."""

    port: int
    power_dbm: float | None = None


@dataclass(frozen=True, slots=True)
class LlrpConfig:
    """How to reach a reader and what to ask of it. `report_ms` 0 = every tag at once (portals)."""

    host: str
    port: int = 5084
    antennas: tuple[LlrpAntenna, ...] = ()
    report_ms: int = 0
    session: int = 1
    mode_index: int | None = None
    keepalive_ms: int = 2_000
    timeout_s: float = 5.0
    max_pending: int = 20_000
    max_frame_bytes: int = MAX_FRAME_BYTES


class LlrpDriver:
    """A reader behind the driver port."""

    def __init__(self, config: LlrpConfig, *, now_us: Callable[[], int]) -> None:
        self._config = config
        self._now_us = now_us
        self._session: LlrpSession | None = None
        self._capabilities = Capabilities()

    @property
    def capabilities(self) -> Capabilities:
        """What the reader said at the last connect."""
        return self._capabilities

    async def connect(self) -> None:
        """TCP, connection-attempt event, capability check, configuration, ROSpec started."""
        await self._drop()
        session = await self._open()
        self._session = session
        try:
            await self._accepted(session)
            await self._set_up(session)
        except BaseException:
            session.lose(TransientError("the set-up failed"))
            self._session = None
            raise

    async def readings(self) -> AsyncIterator[RawReading]:
        """All readings in the reader's order; `TransientError` when the connection is lost."""
        session = self._session
        if session is None:
            raise TransientError("not connected")
        yield DriverNotice("connected", self._now_us())
        async for reading in session.readings():
            yield reading

    async def set_output(self, port: int, *, state: bool) -> None:
        """Switch a GPO and wait until the reader confirms it."""
        session = self._session
        if session is None:
            raise TransientError("not connected")
        if not 1 <= port <= self._capabilities.outputs:
            raise FatalError(f"the reader has no output {port}")
        message = build.write_output(session.next_id(), port, state=state)
        status = await self._ask(session, message, MessageType.SET_READER_CONFIG_RESPONSE)
        if status.code == _DEVICE_ERROR:
            raise TransientError("the reader could not switch the output")
        if status.code != 0:
            raise FatalError(f"the reader refused output {port}, LLRP status {status.code}")

    async def close(self) -> None:
        """Stop reading and end the connection; safe at any time, also twice."""
        session, self._session = self._session, None
        if session is None:
            return
        with contextlib.suppress(TransientError):
            delete = build.rospec_command(MessageType.DELETE_ROSPEC, session.next_id(), ROSPEC_ID)
            session.send(delete)
            await session.request(
                build.close_connection(session.next_id()),
                response=MessageType.CLOSE_CONNECTION_RESPONSE,
                timeout_s=min(1.0, self._config.timeout_s),
            )
        session.lose(TransientError("closed"))

    async def _drop(self) -> None:
        if self._session is not None:
            self._session.lose(TransientError("connected anew"))
            self._session = None

    async def _open(self) -> LlrpSession:
        config = self._config
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(config.timeout_s):
                _, session = await loop.create_connection(
                    lambda: LlrpSession(
                        now_us=self._now_us,
                        max_pending=config.max_pending,
                        max_frame_bytes=config.max_frame_bytes,
                    ),
                    config.host,
                    config.port,
                )
        except TimeoutError:
            raise TransientError("the reader did not accept in time") from None
        except OSError as error:
            raise TransientError(f"the reader is not reachable ({type(error).__name__})") from None
        return session

    async def _accepted(self, session: LlrpSession) -> None:
        try:
            async with asyncio.timeout(self._config.timeout_s):
                await asyncio.shield(session.accepted)
        except TimeoutError:
            raise TransientError("the reader sent no connection event") from None

    async def _set_up(self, session: LlrpSession) -> None:
        found = await self._ask_capabilities(session)
        setups = self._antenna_setups(found)
        impinj = found.manufacturer == IMPINJ_VENDOR and await self._enable_impinj(session)
        session.decoder.frequencies_khz = found.frequencies_khz
        await self._configure(session, found)
        if found.inputs:
            await self._read_inputs(session)
        spec = build.RoSpec(
            id=ROSPEC_ID,
            antennas=setups,
            report_ms=self._config.report_ms,
            session=self._config.session,
            mode_index=self._config.mode_index,
            hop_table=found.hop_table,
            hopping=found.hopping,
            impinj=impinj,
        )
        await self._start(session, spec)
        if found.holds_reports:
            session.send(build.enable_events_and_reports(session.next_id()))
        self._capabilities = found

    async def _ask_capabilities(self, session: LlrpSession) -> Capabilities:
        frame = await session.request(
            build.get_capabilities(session.next_id()),
            response=MessageType.GET_READER_CAPABILITIES_RESPONSE,
            timeout_s=self._config.timeout_s,
        )
        _require(_status(frame), "capabilities")
        try:
            return parse_capabilities(frame)
        except BodyError as error:
            raise TransientError(f"capabilities: {error}") from None

    def _antenna_setups(self, found: Capabilities) -> tuple[build.AntennaSetup, ...]:
        """Refuses a port or a power the reader does not have."""
        wanted = self._config.antennas or tuple(
            LlrpAntenna(port) for port in range(1, found.antennas + 1)
        )
        setups = []
        for antenna in wanted:
            if not 1 <= antenna.port <= found.antennas:
                raise FatalError(
                    f"antenna {antenna.port} is configured, the reader has {found.antennas}"
                )
            index = None
            if antenna.power_dbm is not None and found.powers_centi_dbm:
                index = found.power_index(antenna.power_dbm)
                if index is None:
                    raise FatalError(
                        f"antenna {antenna.port}: its power is below the reader's range"
                    )
            setups.append(build.AntennaSetup(antenna.port, index))
        return tuple(setups)

    async def _enable_impinj(self, session: LlrpSession) -> bool:
        message = build.impinj_enable_extensions(session.next_id())
        return (await self._ask(session, message, MessageType.CUSTOM_MESSAGE)).code == 0

    async def _configure(self, session: LlrpSession, found: Capabilities) -> None:
        message = build.reset_config(
            session.next_id(), keepalive_ms=self._config.keepalive_ms, inputs=found.inputs
        )
        status = await self._ask(session, message, MessageType.SET_READER_CONFIG_RESPONSE)
        _require(status, "configuration")
        session.watch_keepalives(2.5 * self._config.keepalive_ms / 1000)

    async def _read_inputs(self, session: LlrpSession) -> None:
        """What changed while nobody listened. A reader that cannot say goes on without."""
        try:
            frame = await session.request(
                build.get_inputs(session.next_id()),
                response=MessageType.GET_READER_CONFIG_RESPONSE,
                timeout_s=min(_INPUTS_S, self._config.timeout_s),
            )
            code = _status(frame).code
            why = "" if code == 0 else f"LLRP status {code}"
        except TransientError as error:
            why = str(error)
        if why:
            session.note(f"the levels of the inputs are not known: {why}")

    async def _start(self, session: LlrpSession, spec: build.RoSpec) -> None:
        # 0 deletes all of them; a reader without any, or without that form, may refuse: no harm.
        for old in (0, spec.id):
            delete = build.rospec_command(MessageType.DELETE_ROSPEC, session.next_id(), old)
            if (await self._ask(session, delete, MessageType.DELETE_ROSPEC_RESPONSE)).code == 0:
                break
        add = build.add_rospec(session.next_id(), spec)
        _require(await self._ask(session, add, MessageType.ADD_ROSPEC_RESPONSE), "ROSpec")
        for kind, response in (
            (MessageType.ENABLE_ROSPEC, MessageType.ENABLE_ROSPEC_RESPONSE),
            (MessageType.START_ROSPEC, MessageType.START_ROSPEC_RESPONSE),
        ):
            message = build.rospec_command(kind, session.next_id(), spec.id)
            status = await self._ask(session, message, response)
            if status.code != 0:
                raise TransientError(f"{kind.name} was refused, LLRP status {status.code}")

    async def _ask(self, session: LlrpSession, message: bytes, response: MessageType) -> Status:
        timeout_s = self._config.timeout_s
        return _status(await session.request(message, response=response, timeout_s=timeout_s))


def _status(frame: Frame) -> Status:
    try:
        return parse_status(frame)
    except BodyError as error:
        raise TransientError(f"a response cannot be read: {error}") from None


def _require(status: Status, what: str) -> None:
    """A refused set-up stays refused, unless the device failed or is not clean yet."""
    if status.code == 0:
        return
    text = f"the reader refused the {what}, LLRP status {status.code}"
    if status.code in (_DUPLICATE, _DEVICE_ERROR):
        raise TransientError(text)
    raise FatalError(text)
