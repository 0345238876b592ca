"""Bodies of the configuration of an agent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core.api.fields import Body, Check, fail, whole
from core.api.schemas.absent import ABSENT

MAX_CHARACTERS = 32_768


def _document(value: Any) -> str:
    """TOML text as it stands; empty text is the agent's local file."""
    if not isinstance(value, str):
        raise fail("type", "This must be a text.")
    if len(value) > MAX_CHARACTERS:
        raise fail("length", f"This must have 0 to {MAX_CHARACTERS} characters.")
    if "\0" in value:
        raise fail("charset", "Control characters are not allowed.")
    return value


Document = Annotated[
    str, Check(_document, {"type": "string", "minLength": 0, "maxLength": MAX_CHARACTERS})
]


class ConfigIn(Body):
    """Tables `[edge.batch]` and `[[edge.device]]` as in the agent's own file."""

    document: Document


class RollbackIn(Body):
    """The version to go back to, 0 for the local file; left out: the last one that ran."""

    version: Annotated[int, whole(0, 2**62)] = Field(default=ABSENT)
