"""The two ways to hand lines to the server, both blocking, and what its answers mean.

`Refused` is about the lines themselves; `Away` is everything that another try may cure.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

TIMEOUT_S = 5.0
# Malformed or of another type; too large; outside what the server retains.
REFUSALS = frozenset({400, 413, 422})


class Refused(Exception):
    """The server does not take at least one of the lines, now or later."""


class Away(Exception):
    """The lines may be stored another time."""


class Transport(Protocol):
    """Stores lines. Raises `Refused` or `Away`."""

    def write(self, lines: Sequence[str]) -> None:
        """Blocks until the server has answered."""

    def close(self) -> None:
        """No more writes come."""


def _failure(status: int | None) -> Refused | Away:
    if status in REFUSALS:
        return Refused(f"HTTP {status}")
    return Away(f"HTTP {status}" if status else "no answer")


class WriteV2:
    """`/api/v2/write` through influxdb-client: InfluxDB 1.8 and later, VictoriaMetrics."""

    def __init__(self, url: str, *, token: str, org: str, bucket: str) -> None:
        self._bucket = bucket
        self._client = InfluxDBClient(url, token=token, org=org, timeout=int(TIMEOUT_S * 1000))
        self._api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: Sequence[str]) -> None:
        """See the protocol."""
        try:
            self._api.write(self._bucket, record="\n".join(lines))
        except ApiException as error:
            raise _failure(error.status) from error
        except (HTTPError, OSError) as error:
            raise Away("no answer") from error

    def close(self) -> None:
        """See the protocol."""
        close: Callable[[], None] = self._client.close
        close()


class WriteV1:
    """`/write?db=`: InfluxDB before 1.8."""

    def __init__(self, url: str, *, database: str) -> None:
        query = urllib.parse.urlencode({"db": database, "precision": "ns"})
        self._url = f"{url.rstrip('/')}/write?{query}"
        # No redirects: a POST that became a GET would look stored.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self._opener.add_handler(handler)

    def write(self, lines: Sequence[str]) -> None:
        """See the protocol."""
        body = "\n".join(lines).encode()
        request = urllib.request.Request(self._url, data=body, method="POST")
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                answer.read()
                status = answer.status
        except urllib.error.HTTPError as error:
            error.close()
            raise _failure(error.code) from error
        except (OSError, http.client.HTTPException) as error:
            raise Away("no answer") from error
        if status != http.HTTPStatus.NO_CONTENT:
            raise _failure(status)

    def close(self) -> None:
        """See the protocol."""


def build_transport(
    version: Literal["v1", "v2"], *, url: str, token: str, org: str, bucket: str, database: str
) -> Transport:
    """The way for this server."""
    if version == "v1":
        return WriteV1(url, database=database)
    return WriteV2(url, token=token, org=org, bucket=bucket)
