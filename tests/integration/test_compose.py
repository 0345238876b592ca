"""The shipped containers: hardened, no secret inside, and nothing starts without its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime import mqtt, settings
from runtime.access import agent_user, gateway_user, mosquitto_acl, worker_user
from runtime.postgres import free_port
from tests.services import require_service
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
AGENTS = ("dock-1", "dock-2", "floor-1")
KNOWN_BAD = re.compile(r"changeme|admin:admin|password:\s*[\"']?[a-z0-9]+[\"']?$", re.I | re.M)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's deployment on which init.sh was run."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl, which is not installed")
    place = tmp_path_factory.mktemp("deployed")
    shutil.copy(ROOT / "docker-compose.yml", place)
    shutil.copytree(ROOT / "deploy", place / "deploy")
    _init(place)
    return place


def _init(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "deploy" / "init.sh"), *words],
        env={**os.environ, "DOCKLEDGER_DEPLOY_DIR": str(place)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _compose_program() -> list[str]:
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) is None:
            continue
        asked = subprocess.run([*words, "version"], capture_output=True, timeout=60, check=False)
        if asked.returncode == 0:
            return words
    if os.environ.get("CI") == "true":
        pytest.fail("needs docker compose or docker-compose")
    pytest.skip("needs docker compose or docker-compose, neither is installed")


def test_every_container_is_unprivileged_read_only_and_limited(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].startswith("${DOCKLEDGER_UID:?"), name
        assert service["mem_limit"], name
        assert service["pids_limit"] == 200, name
        assert "privileged" not in service, name
        assert not [v for v in service.get("volumes", []) if "docker.sock" in v], name


def test_only_broker_api_and_grafana_are_published_and_on_loopback_alone(
    compose: dict[str, Any],
) -> None:
    published = {n: s["ports"] for n, s in compose["services"].items() if "ports" in s}

    assert sorted(published) == ["api", "grafana", "mosquitto"]
    for ports in published.values():
        assert all(re.search(r":-127\.0\.0\.1:\d+\}", port) for port in ports)


def test_no_secret_is_written_down_and_every_one_comes_by_file(compose: dict[str, Any]) -> None:
    for path in [ROOT / "docker-compose.yml", ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*")]:
        if path.is_file():
            assert not KNOWN_BAD.search(path.read_text()), path
    for name, service in compose["services"].items():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("_FILE"), (name, key)
                assert str(value).startswith(("/run/secrets/", "/run/generated/")), (name, key)
    assert all(s["file"].startswith("./secrets/") for s in compose["secrets"].values())


def test_images_are_pinned_and_grafana_is_closed(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.search(r":(\d+\.\d+|\$\{DOCKLEDGER_VERSION:-)", service["image"]), name
    grafana = compose["services"]["grafana"]["environment"]
    assert grafana["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert grafana["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert compose["services"]["influxdb"].get("ports") is None


def test_the_simulators_start_on_request_only(compose: dict[str, Any]) -> None:
    simulated = [n for n, s in compose["services"].items() if s.get("profiles") == ["sim"]]

    assert sorted(simulated) == [
        "edge-dock-1",
        "edge-dock-2",
        "edge-floor-1",
        "sim-key",
        "simulator",
    ]


def test_the_dockerfile_has_a_target_per_role_and_none_runs_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    targets = {name for _, name in re.findall(r"^FROM (\S+) AS (\S+)$", text, re.M)}
    assert {"edge", "gateway", "api", "worker", "simulate"} <= targets
    assert text.index("USER 10001") < text.index("FROM base AS edge")
    assert "--require-hashes" in text
    assert not re.search(r"^(ADD|ARG .*(PASSWORD|TOKEN))", text, re.M)


def test_init_makes_private_secrets_once_and_refuses_bad_names(deployed: Path) -> None:
    before = {p.name: p.read_text() for p in (deployed / "secrets").iterdir() if p.is_file()}

    again = _init(deployed)
    refused = _init(deployed, "../x")

    after = {p.name: p.read_text() for p in (deployed / "secrets").iterdir() if p.is_file()}
    assert again.returncode == 0, again.stderr
    assert after == before
    assert refused.returncode == 2
    assert all(
        p.stat().st_mode & 0o077 == 0
        for p in [deployed / ".env", *(deployed / "secrets").iterdir()]
    )


def test_the_acl_of_init_is_the_one_of_the_program(deployed: Path) -> None:
    users = [*(agent_user("demo", a) for a in AGENTS), gateway_user("demo"), worker_user("demo")]

    assert (deployed / "secrets" / "mqtt_acl").read_text() == mosquitto_acl(users)


def test_every_secret_that_compose_names_is_made(deployed: Path, compose: dict[str, Any]) -> None:
    made = {f"./secrets/{path.name}" for path in (deployed / "secrets").iterdir()}

    assert {secret["file"] for secret in compose["secrets"].values()} <= made


def test_compose_accepts_the_file_with_its_env_and_refuses_it_without(deployed: Path) -> None:
    program = _compose_program()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKLEDGER")}

    def config() -> int:
        return subprocess.run(
            [*program, "config"],
            cwd=deployed,
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
        ).returncode

    assert config() == 0
    (deployed / ".env").rename(deployed / "put-aside")
    try:
        assert config() != 0
    finally:
        (deployed / "put-aside").rename(deployed / ".env")


@pytest.mark.parametrize("name", ["site", *AGENTS, "simulator"])
def test_the_configurations_of_the_containers_are_good(
    deployed: Path, tmp_path: Path, name: str
) -> None:
    text = (ROOT / "deploy" / "config" / f"{name}.toml").read_text()
    file = tmp_path / "site.toml"
    file.write_text(text.replace("/run/secrets", str(deployed / "secrets")))

    found = settings.load(file, environment={"DOCKLEDGER_HOME": str(tmp_path)})

    assert found.site == "demo"


@pytest.mark.filterwarnings("ignore:ssl.OP_NO")
@pytest.mark.service("mosquitto")
async def test_the_shipped_broker_takes_tls_and_a_password_and_nothing_less(
    deployed: Path, tmp_path: Path
) -> None:
    port = free_port()
    broker = _start_shipped_broker(deployed, tmp_path, port)
    word = (deployed / "secrets" / "mqtt_dock-1").read_text()
    ca = str(deployed / "secrets" / "ca")

    def options(password: str, context: ssl.SSLContext | None) -> mqtt.MqttOptions:
        return mqtt.MqttOptions("localhost", port, "dock-1", "dock-1", password, tls=context)

    trusting = mqtt.tls_context(ca=ca)
    # The certificate is for the name inside the network; the test reaches it by loopback.
    trusting.check_hostname = False
    try:
        async with mqtt.MqttBus(options(word, trusting)) as good:
            await eventually(lambda: good.connected, 10)
        for password, context in (
            ("wrong", trusting),
            (word, None),
            (word, mqtt.tls_context(ca=ca)),
        ):
            async with mqtt.MqttBus(options(password, context)) as bad:
                with pytest.raises(AssertionError):
                    await eventually(lambda bus=bad: bus.connected, 0.7)  # type: ignore[misc]
        assert _refuses_old_tls(port)
    finally:
        broker.terminate()
        broker.wait(10)


def _start_shipped_broker(deployed: Path, scratch: Path, port: int) -> subprocess.Popen[bytes]:
    """The shipped configuration with its paths and port put in place of those of the container."""
    program = require_service("mosquitto")
    hashing = shutil.which("mosquitto_passwd")
    if hashing is None:
        raise AssertionError("mosquitto_passwd is missing beside mosquitto")
    passwords = scratch / "passwords"
    shutil.copy(deployed / "secrets" / "mqtt_passwords", passwords)
    subprocess.run([hashing, "-U", str(passwords)], check=True, timeout=30)
    text = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    for inside, here in (
        ("/tmp/passwords", passwords),
        ("/run/secrets", deployed / "secrets"),
        ("/mosquitto/data/", f"{scratch}/"),
        ("/mosquitto/config", ROOT / "deploy" / "mosquitto"),
        ("listener 8883", f"listener {port} 127.0.0.1"),
    ):
        assert inside in text
        text = text.replace(inside, str(here))
    if os.geteuid() == 0:
        text += "user root\n"
    (scratch / "mosquitto.conf").write_text(text)
    return subprocess.Popen(
        [program, "-c", str(scratch / "mosquitto.conf")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _refuses_old_tls(port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain),
        ):
            return False
    except OSError:
        return True
