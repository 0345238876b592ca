"""The serial scanner driver: RS-232 or USB-CDC lines to scans, read as soon as bytes arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import serial

from edge.drivers.port import TransientError
from edge.drivers.scan_lines import LineCutter, ScanFormat
from edge.drivers.scanner import Scanner

Framing = Literal["8N1", "8E1", "8O1", "7E1", "7O1", "8N2"]


@dataclass(frozen=True, slots=True)
class SerialConfig:
    """Which line, its rate and its framing (bits, parity, stop bits)."""

    tty: str
    form: ScanFormat
    baud: int = 9_600
    framing: Framing = "8N1"


class SerialScanner(Scanner):
    """A scanner on a serial line behind the driver port."""

    def __init__(
        self,
        config: SerialConfig,
        *,
        now_us: Callable[[], int],
        mono_us: Callable[[], int],
    ) -> None:
        super().__init__(config.form, now_us=now_us, mono_us=mono_us)
        self._config = config
        self._line: serial.Serial | None = None
        self._cutter = LineCutter(config.form)

    async def connect(self) -> None:
        """Open the line for us alone; a scanner that is not plugged in is tried again."""
        await self.close()
        try:
            line = await asyncio.to_thread(self._open)
        except (OSError, ValueError) as error:
            raise TransientError(f"the line cannot be opened ({type(error).__name__})") from None
        self._line = line
        self._cutter = LineCutter(self._config.form)
        self._begin(line.fileno())

    def _open(self) -> serial.Serial:
        bits, parity, stop = self._config.framing
        return serial.Serial(
            self._config.tty,
            self._config.baud,
            bytesize=int(bits),
            parity=parity,
            stopbits=int(stop),
            timeout=0,
            exclusive=True,
        )

    def _read(self) -> None:
        line, scans = self._line, self._scans
        if line is None or scans is None:
            return
        try:
            data = line.read(4_096)
        except (OSError, TypeError) as error:
            self._drop()
            scans.end(f"the line is gone ({type(error).__name__})")
            return
        scans.take(self._cutter.feed(data, self._mono_us()))
        scans.watch(self._cutter.due, self._expire)

    def _expire(self) -> None:
        if self._scans is not None:
            self._scans.take(self._cutter.expire(self._mono_us()))
            self._scans.watch(self._cutter.due, self._expire)

    def _shut(self, descriptor: int) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
