"""Uvicorn's fast HTTP parser with a bound on what it holds before a request's headers are whole."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class CappedHttpProtocol(HttpToolsProtocol):
    """Ends a connection whose headers do not end within `MAX_HEAD` bytes.

    The gate answers what is over its own, smaller limit with a problem; this guards the memory.
    """

    _in_head = False
    _head_bytes = 0

    def on_message_begin(self) -> None:
        """A request begins: its headers come first."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """What follows is the body, which is counted elsewhere."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count while the headers are incomplete."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
