"""PLCs, sensor nodes and barcode scanners: settings to driver; modules are loaded only now."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.drivers.port import Driver
from runtime.clock import monotonic_us, now_us
from runtime.mqtt_devices import CONNECT_S, device_bus
from runtime.settings_tree import Device, Sensor, Settings

if TYPE_CHECKING:
    from edge.drivers.points import Point
    from edge.drivers.scan_lines import ScanFormat

_PREFIXES = {"none": b"", "stx": b"\x02"}
_SUFFIXES = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "etx": b"\x03", "tab": b"\t"}


def point_driver(device: Device, settings: Settings, *, agent: str) -> Callable[[], Driver] | None:
    """A fresh driver per connection, what was told last is kept; None for any other device."""
    if device.driver == "modbus":
        return _modbus(device)
    if device.driver == "sparkplug":
        return _sparkplug(device, settings, agent=agent)
    if device.driver == "serial":
        serial = importlib.import_module("edge.drivers.serial_scanner")
        line = serial.SerialConfig(device.tty, _format(device), device.baud, device.framing)
        return lambda: serial.SerialScanner(line, now_us=now_us, mono_us=monotonic_us)
    if device.driver == "hid":
        hid = importlib.import_module("edge.drivers.hid_scanner")
        keys = hid.HidConfig(device.event_path, _format(device), device.layout, device.fnc1_key)
        return lambda: hid.HidScanner(keys, now_us=now_us, mono_us=monotonic_us)
    return None


def _modbus(device: Device) -> Callable[[], Driver]:
    modbus = importlib.import_module("edge.drivers.modbus")
    config = modbus.ModbusConfig(
        host=device.host,
        points={sensor.input: _point(sensor) for sensor in device.sensors},
        port=device.port,
        unit_id=device.unit_id,
        coils={output.port: output.coil for output in device.outputs},
        poll_ms=device.poll_ms,
        debounce_ms=device.debounce_ms,
    )
    told = importlib.import_module("edge.drivers.points").Told()
    return lambda: modbus.ModbusDriver(config, told=told, now_us=now_us, mono_us=monotonic_us)


def _sparkplug(device: Device, settings: Settings, *, agent: str) -> Callable[[], Driver]:
    sparkplug = importlib.import_module("edge.drivers.sparkplug")
    config = sparkplug.SparkplugConfig(
        group=device.group,
        node=device.node,
        points={(sensor.source, sensor.metric): _point(sensor) for sensor in device.sensors},
        outputs={output.port: (output.source, output.metric) for output in device.outputs},
        connect_s=CONNECT_S,
    )
    memory = sparkplug.Memory()
    return lambda: sparkplug.SparkplugDriver(
        config,
        open_bus=lambda: device_bus(device, settings, agent=agent),
        memory=memory,
        now_us=now_us,
        mono_us=monotonic_us,
    )


def _point(sensor: Sensor) -> Point:
    points = importlib.import_module("edge.drivers.points")
    return points.Point(  # type: ignore[no-any-return]
        kind=sensor.kind,
        port=sensor.port,
        belt=sensor.belt,
        event=sensor.event,
        invert=sensor.invert,
        factor=sensor.factor,
        step=sensor.step,
    )


def _format(device: Device) -> ScanFormat:
    lines = importlib.import_module("edge.drivers.scan_lines")
    return lines.ScanFormat(  # type: ignore[no-any-return]
        prefix=_PREFIXES[device.prefix],
        suffix=_SUFFIXES[device.suffix],
        encoding=device.encoding,
        fnc1=device.fnc1 or "",
        repeat_ms=device.repeat_ms,
    )
