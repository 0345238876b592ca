"""What a device's table may not say: each driver's own needs, shared names, values out of place."""

from __future__ import annotations

import pytest

from tests.unit.runtime.test_settings import GOOD, Refuse, folder, refuse

__all__ = ["folder", "refuse"]
BROKER = 'username = "u"\npassword_file = "word"\n'
MODBUS = 'driver = "modbus"\nhost = "h"\n'
SPARK = 'driver = "sparkplug"\ngroup = "g"\nnode = "n"\n' + BROKER


def sensor(text: str) -> str:
    return f"[[edge.device.sensor]]\n{text}\n"


def output(text: str) -> str:
    return f"[[edge.device.output]]\n{text}\n"


@pytest.mark.parametrize(
    ("device", "code", "key"),
    [
        ("", "config-missing-key", "driver"),
        ('driver = "lorry"\n', "config-value", "driver"),
        ('driver = "llrp"\n', "config-missing-key", "host"),
        ('driver = "trace"\n', "config-missing-key", "path"),
        ('driver = "modbus"\n', "config-missing-key", "host"),
        ('driver = "serial"\n', "config-missing-key", "tty"),
        ('driver = "hid"\n', "config-missing-key", "event_path"),
        ('driver = "r700"\n' + BROKER, "config-missing-key", "topics"),
        ('driver = "zebra"\n' + BROKER, "config-missing-key", "topics"),
        ('driver = "r700"\ntopics = ["t"]\n', "config-missing-key", "username"),
        ('driver = "r700"\ntopics = ["t"]\nhost = "h"\n', "config-missing-key", "port"),
        ('driver = "json"\ntopics = ["t"]\n' + BROKER, "config-missing-key", "mapping"),
        ('driver = "sparkplug"\nnode = "n"\n' + BROKER, "config-missing-key", "group"),
        ('driver = "sparkplug"\ngroup = "g"\n' + BROKER, "config-missing-key", "node"),
        (MODBUS + sensor("input = 1"), "config-missing-key", "sensor[0].kind"),
        (MODBUS + sensor('kind = "photo_eye"'), "config-missing-key", "sensor[0].input"),
        (MODBUS + sensor('kind = "gpi"\ninput = 1'), "config-missing-key", "sensor[0].port"),
        (
            MODBUS + sensor('kind = "conveyor"\nevent = "jam"\ninput = 1'),
            "config-missing-key",
            "sensor[0].belt",
        ),
        (MODBUS + sensor('kind = "weight"\ninput = 1'), "config-value", "sensor[0].kind"),
        (
            MODBUS + "".join(sensor(f'kind = "photo_eye"\ninput = {n}') for n in (1, 2_001)),
            "config-value",
            "sensor[1].input",
        ),
        (
            MODBUS + 2 * sensor('kind = "photo_eye"\ninput = 1'),
            "config-duplicate-key",
            "sensor[1].input",
        ),
        (MODBUS + output("coil = 1"), "config-missing-key", "output[0].port"),
        (MODBUS + output("port = 1"), "config-missing-key", "output[0].coil"),
        (MODBUS + 2 * output("port = 1\ncoil = 1"), "config-duplicate-key", "output[1].port"),
        (SPARK + sensor('kind = "weight"'), "config-missing-key", "sensor[0].metric"),
        (SPARK + output("port = 1"), "config-missing-key", "output[0].metric"),
        (
            SPARK + sensor('kind = "weight"\nmetric = "kg"\nfactor = 0'),
            "config-value",
            "sensor[0].factor",
        ),
        (MODBUS + "colour = 3\n", "config-unknown-key", "colour"),
    ],
)
def test_a_device_that_cannot_work_is_refused_by_its_key(
    refuse: Refuse, device: str, code: str, key: str
) -> None:
    found = refuse(GOOD + '[[edge.device]]\nname = "d"\n' + device)

    assert (found[0], found[2]) == (code, f"edge.device[0].{key}")


def test_an_agent_has_at_most_64_devices(refuse: Refuse) -> None:
    many = "".join(
        f'[[edge.device]]\nname = "d{n}"\ndriver = "llrp"\nhost = "h"\n' for n in range(65)
    )

    assert refuse(GOOD + many)[::2] == ("config-value", "edge.device[64].name")
