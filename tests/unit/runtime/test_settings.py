"""Settings: a refusal names code, line and key; what is accepted is typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pytest

from runtime import settings
from runtime.settings_errors import ConfigError

ROOT = Path(__file__).parents[3]
GOOD = """\
site = "a"
[mqtt]
host = "broker"
port = 8883
[mqtt.tls]
ca = "ca.pem"
[edge]
agent = "dock-03"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    )
    (tmp_path / "empty").touch()
    (tmp_path / "word").write_text("a-long-secret-word\n")
    (tmp_path / "word").chmod(0o600)
    return tmp_path


def load(
    folder: Path,
    text: str,
    *,
    role: settings.Role | None = None,
    env: dict[str, str] | None = None,
    insecure: bool = False,
    recover: bool = False,
) -> settings.Loaded:
    file = folder / "site.toml"
    file.write_text(text)
    file.chmod(0o600)
    environment = {"DOCKLEDGER_HOME": str(folder / "home"), **(env or {})}
    return settings.load_full(
        file, role=role, environment=environment, insecure=insecure, recover=recover
    )


class Refuse(Protocol):
    """Loads a text that must be refused: code, line and key of the refusal."""

    def __call__(
        self, text: str, *, role: settings.Role | None = None, env: dict[str, str] | None = None
    ) -> tuple[str, int, str]: ...


@pytest.fixture
def refuse(folder: Path) -> Refuse:
    def check(
        text: str, *, role: settings.Role | None = None, env: dict[str, str] | None = None
    ) -> tuple[str, int, str]:
        with pytest.raises(ConfigError) as caught:
            load(folder, text, role=role, env=env)
        return caught.value.code, caught.value.line, caught.value.key

    return check


