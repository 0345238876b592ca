"""Where the broker is and who we are there: the options of a connection and its TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from runtime.settings_tree import Mqtt

Protocol = Literal["5", "3.1.1"]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says of this client when the connection breaks."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Where the broker is and who we are there; the limits of the connection."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    protocol: Protocol = "5"
    tls: ssl.SSLContext | None = None
    will: Will | None = None
    keepalive_s: int = 15
    answer_s: float = 10.0
    max_inflight: int = 500
    max_pending: int = 5_000
    max_inbox: int = 5_000

    @property
    def retry_limit_s(self) -> float:
        """The longest pause between two attempts."""
        return 1.0 if self.host in _LOOPBACK else 5.0


def options_from(mqtt: Mqtt, *, client_id: str, will: Will | None = None) -> MqttOptions:
    """The options of a role; its user name, which is unique per process, is its client id."""
    tls = mqtt.tls
    context = None
    if tls is not None:
        context = tls_context(
            ca=str(tls.ca) if tls.ca else None,
            cert=str(tls.cert) if tls.cert else None,
            key=str(tls.key) if tls.key else None,
            verify=tls.verify,
        )
    return MqttOptions(
        host=mqtt.host,
        port=mqtt.port,
        client_id=mqtt.username or client_id,
        username=mqtt.username,
        password=mqtt.password.reveal() if mqtt.password else None,
        protocol=mqtt.protocol,
        tls=context,
        will=will,
    )


def tls_context(
    *, ca: str | None, cert: str | None = None, key: str | None = None, verify: bool = True
) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's certificate checked against `ca` unless told not to."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert:
        context.load_cert_chain(cert, key)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
