"""Broker accounts of devices as files Mosquitto reads: hashed passwords, and rights per user.

Blocks of other users stay as they are; a file is replaced whole, mode 0600, never half written.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contracts.topics import is_name
from runtime import children
from runtime.access import agent_user, mosquitto_acl

# Passwords have 256 random bits, so few rounds do; the broker hashes on its only thread.
ROUNDS = 1_000
_SALT_BYTES, _HASH_BYTES = 12, 64
RESERVED = frozenset({"gateway", "worker", "probe"})
Token = Callable[[int], bytes]


class AccountError(Exception):
    """An account that is there, is not there, or cannot be named so; `code` is stable."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def mosquitto_hash(password: str, *, salt: bytes, rounds: int = ROUNDS) -> str:
    """Mosquitto's `$7$rounds$salt$hash`: PBKDF2-HMAC-SHA512, Base64."""
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, _HASH_BYTES)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def is_password(password: str, hashed: str) -> bool:
    """Whether a `$7$` line belongs to this password, in constant time."""
    parts = hashed.split("$")
    if len(parts) != 5 or parts[1] != "7" or not re.fullmatch(r"[1-9][0-9]{0,7}", parts[2]):
        return False
    try:
        salt, kept = base64.b64decode(parts[3]), base64.b64decode(parts[4])
    except ValueError:
        return False
    # A shorter hash would match the beginning of the right one.
    if len(kept) != _HASH_BYTES:
        return False
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, int(parts[2]), _HASH_BYTES)
    return hmac.compare_digest(made, kept)


def covers(allowed: str, asked: str) -> bool:
    """Whether every topic of the filter `asked` is one of the filter `allowed`."""
    have, want = allowed.split("/"), asked.split("/")
    for at, level in enumerate(have):
        if level == "#":
            return not (at == 0 and want[0].startswith("$"))
        if at >= len(want) or want[at] == "#" or (level != "+" and level != want[at]):
            return False
        if level == "+" and at == 0 and want[0].startswith("$"):
            return False
    return len(have) == len(want)


@dataclass(frozen=True, slots=True)
class AccountFiles:
    """The password file and the ACL file of one broker. `lock` keeps writers apart."""

    passwords: Path
    acl: Path

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with children.exclusive(self.passwords.with_name(f".{self.passwords.name}.lock")):
            yield

    def _lines(self) -> dict[str, str]:
        """User to hash, in file order."""
        if not self.passwords.exists():
            return {}
        pairs = (line.partition(":") for line in self.passwords.read_text().splitlines())
        return {user: hashed for user, colon, hashed in pairs if colon}

    def _blocks(self) -> dict[str, str]:
        """User to its block of the ACL; what stands before the first user is under ''."""
        blocks: dict[str, str] = {}
        user = ""
        for line in self.acl.read_text().splitlines() if self.acl.exists() else []:
            if line.startswith("user "):
                user = line.removeprefix("user ").strip()
            blocks[user] = blocks.get(user, "") + line + "\n"
        return blocks

    def _write(self, lines: dict[str, str], blocks: dict[str, str]) -> None:
        """Rights first: a user without rights can do nothing, one without a password is none."""
        children.write_private(self.acl, "\n".join(b.strip("\n") + "\n" for b in blocks.values()))
        text = "".join(f"{user}:{hashed}\n" for user, hashed in lines.items())
        children.write_private(self.passwords, text)

    def users(self) -> list[str]:
        """Names that may log in or have rights."""
        return sorted({*self._lines(), *self._blocks()} - {""})

    def add(self, site: str, device: str, *, token: Token, certificate: bool) -> str | None:
        """A new account with the rights of an agent; its password, None when it has none."""
        if not is_name(device, limit=128) or device in RESERVED or not is_name(site, limit=64):
            raise AccountError(
                "device-name", "names are a-z 0-9 - _, first a letter or digit, and not reserved"
            )
        with self._writing():
            lines, blocks = self._lines(), self._blocks()
            if device in lines or device in blocks:
                raise AccountError("device-exists", f"{device} has an account; rotate or revoke it")
            password = None if certificate else _word(token)
            if password is not None:
                lines[device] = mosquitto_hash(password, salt=token(_SALT_BYTES))
            blocks[device] = mosquitto_acl([agent_user(site, device)])
            self._write(lines, blocks)
        return password

    def rotate(self, device: str, *, token: Token) -> str:
        """A new password in place of the old one, which ends at the broker's next reload."""
        with self._writing():
            lines = self._lines()
            if device not in lines:
                raise AccountError("device-unknown", f"{device} has no password here")
            password = _word(token)
            lines[device] = mosquitto_hash(password, salt=token(_SALT_BYTES))
            self._write(lines, self._blocks())
        return password

    def revoke(self, device: str) -> None:
        """Take password and rights away; what runs is thrown off at the broker's next reload."""
        with self._writing():
            lines, blocks = self._lines(), self._blocks()
            if device in RESERVED or (device not in lines and device not in blocks):
                raise AccountError("device-unknown", f"{device} is no device account here")
            lines.pop(device, None)
            blocks.pop(device, None)
            self._write(lines, blocks)

    def may_log_in(self, user: str, password: str) -> bool:
        """Whether this user has this password."""
        return is_password(password, self._lines().get(user, ""))

    def may(self, user: str, action: Literal["publish", "subscribe"], topic: str) -> bool:
        """Whether the ACL gives this user the topic, or with subscribe the whole filter."""
        if action == "publish" and ("+" in topic or "#" in topic):
            return False
        wanted = "write" if action == "publish" else "read"
        for line in self._blocks().get(user, "").splitlines():
            parts = line.split(" ", 2)
            said = parts[0] == "topic" and parts[1] in (wanted, "readwrite") if parts[2:] else False
            if said and covers(parts[2], topic):
                return True
        return False


def _word(token: Token) -> str:
    return base64.urlsafe_b64encode(token(32)).decode().rstrip("=")
