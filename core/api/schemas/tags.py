"""Bodies of tags and of the inbox of unknown EPCs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.api.fields import Body, Sku, choice, text
from core.api.schemas.absent import ABSENT

Code = Annotated[str, text(64)]
Key = Annotated[str, text(160)]
Reason = Annotated[str, text(200)]


class ReasonIn(Body):
    """Why; it is kept with the name of the key."""

    reason: Reason


class BindIn(Body):
    """What a tag is stuck on: a unit (`sku`), or a new, empty handling unit (`kind`).

    A unit with a place must lie there untagged; without one it is announced.
    """

    reason: Reason
    sku: Sku = Field(default=ABSENT)
    lot: Code = Field(default=ABSENT)
    kind: Annotated[str, choice("pallet", "carton", "tote")] = Field(default=ABSENT)
    location: Code = Field(default=ABSENT)
    handling_unit: Key = Field(default=ABSENT)
    owner: Code = Field(default=ABSENT)


class TagIn(BindIn):
    """A new tag: its EPC in hex, key, URN or element string, and what it is stuck on."""

    epc: Key


class RetagIn(Body):
    """The tag that takes the place of another."""

    epc: Key
    reason: Reason


class SettleTagIn(Body):
    """Of two tags with one EPC: whether the one on the goods is `genuine` or the `copy`."""

    verdict: Annotated[str, choice("genuine", "copy")]
    reason: Reason
