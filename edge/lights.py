"""Stack lights: a colour is a lease. When it ends the light is amber, and green never outlasts 5 s.

Pure; `at` is the agent's monotonic clock. Amber means "not verified".
"""

from __future__ import annotations

from contracts.v1 import Colour

GREEN_US = 5_000_000
# No lease outlives a lost gateway by more than this, whatever its ttl.
MAX_LEASE_US = 1_900_000


class LightLease:
    """What one stack light should show."""

    __slots__ = ("_colour", "_green_since", "_spent", "_until")

    def __init__(self) -> None:
        self._colour: Colour = "amber"
        self._until: int | None = None
        self._green_since = 0
        self._spent = False

    def grant(self, colour: Colour, *, ttl_us: int, at: int) -> None:
        """Take a command; a green that has used up its time stays amber until another colour."""
        was = self.colour(at)
        if colour != "green":
            self._spent = False
        elif was != "green":
            self._green_since = at
        self._colour = colour
        self._until = at + min(ttl_us, MAX_LEASE_US)

    def colour(self, at: int) -> Colour:
        """What to show now."""
        if self._until is not None and at >= self._until:
            self._colour, self._until, self._spent = "amber", None, False
        if self._colour == "green":
            if at - self._green_since >= GREEN_US:
                self._spent = True
            if self._spent:
                return "amber"
        return self._colour

    def due(self) -> int | None:
        """When the colour changes by itself."""
        if self._until is None:
            return None
        if self._colour == "green" and not self._spent:
            return min(self._until, self._green_since + GREEN_US)
        return self._until