def test_the_example_is_good_and_typed(tmp_path: Path) -> None:
    found = settings.load(
        ROOT / "site.example.toml", role="edge", environment={"DOCKLEDGER_HOME": str(tmp_path)}
    )

    assert found.site == "vienna-1"
    assert found.edge is not None
    assert found.edge.spool.path == tmp_path / "edge/dock-1/spool.db"
    assert found.edge.spool.max_bytes == 1024**3
    assert [antenna.port for antenna in found.edge.devices[0].antennas] == [1, 2]
    assert found.edge.devices[0].light is not None
    assert found.edge.devices[0].light.amber == 2
    assert found.gateway.cell == "site"
    assert found.database.url is not None
    assert found.database.url.reveal() == "postgresql://localhost/dockledger"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("config-missing-key", 1, "site")),
        ('site = "a\n', ("config-syntax", 1, "")),
        ("site: a\n", ("config-syntax", 1, "")),
        ('{"site": "a"}', ("config-syntax", 1, "")),
        ("x = " + "[" * 2000 + "]" * 2000, ("config-syntax", 1, "")),
        ('site = "a"\nsite = "b"\n', ("config-duplicate-key", 2, "site")),
        ('site = "a"\n[log]\n[log]\n', ("config-duplicate-key", 3, "log")),
        (GOOD.replace("port", "prot"), ("config-unknown-key", 4, "mqtt.prot")),
        (GOOD + "[egde]\nx = 1\n", ("config-unknown-key", 9, "egde")),
        (GOOD + "[mqtt.tls.more]\n", ("config-unknown-key", 9, "mqtt.tls.more")),
        ('site = "a"\n[edge]\n', ("config-missing-key", 2, "edge.agent")),
        (GOOD.replace("8883", "22:22:00"), ("config-type", 4, "mqtt.port")),
        (GOOD.replace("8883", "8883.0"), ("config-type", 4, "mqtt.port")),
        (GOOD.replace("8883", "true"), ("config-type", 4, "mqtt.port")),
        (GOOD.replace("8883", '"8883"'), ("config-type", 4, "mqtt.port")),
        ('site = "a"\nmqtt = 3\n', ("config-type", 2, "mqtt")),
        (GOOD + "[edge.device]\n", ("config-type", 9, "edge.device")),
        (GOOD.replace("8883", "0"), ("config-value", 4, "mqtt.port")),
        (GOOD.replace('"broker"', '"bro ker"'), ("config-value", 3, "mqtt.host")),
        (GOOD.replace('"broker"', '"999.1.1.1"'), ("config-value", 3, "mqtt.host")),
        (GOOD.replace("dock-03", "d" * 129), ("config-value", 8, "edge.agent")),
        (GOOD.replace("dock-03", "+"), ("config-value", 8, "edge.agent")),
        (GOOD + "[edge.batch]\nlinger_ms = 1001\n", ("config-value", 10, "edge.batch.linger_ms")),
        (
            GOOD + '[edge.spool]\nmax_bytes = "15MiB"\n',
            ("config-value", 10, "edge.spool.max_bytes"),
        ),
        (
            GOOD + '[edge.spool]\nmax_bytes = "900TiB"\n',
            ("config-value", 10, "edge.spool.max_bytes"),
        ),
        ('site = "a"\ntimezone = "Mars/Base"\n', ("config-value", 2, "timezone")),
        ('site = "a"\n[log]\nlevel = "loud"\n', ("config-value", 3, "log.level")),
        (
            GOOD.replace("ca.pem", "nowhere.pem"),
            ("config-file", 6, "mqtt.tls.ca"),
        ),
        (GOOD.replace("ca.pem", "word"), ("config-file", 6, "mqtt.tls.ca")),
        (GOOD.replace("ca.pem", "."), ("config-file", 6, "mqtt.tls.ca")),
        (
            GOOD.replace("[mqtt.tls]", 'password_file = "empty"\n[mqtt.tls]'),
            ("config-file", 5, "mqtt.password_file"),
        ),
        (
            GOOD.replace("[mqtt.tls]", 'password = "x"\npassword_file = "y"\n[mqtt.tls]'),
            ("config-exclusive", 5, "mqtt.password"),
        ),
        (
            GOOD.replace("[mqtt.tls]", 'password = "ChangeMe"\n[mqtt.tls]'),
            ("config-secret-default", 5, "mqtt.password"),
        ),
        (
            GOOD + '[database]\nurl = "postgresql://u:p@h/db"\n',
            ("config-secret-inline", 10, "database.url"),
        ),
        (
            GOOD + '[database]\nurl = "postgresql://h/db?sslmode=disable"\n',
            ("config-insecure", 10, "database.url"),
        ),
        (
            'site = "a"\n[mqtt]\nhost = "broker"\n',
            ("config-insecure", 2, "mqtt.tls"),
        ),
        (
            GOOD.replace('"ca.pem"', '"ca.pem"\nverify = false'),
            ("config-insecure", 7, "mqtt.tls.verify"),
        ),
        (GOOD + '[edge.spool]\npath = "../../x"\n', ("config-path", 10, "edge.spool.path")),
        (GOOD + '[edge.spool]\npath = "/etc/x"\n', ("config-path", 10, "edge.spool.path")),
        (
            GOOD
            + '[[edge.device]]\nname = "r"\ndriver = "trace"\npath = "word"\n'
            + '[[edge.device]]\nname = "r"\ndriver = "trace"\npath = "word"\n',
            ("config-duplicate-key", 14, "edge.device[1].name"),
        ),
        (
            GOOD
            + '[[edge.device]]\nname = "r"\ndriver = "llrp"\nhost = "h"\n'
            + "[[edge.device.antenna]]\nport = 1\n[[edge.device.antenna]]\nport = 1\n",
            ("config-duplicate-key", 16, "edge.device[0].antenna[1].port"),
        ),
        (
            GOOD + '[[edge.device]]\nname = "r"\ndriver = "llrp"\n',
            ("config-missing-key", 9, "edge.device[0].host"),
        ),
    ],
)
def test_a_bad_configuration_is_refused_with_its_line_and_key(
    refuse: Refuse, text: str, expected: tuple[str, int, str]
) -> None:
    assert refuse(text) == expected


def test_the_nearest_known_key_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder, GOOD.replace("port", "prot"))

    assert caught.value.advice == "unknown key; the nearest is mqtt.port"
    assert caught.value.one_line() == (
        f"config-unknown-key: {folder}/site.toml:4: mqtt.prot: "
        "unknown key; the nearest is mqtt.port"
    )


def test_an_earlier_stage_speaks_before_a_later_one(refuse: Refuse) -> None:
    everything = 'log = 5\nmqtt = { port = 0, pasword = "x" }\n'

    assert refuse(everything)[0] == "config-unknown-key"
    assert refuse(everything.replace("pasword", "username"))[0] == "config-missing-key"
    assert refuse('site = "a"\n' + everything.replace("pasword", "username"))[0] == "config-type"


