"""What a device's driver cannot do without, and what its sensors and outputs may not share."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.settings_raw import Raw
from runtime.settings_schema_devices import DRIVERS, MEASURED, MQTT_DRIVERS

_NEEDED: dict[str, tuple[tuple[str, str], ...]] = {
    "llrp": (("host", "say where the reader is"),),
    "trace": (("path", "name the recorded trace"),),
    "modbus": (("host", "say where the device is"),),
    "sparkplug": (
        ("group", "name the node's group"),
        ("node", "name the edge node"),
    ),
    "json": (("mapping", "name the mapping file"),),
    "serial": (("tty", "name the line, best by /dev/serial/by-id/…"),),
    "hid": (("event_path", "name the event device, best by /dev/input/by-id/…"),),
}
MAX_DEVICES = 64
_ADDRESS = {"modbus": ("input", "coil"), "sparkplug": ("metric", "metric")}


def devices(raw: Raw) -> list[str]:
    """The tables of all devices."""
    return raw.elements("edge.device")


def needed(raw: Raw, device: str) -> Iterator[tuple[str, str]]:
    """(key, advice) of what this device must have."""
    yield f"{device}.name", "name the device"
    yield f"{device}.driver", ", ".join(DRIVERS)
    driver = str(raw.get(f"{device}.driver"))
    for key, advice in _NEEDED.get(driver, ()):
        yield f"{device}.{key}", advice
    if driver in MQTT_DRIVERS:
        if driver != "sparkplug":
            yield f"{device}.topics", "name the topics of this device"
        if raw.get(f"{device}.host") is None:
            yield f"{device}.username", "a device's topics need a log-in of their own"
        else:
            yield f"{device}.port", "name the port of this broker"
    for antenna in raw.elements(f"{device}.antenna"):
        yield f"{antenna}.port", "name the antenna port"
    for reference in raw.elements(f"{device}.reference"):
        yield f"{reference}.epc", "name the EPC of the reference tag"
    yield from _points(raw, device, driver)


def _points(raw: Raw, device: str, driver: str) -> Iterator[tuple[str, str]]:
    source, target = _ADDRESS.get(driver, ("", ""))
    for sensor in raw.elements(f"{device}.sensor"):
        yield f"{sensor}.kind", "say what it senses"
        if source:
            yield f"{sensor}.{source}", f"name its {source}"
        if raw.get(f"{sensor}.kind") == "gpi":
            yield f"{sensor}.port", "number this input"
        if raw.get(f"{sensor}.kind") == "conveyor":
            yield f"{sensor}.belt", "name the belt as in the layout"
    for output in raw.elements(f"{device}.output"):
        yield f"{output}.port", "number this output"
        if target:
            yield f"{output}.{target}", f"name its {target}"


def shared(raw: Raw) -> Iterator[tuple[str, str]]:
    """(key, what) of the second of two entries that must differ."""
    tables: list[tuple[str, tuple[str, ...], str]] = [("edge.device", ("name",), "the device name")]
    for device in devices(raw):
        tables += [
            (f"{device}.antenna", ("port",), "the antenna port of this device"),
            (f"{device}.output", ("port",), "the output port of this device"),
            (f"{device}.reference", ("epc",), "the reference tag of this device"),
            (f"{device}.sensor", ("metric", "source"), "the metric of this device"),
            (f"{device}.sensor", ("input",), "the input of this device"),
        ]
    for table, leaves, what in tables:
        seen: set[tuple[object, ...]] = set()
        for element in raw.elements(table):
            found = tuple(raw.get(f"{element}.{leaf}") for leaf in leaves)
            if found[0] is not None and found in seen:
                yield f"{element}.{leaves[0]}", what
            seen.add(found)


def unfit(raw: Raw) -> Iterator[tuple[str, str]]:
    """(key, advice) of values that their driver or kind cannot have."""
    for device in devices(raw)[MAX_DEVICES:]:
        yield f"{device}.name", f"an agent has at most {MAX_DEVICES} devices"
    for device in devices(raw):
        inputs: list[int] = []
        for sensor in raw.elements(f"{device}.sensor"):
            kind, event = raw.get(f"{sensor}.kind"), raw.get(f"{sensor}.event")
            measured = kind in MEASURED or (kind == "conveyor" and event == "speed")
            if raw.get(f"{device}.driver") == "modbus" and measured:
                yield f"{sensor}.kind", "a discrete input is photo_eye, gpi or a conveyor jam"
            if raw.get(f"{sensor}.factor") == 0:
                yield f"{sensor}.factor", "not 0"
            address = raw.get(f"{sensor}.input")
            if isinstance(address, int):
                inputs.append(address)
                if max(inputs) - min(inputs) >= 2_000:
                    yield f"{sensor}.input", "one device reads at most 2000 inputs in a row"
