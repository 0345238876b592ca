"""The default of a member that may be left out but never null: null is another JSON type."""

from __future__ import annotations

from typing import Any, Final

ABSENT: Final[Any] = None
