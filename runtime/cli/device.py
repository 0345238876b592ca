"""Broker accounts of devices: add, rotate, revoke, list, and answer brokers that ask by HTTP."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from runtime import device_certs
from runtime.children import write_private
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.cli.role import JsonOption
from runtime.mqtt_accounts import AccountError, AccountFiles

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Name = Annotated[str, typer.Argument(help="The device's user name: that of its agent.")]
Passwords = Annotated[Path, typer.Option("--passwords", help="Mosquitto's password_file.")]
Acl = Annotated[Path, typer.Option("--acl", help="Mosquitto's acl_file.")]
PidFile = Annotated[
    Path | None, typer.Option("--pid-file", help="The broker's pid_file: it is told to reload.")
]
Out = Annotated[Path, typer.Option("--out", help="New file of mode 0600 for the password.")]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except AccountError as refusal:
        raise CommandError(Code.REFUSED, refusal.code, str(refusal)) from refusal
    except device_certs.CertificateError as refusal:
        raise CommandError(Code.REFUSED, "device-certificate", str(refusal)) from refusal
    except OSError as failure:
        reason = f"{failure.filename}: {failure.strerror}"
        raise CommandError(Code.REFUSED, "device-files", reason) from failure


def _reload(pid_file: Path | None) -> bool:
    """SIGHUP to the broker: it reads both files again and throws off who may no longer be in."""
    if pid_file is None:
        return False
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (ValueError, OSError) as failure:
        text = f"the files are written, but no broker runs by {pid_file}; reload it yourself"
        raise CommandError(Code.TRY_AGAIN, "broker-not-reloaded", text) from failure
    return True


def _done(name: str, *, reloaded: bool, as_json: bool, wrote: tuple[Path, ...] = ()) -> int:
    if as_json:
        emit({"device": name, "wrote": [str(path) for path in wrote], "reloaded": reloaded})
    else:
        for path in wrote:
            echo(str(path))
        if not reloaded:
            echo("now reload the broker: kill -HUP its pid")
    return Code.DONE


def _new(path: Path) -> Path:
    if path.exists():
        raise usage(f"{path} is there already")
    return path


@app.command()
def add(
    name: Name,
    *,
    site: Annotated[str, typer.Option("--site", help="The site it may speak for.")],
    passwords: Passwords,
    acl: Acl,
    out: Out,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", help="Client certificate in place of a password: the CA."),
    ] = None,
    ca_key: Annotated[Path | None, typer.Option("--ca-key", help="The CA's key.")] = None,
    days: Annotated[int, typer.Option("--days", help="Life of it.", min=1, max=3650)] = 365,
    pid_file: PidFile = None,
    json: JsonOption = False,
) -> int:
    """Make an account: a password in --out, or with --ca a key in --out and --out.crt beside it."""
    if (ca is None) != (ca_key is None):
        raise usage("--ca and --ca-key go together")
    wrote: tuple[Path, ...] = (_new(out),)
    files = AccountFiles(passwords, acl)
    with _told():
        password = files.add(site, name, token=secrets.token_bytes, certificate=ca is not None)
        try:
            if password is not None:
                write_private(out, password + "\n")
            elif ca is not None and ca_key is not None:
                made = device_certs.issue(
                    name, ca=ca, ca_key=ca_key, key=out, days=days, serial=secrets.randbits(120)
                )
                wrote = (out, made)
        except BaseException:
            files.revoke(name)
            raise
    return _done(name, reloaded=_reload(pid_file), as_json=json, wrote=wrote)


@app.command()
def rotate(
    name: Name,
    *,
    passwords: Passwords,
    acl: Acl,
    out: Out,
    pid_file: PidFile = None,
    json: JsonOption = False,
) -> int:
    """Give it a new password; the old one ends when the broker reloads."""
    _new(out)
    with _told():
        password = AccountFiles(passwords, acl).rotate(name, token=secrets.token_bytes)
        write_private(out, password + "\n")
    return _done(name, reloaded=_reload(pid_file), as_json=json, wrote=(out,))


@app.command()
def revoke(
    name: Name,
    *,
    passwords: Passwords,
    acl: Acl,
    pid_file: PidFile = None,
    json: JsonOption = False,
) -> int:
    """Take its password and rights away; a client certificate is then good for nothing."""
    with _told():
        AccountFiles(passwords, acl).revoke(name)
    return _done(name, reloaded=_reload(pid_file), as_json=json)


@app.command("list")
def list_devices(passwords: Passwords, acl: Acl, json: JsonOption = False) -> int:
    """Print the names that may log in or have rights."""
    with _told():
        names = AccountFiles(passwords, acl).users()
    if json:
        emit(names)
    else:
        for name in names:
            echo(name)
    return Code.DONE


@app.command()
def serve(
    *,
    passwords: Passwords,
    acl: Acl,
    token_file: Annotated[Path, typer.Option("--token-file", help="The token the broker shows.")],
    port: Annotated[int, typer.Option("--port", help="On 127.0.0.1.", min=1, max=65535)] = 8091,
) -> int:
    """Answer `POST /authn` and `/authz` in the way of EMQX, from the same two files."""
    import uvicorn

    from runtime.mqtt_auth_http import auth_app

    with _told():
        token = token_file.read_text().strip()
    if len(token) < 16:
        raise usage("the token has 16 characters or more")
    uvicorn.run(
        auth_app(AccountFiles(passwords, acl), token=token),
        host="127.0.0.1",
        port=port,
        log_level="warning",
    )
    return Code.DONE
