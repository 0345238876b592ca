"""A sent configuration passes the checks of the local file and can name nothing beyond its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.remote_config import ConfigRefusedError
from runtime import settings
from runtime.remote_document import MAX_BYTES, check_document
from runtime.roles.edge import read_config
from runtime.settings_errors import ConfigError

LOCAL = """site = "a"
[mqtt]
username = "dock-03"
password_file = "dock-03.password"
[edge]
agent = "dock-03"
[edge.batch]
max_readings = 100
[[edge.device]]
name = "old"
driver = "llrp"
host = "10.0.0.1"
"""
GOOD = """[edge.batch]
max_readings = 50
[[edge.device]]
name = "r1"
driver = "llrp"
host = "10.0.0.7"
antenna = [{ port = 1, power_dbm = 30.0 }]
[[edge.device.reference]]
epc = "3034257BF7194E4000001A85"
[[edge.device]]
name = "gate"
driver = "r700"
topics = ["impinj/gate"]
username = "gate"
password_file = "gate.password"
"""
R1 = '[[edge.device]]\nname = "r1"\ndriver = "llrp"\n'
REFUSED = [
    ("x = [", "config-syntax", ""),
    (R1, "config-missing-key", "edge.device[0].host"),
    (R1 + 'host = "h"\nport = 0\n', "config-value", "edge.device[0].port"),
    (R1 + 'host = "h"\nhots = "h"\n', "config-unknown-key", "edge.device[0].hots"),
    (R1 + "host = 7\n", "config-type", "edge.device[0].host"),
    (R1 + 'host = "h"\n' + R1 + 'host = "g"\n', "config-duplicate-key", "edge.device[1].name"),
    ("edge = 7\n", "config-type", "edge"),
    ('site = "b"\n', "config-local-only", "site"),
    ('[mqtt]\nhost = "evil.example"\n', "config-local-only", "mqtt"),
    ('mqtt.username = "x"\n', "config-local-only", "mqtt"),
    ('[edge]\nagent = "dock-04"\n', "config-local-only", "edge.agent"),
    ('[edge.spool]\npath = "elsewhere.db"\n', "config-local-only", "edge.spool"),
    ("mqtt = 7\n", "config-local-only", "mqtt"),
    (R1 + 'host = "h"\npassword = "x"\n', "config-secret-inline", "edge.device[0].password"),
    (
        R1 + 'host = "h"\npassword_file = "../edge.toml"\n',
        "config-path",
        "edge.device[0].password_file",
    ),
    (
        R1.replace("llrp", "trace") + 'path = "/etc/shadow"\n',
        "config-path",
        "edge.device[0].path",
    ),
    (
        R1.replace("llrp", "serial") + 'tty = "/dev/../etc/shadow"\n',
        "config-path",
        "edge.device[0].tty",
    ),
    (
        R1.replace("llrp", "r700") + 'topics = ["t"]\nhost = "evil.example"\nport = 1883\n',
        "config-insecure",
        "edge.device[0].host",
    ),
    (
        "".join(
            f'[[edge.device]]\nname = "r{n}"\ndriver = "llrp"\nhost = "h"\n' for n in range(65)
        ),
        "config-value",
        "edge.device[64].name",
    ),
    ("# " + "x" * MAX_BYTES, "config-too-large", ""),
]


def own(folder: Path) -> settings.Settings:
    """The settings of an agent's own file."""
    for name in ("dock-03", "gate"):
        (folder / f"{name}.password").write_text("a-long-secret-word\n")
        (folder / f"{name}.password").chmod(0o600)
    file = folder / "edge.toml"
    file.write_text(LOCAL)
    file.chmod(0o600)
    return settings.load(file, role="edge", environment={"DOCKLEDGER_HOME": str(folder / "home")})


def test_what_is_sent_stands_in_for_devices_and_batch_alone(tmp_path: Path) -> None:
    found = settings.load_sent(
        own(tmp_path), GOOD, environment={"DOCKLEDGER_HOME": str(tmp_path / "home")}
    )
    assert found.edge is not None
    assert [device.name for device in found.edge.devices] == ["r1", "gate"]
    assert found.edge.devices[0].references[0].epc == "3034257BF7194E4000001A85"
    assert str(found.edge.devices[1].password) == "***"
    assert found.edge.devices[1].password is not None
    assert found.edge.devices[1].password.reveal() == "a-long-secret-word"
    assert (found.edge.batch.max_readings, found.edge.batch.linger_ms) == (50, 20)
    assert (found.edge.agent, found.mqtt.username) == ("dock-03", "dock-03")
    assert check_document(GOOD, site="a", agent="dock-03") == ["r1", "gate"]


def test_empty_text_is_the_local_file(tmp_path: Path) -> None:
    read = read_config(own(tmp_path))
    assert [device.name for device in read("").devices] == ["old"]
    assert read("").max_readings == 100
    assert check_document("", site="a", agent="dock-03") == []
    assert read("# no device\n").devices == []


@pytest.mark.parametrize(("document", "code", "key"), REFUSED)
def test_agent_and_server_refuse_the_same_documents(
    tmp_path: Path, document: str, code: str, key: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check_document(document, site="a", agent="dock-03")
    assert (refused.value.code, refused.value.key) == (code, key)
    with pytest.raises(ConfigRefusedError) as also:
        read_config(own(tmp_path))(document)
    assert str(also.value).startswith(f"{code}: ")


def test_a_file_that_only_the_agent_can_miss_is_refused_by_the_agent(tmp_path: Path) -> None:
    document = GOOD.replace("gate.password", "gone.password")
    assert check_document(document, site="a", agent="dock-03") == ["r1", "gate"]
    with pytest.raises(ConfigRefusedError) as refused:
        read_config(own(tmp_path))(document)
    assert "config-file" in str(refused.value)
    assert "password_file" in str(refused.value)


def test_a_device_that_did_not_change_is_like_itself(tmp_path: Path) -> None:
    read = read_config(own(tmp_path))
    before, after = read(GOOD).devices, read(GOOD.replace("power_dbm = 30.0", "power_dbm = 20.0"))
    assert [one.is_like(other) for one, other in zip(before, after.devices, strict=True)] == [
        False,
        True,
    ]
