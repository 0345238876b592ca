"""A server role as a process of its own, on the test's database and broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.postgres import free_port
from tests.brokers import SITE, NatsBroker


@dataclass
class RoleSite:
    """One configuration for the roles; each is started by name."""

    folder: Path
    config: Path
    api_port: int

    @property
    def url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.api_port}"

    @contextmanager
    def role(self, role: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run it; ended by SIGTERM, and by force after ten seconds."""
        with (self.folder / f"{role}.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli.main", role, "--config", str(self.config)],
                env={**os.environ, "DOCKLEDGER_HOME": str(self.folder / "home")},
                stdout=log,
                stderr=log,
            )
        try:
            yield child
        finally:
            child.send_signal(signal.SIGCONT)
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def log(self, role: str) -> str:
        """What the role wrote."""
        return (self.folder / f"{role}.log").read_text()


def role_site(folder: Path, database_url: str, broker: NatsBroker, *, more: str = "") -> RoleSite:
    """Write the configuration; the worker's account is used on the broker."""
    (folder / "home").mkdir()
    for name, secret in (("database", database_url), ("word", broker.password("worker"))):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    port = free_port()
    config = folder / "site.toml"
    config.write_text(
        f'site = "{SITE}"\n[database]\nurl_file = "{folder / "database"}"\n'
        f'[mqtt]\nport = {broker.port}\nprotocol = "3.1.1"\nusername = "worker"\n'
        f'password_file = "{folder / "word"}"\n[api]\nport = {port}\n{more}'
    )
    return RoleSite(folder, config, port)