def test_a_secret_in_a_file_that_others_can_read_is_refused(folder: Path) -> None:
    text = GOOD.replace("[mqtt.tls]", 'password = "hunter2hunter2"\n[mqtt.tls]')
    file = folder / "site.toml"
    file.write_text(text)
    file.chmod(0o644)
    environment = {"DOCKLEDGER_HOME": str(folder)}

    with pytest.raises(ConfigError) as caught:
        settings.load(file, environment=environment)
    file.chmod(0o640)
    found = settings.load(file, environment=environment)

    assert (caught.value.code, caught.value.key) == ("config-secret-exposed", "mqtt.password")
    assert "hunter2" not in caught.value.one_line()
    assert found.mqtt.password is not None
    assert found.mqtt.password.reveal() == "hunter2hunter2"
    assert "hunter2" not in repr(found)


def test_a_secret_file_is_read_without_its_line_end(folder: Path) -> None:
    found = load(folder, GOOD.replace("[mqtt.tls]", 'password_file = "word"\n[mqtt.tls]'))

    assert found.settings.mqtt.password is not None
    assert found.settings.mqtt.password.reveal() == "a-long-secret-word"
    assert found.settings.secrets() == ["a-long-secret-word"]


def test_the_environment_wins_and_is_converted_to_the_type_of_the_key(folder: Path) -> None:
    env = {
        "DOCKLEDGER__MQTT__PORT": "1884",
        "DOCKLEDGER__MQTT__TLS__VERIFY": "true",
        "DOCKLEDGER__API__HOSTS": "a.example, b.example",
        "DOCKLEDGER__DATABASE__URL": "postgresql://u:p@127.0.0.1/db",
    }

    found = load(folder, GOOD + '[database]\nurl_file = "nowhere"\n', env=env)

    assert found.settings.mqtt.port == 1884
    assert found.settings.api.hosts == ("a.example", "b.example")
    assert found.settings.database.url is not None
    assert found.settings.database.url.reveal() == "postgresql://u:p@127.0.0.1/db"
    assert found.raw.entries["mqtt.port"].origin == "DOCKLEDGER__MQTT__PORT"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DOCKLEDGER__MQTT__PORT", "many", ("config-type", 0, "mqtt.port")),
        ("DOCKLEDGER__MQTT__PORT", "70000", ("config-value", 0, "mqtt.port")),
        ("DOCKLEDGER__MQTT__PROT", "1", ("config-unknown-key", 0, "mqtt.prot")),
    ],
)
def test_a_bad_environment_is_refused_as_the_file_would_be(
    refuse: Refuse, name: str, value: str, expected: tuple[str, int, str]
) -> None:
    assert refuse(GOOD, env={name: value}) == expected


def test_a_file_value_is_not_converted_and_nothing_is_expanded(folder: Path) -> None:
    found = load(folder, GOOD.replace("[mqtt.tls]", 'username = "${USER}"\n[mqtt.tls]'))

    assert found.settings.mqtt.username == "${USER}"


def test_each_role_needs_its_own_keys(folder: Path, refuse: Refuse) -> None:
    plain = 'site = "a"\n'

    assert load(folder, plain).settings.edge is None
    assert refuse(plain, role="edge") == ("config-missing-key", 1, "edge.agent")
    assert refuse(plain, role="gateway") == ("config-missing-key", 1, "database.url")


def test_what_is_no_plain_readable_file_is_refused_unread(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    (folder / "latin").write_bytes(b"site = 'a'\n# \xe4\n")
    (folder / "nul").write_bytes(b"site = 'a'\n\n\0")

    found = {}
    for name in ("nowhere", ".", "pipe", "large", "latin", "nul"):
        with pytest.raises(ConfigError) as caught:
            settings.load(folder / name, environment={})
        found[name] = (caught.value.code, caught.value.line)

    assert found == {
        "nowhere": ("config-not-found", 0),
        ".": ("config-not-a-file", 0),
        "pipe": ("config-not-a-file", 0),
        "large": ("config-too-large", 0),
        "latin": ("config-encoding", 2),
        "nul": ("config-encoding", 3),
    }


def test_a_spool_that_is_none_is_named_and_left_alone(folder: Path, refuse: Refuse) -> None:
    spool = folder / "home" / "edge" / "dock-03" / "spool.db"
    spool.parent.mkdir(parents=True)
    spool.write_text("not a database, though long enough to be one")

    assert refuse(GOOD) == ("spool-corrupt", 7, "edge.spool.path")
    assert load(folder, GOOD, recover=True).settings.site == "a"
    assert spool.read_text() == "not a database, though long enough to be one"


def test_verify_false_is_accepted_when_asked_for(folder: Path) -> None:
    text = GOOD.replace('"ca.pem"', '"ca.pem"\nverify = false')

    found = load(folder, text, insecure=True)

    assert found.settings.mqtt.tls is not None
    assert not found.settings.mqtt.tls.verify
