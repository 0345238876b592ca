"""The keyboard-wedge scanner driver: key events of /dev/input to scans (Linux).

The device is grabbed, so that no terminal types what was scanned. The event record is the kernel's
`struct input_event` (linux/input.h), read as it is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.drivers.port import FatalError, TransientError
from edge.drivers.scan_keys import Fnc1Key, KeyReader, Layout
from edge.drivers.scan_lines import ScanFormat
from edge.drivers.scanner import ScanFeed, Scanner

EVENT: Final = struct.Struct("@llHHi")
EV_KEY: Final = 1
_EVIOCGRAB: Final = 0x40044590
_GONE: Final = frozenset({errno.ENODEV, errno.EIO})


@dataclass(frozen=True, slots=True)
class HidConfig:
    """Which event device, and how the scanner was set up."""

    path: str
    form: ScanFormat
    layout: Layout = "us"
    fnc1_key: Fnc1Key = "none"


def open_grabbed(path: str) -> int:
    """A descriptor of an event device that is ours alone. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _EVIOCGRAB, 1)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class HidScanner(Scanner):
    """A scanner that types, behind the driver port."""

    def __init__(
        self,
        config: HidConfig,
        *,
        now_us: Callable[[], int],
        mono_us: Callable[[], int],
        open_events: Callable[[str], int] = open_grabbed,
    ) -> None:
        super().__init__(config.form, now_us=now_us, mono_us=mono_us)
        self._config = config
        self._open_events = open_events
        self._keys = self._fresh_keys()
        self._held = b""

    def _fresh_keys(self) -> KeyReader:
        config = self._config
        return KeyReader(config.form, layout=config.layout, fnc1=config.fnc1_key)

    async def connect(self) -> None:
        """Open and grab; a path that is no event device is fatal, one not there is not."""
        await self.close()
        try:
            descriptor = self._open_events(self._config.path)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
                raise FatalError("the path is no event device") from None
            raise TransientError(f"the scanner cannot be opened ({type(error).__name__})") from None
        self._keys, self._held = self._fresh_keys(), b""
        self._begin(descriptor)

    def _read(self) -> None:
        descriptor, scans = self._descriptor, self._scans
        if descriptor is None or scans is None:
            return
        try:
            data = os.read(descriptor, EVENT.size * 64)
        except BlockingIOError:
            return
        except OSError as error:
            data = b""
            if error.errno not in _GONE:
                scans.end(f"the scanner cannot be read ({type(error).__name__})")
        if not data:
            self._drop()
            scans.end("the scanner was unplugged")
            return
        self._take(data, scans)

    def _take(self, data: bytes, scans: ScanFeed) -> None:
        data = self._held + data
        whole = len(data) - len(data) % EVENT.size
        self._held = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == EV_KEY:
                scans.take(self._keys.key(code, value, self._mono_us()))
        scans.watch(self._keys.due, self._expire)

    def _expire(self) -> None:
        if self._scans is not None:
            self._scans.take(self._keys.expire(self._mono_us()))
            self._scans.watch(self._keys.due, self._expire)

    def _shut(self, descriptor: int) -> None:
        os.close(descriptor)
