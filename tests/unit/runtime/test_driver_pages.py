"""The configuration that each driver page prints loads as it stands and builds its drivers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runtime import settings
from runtime.roles.edge import build_driver
from runtime.settings_errors import ConfigError

PAGES = Path(__file__).parents[3] / "docs" / "drivers"
DRIVERS = {
    "llrp": ["llrp"],
    "r700": ["r700"],
    "zebra": ["zebra", "zebra-handheld"],
    "json": ["json"],
    "modbus": ["modbus"],
    "sparkplug": ["sparkplug"],
    "scanner": ["serial", "hid"],
}


def load(folder: Path, text: str) -> settings.Loaded:
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n")
    (folder / "intel_rsp.toml").write_text((PAGES / "intel_rsp.toml").read_text())
    for name in re.findall(r'"([a-z0-9-]+\.password)"', text):
        (folder / name).write_text("a-long-secret-word\n")
        (folder / name).chmod(0o600)
    file = folder / "site.toml"
    file.write_text(text)
    file.chmod(0o600)
    environment = {"DOCKLEDGER_HOME": str(folder / "home")}
    return settings.load_full(
        file, role="edge", environment=environment, insecure=False, recover=False
    )


def block(page: str) -> str:
    found = re.search(r"```toml\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("page", sorted(DRIVERS))
def test_the_block_of_a_driver_page_loads(page: str, tmp_path: Path) -> None:
    tree = load(tmp_path, block(page)).settings

    assert tree.edge is not None
    assert [device.driver for device in tree.edge.devices] == DRIVERS[page]
    for device in tree.edge.devices:
        build_driver(device, tree)()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('topics = ["readers/r700-dock1"]', "", "config-missing-key"),
        ('"readers/r700-dock1"', '"readers/#/x"', "config-value"),
        ('"readers/r700-dock1"', '"$SYS/#"', "config-value"),
        ('username = "reader-r1"', "", "config-missing-key"),
        ('driver = "r700"', 'driver = "r701"', "config-value"),
        ('driver = "r700"', 'driver = "json"', "config-missing-key"),
        ('driver = "r700"', 'driver = "r700"\nhost = "10.0.0.1"\nport = 1883', "config-insecure"),
    ],
)
def test_a_broker_device_that_cannot_work_is_refused(
    old: str, new: str, code: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, block("r700").replace(old, new))

    assert refusal.value.code == code


def test_a_mapping_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    tree = load(tmp_path, block("json")).settings
    (tmp_path / "intel_rsp.toml").write_text("entries = '['")
    assert tree.edge is not None

    with pytest.raises(ConfigError) as refusal:
        build_driver(tree.edge.devices[0], tree)

    assert refusal.value.code == "config-file"
