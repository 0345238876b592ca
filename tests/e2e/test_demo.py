"""The newcomer's way: `dockledger demo` gets ready, the README's order is shipped."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from runtime.pgfiles import remove_data
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
READY_S, SHIPPED_S = 120.0, 120.0


@dataclass
class Demo:
    """A running demo: where it is and the key of its order desk."""

    home: Path
    url: str

    @property
    def key(self) -> str:
        """The manager's key."""
        return (self.home / "demo" / "manager.key").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo") / "home"
    child = subprocess.Popen(
        [sys.executable, "-m", "runtime.cli.main", "demo", "--days", "1"],
        env={**os.environ, "DOCKLEDGER_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Demo(home, _ready(child))
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(timeout=30)
        remove_data(home / "postgres")


def _ready(child: subprocess.Popen[str]) -> str:
    """The URL of the ready line; the demo's own words when there is none in time."""
    said, deadline = [], time.monotonic() + READY_S
    if child.stdout is None:
        raise RuntimeError("the demo has no output")
    for line in child.stdout:
        said.append(line)
        found = re.search(r"floor map\s+(http://\S+?)/$", line.rstrip())
        if found:
            return found[1]
        if time.monotonic() > deadline:
            break
    raise AssertionError("no ready line: " + "".join(said))


def _readme_curl(demo: Demo) -> list[str]:
    """The command as the README prints it, on this demo's port and state directory."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^curl -X POST .*?(?=^```)", text, re.S | re.M)
    assert command is not None
    order_key = (demo.home / "demo" / "order.key").read_text(encoding="utf-8").strip()
    line = command[0].replace("http://127.0.0.1:8080", demo.url).replace("\\\n", " ")
    return [re.sub(r"\$\(cat \S+?order\.key\)", order_key, word) for word in shlex.split(line)]


async def test_the_order_of_the_readme_is_shipped_within_two_minutes(demo: Demo) -> None:
    order = json.loads(_run([*_readme_curl(demo), "-s"]).stdout)
    assert order["status"] == "promised"

    headers = {"Authorization": f"Bearer {demo.key}"}
    async with httpx.AsyncClient(base_url=demo.url, headers=headers, timeout=10) as http:

        async def is_shipped() -> bool:
            answer = (await http.get(f"/v1/orders/{order['id']}")).json()
            return bool(answer["status"] == "shipped")

        await eventually(is_shipped, within=SHIPPED_S, every=0.5)
        shipped = (await http.get(f"/v1/orders/{order['id']}")).json()
        (carton,) = shipped["cartons"]
        journey = (await http.get(f"/v1/journey/00/{carton['sscc']}")).json()
        passes = (await http.get("/v1/passes?portal=dock-2&limit=50")).json()["items"]

    assert [line["shipped"] for line in shipped["lines"]] == [2]
    assert carton["state"] == "gone"
    assert any(step["pass_id"] is not None for step in journey["steps"])
    assert {p["verdict"] for p in passes if p["state"] == "out"} == {"matched"}


def test_the_book_of_a_running_demo_has_no_drift(demo: Demo) -> None:
    config = str(demo.home / "demo" / "site.toml")
    command = [sys.executable, "-m", "runtime.cli.main", "verify", "--config", config, "--json"]
    url_file = str(demo.home / "run" / "dockledger_app.url")

    checked = _run(command, DOCKLEDGER_HOME=str(demo.home), DOCKLEDGER__DATABASE__URL_FILE=url_file)

    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["drift"] == 0


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )
