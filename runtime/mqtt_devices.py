"""Devices that publish to a broker: settings to driver, with a client of their own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.drivers.port import Driver
from runtime.clock import now_us
from runtime.mqtt import MqttBus
from runtime.mqtt_options import options_from
from runtime.settings_errors import ConfigError
from runtime.settings_tree import Device, Settings

if TYPE_CHECKING:
    from edge.drivers.formats import Decoder

CONNECT_S = 5.0


def device_bus(device: Device, settings: Settings, *, agent: str) -> MqttBus:
    """The device's broker: its `host`, which is on this machine, or the agent's own with TLS."""
    mqtt = settings.mqtt
    if device.host is not None:
        mqtt = replace(mqtt, host=device.host, port=device.port, tls=None)
    account = replace(mqtt, username=device.username, password=device.password)
    return MqttBus(options_from(account, client_id=f"{agent}-{device.name}"))


def mqtt_driver(device: Device, settings: Settings, *, agent: str) -> Callable[[], Driver]:
    """A fresh driver per connection; the decoder's memory of the device is kept."""
    module = importlib.import_module("edge.drivers.mqtt_reader")
    decoder = _decoder(device)
    config = module.MqttReaderConfig(topics=device.topics, connect_s=CONNECT_S)
    return lambda: module.MqttReader(
        config,
        decoder=decoder,
        open_bus=lambda: device_bus(device, settings, agent=agent),
        now_us=now_us,
    )


def _decoder(device: Device) -> Decoder:
    if device.driver == "r700":
        r700 = importlib.import_module("edge.drivers.r700_events")
        return r700.R700Decoder(device.hostname)  # type: ignore[no-any-return]
    formats = importlib.import_module("edge.drivers.formats")
    try:
        text = None if device.mapping is None else device.mapping.read_text(encoding="utf-8")
        return formats.FORMATS[device.driver](text)  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        where = f"edge.device {device.name} mapping"
        raise ConfigError("config-file", key=where, advice=str(error)) from None
