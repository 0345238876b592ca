"""A decoded EPC and how it is printed: normal key, URIs, element string, Digital Link.

The normal key alone is the identity; filter, date, hostname and form are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.gs1.keys import normal_key

_ESCAPES = str.maketrans({mark: f"%{ord(mark):02X}" for mark in '"%&/<>?#'})
_WITHOUT_FILTER = "gid"
_URI_ONLY = frozenset({"gid", "usdod", "adi"})


@dataclass(frozen=True, slots=True)
class Epc:
    """`values` are (AI, plain value) pairs; `fields` the parts of the pure identity, if any.

    `encoding` (of the serial), `toggle` and `extra` bits are how a `+` code was spelled.
    """

    scheme: str
    kind: str
    values: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()
    filter: int | None = None
    prefix_length: int | None = None
    date: tuple[str, str] | None = None
    hostname: str | None = None
    extra: str = ""
    raw: str = ""
    encoding: int | None = None
    toggle: int = 0

    @property
    def key(self) -> str:
        """The normal key: what is stored and compared."""
        if self.values:
            return normal_key(self.values)
        return self.pure_identity_uri or f"urn:epc:raw:{4 * len(self.raw)}.x{self.raw}"

    @property
    def serial(self) -> str | None:
        """The serial or extension, where the scheme keeps one apart."""
        for ai, value in self.values:
            if ai in ("21", "254", "8011"):
                return value
        if self.kind in ("grai", "gdti", "sgcn"):
            start = 14 if self.kind == "grai" else 13
            return self.values[0][1][start:] or None
        return self.fields[-1] if self.kind in _URI_ONLY else None

    @property
    def pure_identity_uri(self) -> str | None:
        """`urn:epc:id:…`; None for forms that do not know the company prefix."""
        if not self.fields:
            return None
        return f"urn:epc:id:{self.kind}:{_joined(self.fields)}"

    @property
    def tag_uri(self) -> str | None:
        """`urn:epc:tag:…`; None where there is no pure identity."""
        if not self.fields:
            return None
        lead = "" if self.kind == _WITHOUT_FILTER else f"{self.filter}."
        return f"urn:epc:tag:{self.scheme}:{lead}{_joined(self.fields)}"

    @property
    def element_string(self) -> str | None:
        """The AIs in brackets, for people."""
        dated = (*self.values, self.date) if self.date else self.values
        return "".join(f"({ai}){value}" for ai, value in dated) or None

    @property
    def digital_link(self) -> str | None:
        """The Digital Link on the tag's own hostname, else on id.gs1.org."""
        if not self.values:
            return None
        query = f"?{self.date[0]}={self.date[1]}" if self.date else ""
        return f"https://{self.hostname or 'id.gs1.org'}/{normal_key(self.values)}{query}"


def _joined(fields: tuple[str, ...]) -> str:
    return ".".join(field.translate(_ESCAPES) for field in fields)
