"""The demo's configuration files: one for the server roles, one per agent, ports kept over
starts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from runtime.postgres import free_port, is_free
from simulators.catalog import OWNER
from simulators.site import SITE_ID, Device, build_site

API_PORT = 8080


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo's files are and which ports it uses."""

    home: Path
    folder: Path
    site: str
    owner: str
    api_port: int
    ports_file: Path
    agents: tuple[str, ...]

    @property
    def config(self) -> Path:
        """Configuration of gateway, API, worker and simulator."""
        return self.folder / "site.toml"

    @property
    def url(self) -> str:
        """Where pages and API are."""
        return f"http://127.0.0.1:{self.api_port}"


def agents_of(demo: Demo) -> dict[str, Path]:
    """Each agent's configuration file."""
    return {agent: demo.folder / f"{agent}.toml" for agent in demo.agents}


def write_configs(home: Path, *, seed: int) -> Demo:
    """Write every file anew; ports that are still free stay as they were."""
    folder = home / "demo"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    devices = build_site(seed).devices
    ports_file = folder / "ports.json"
    ports = _ports(ports_file, [device.name for device in devices])
    demo = Demo(
        home,
        folder,
        SITE_ID,
        OWNER,
        _api_port(folder / "api.port"),
        ports_file,
        tuple(sorted({device.agent for device in devices})),
    )
    demo.config.write_text(_site(demo), encoding="utf-8")
    for agent, path in agents_of(demo).items():
        own = [device for device in devices if device.agent == agent]
        path.write_text(_agent(demo, agent, own, ports), encoding="utf-8")
    return demo


def _api_port(file: Path) -> int:
    """8080 or the next free one; the last one when it is free."""
    kept = int(file.read_text()) if file.exists() else API_PORT
    port = kept
    while not is_free(port):
        port += 1
    file.write_text(str(port), encoding="utf-8")
    return port


def _ports(file: Path, names: list[str]) -> dict[str, int]:
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    ports = {
        name: known[name] if name in known and is_free(known[name]) else free_port()
        for name in [*names, "control"]
    }
    file.write_text(json.dumps(ports), encoding="utf-8")
    return ports


def _site(demo: Demo) -> str:
    return f"""site = "{demo.site}"
timezone = "Europe/Berlin"

[gateway]
archive_path = "archive"

[api]
host = "127.0.0.1"
port = {demo.api_port}
guest = true
requests_per_minute = 60000
"""


def _agent(demo: Demo, agent: str, devices: list[Device], ports: dict[str, int]) -> str:
    lines = [f'site = "{demo.site}"', "", "[edge]", f'agent = "{agent}"', ""]
    lines += ["[edge.spool]", f'path = "edge/{agent}/spool.db"', "allow_volatile = true", ""]
    for device in devices:
        lines += [
            "[[edge.device]]",
            f'name = "{device.name}"',
            'driver = "llrp"',
            'host = "127.0.0.1"',
            f"port = {ports[device.name]}",
            f'kind = "{device.kind}"',
            "",
        ]
        for antenna in device.antennas:
            lines += ["[[edge.device.antenna]]", f"port = {antenna.port}", ""]
        if device.kind == "portal":
            lines += ["[edge.device.light]", "green = 1", "amber = 2", "red = 3", ""]
    return "\n".join(lines)
