"""Points of a PLC, photo-eye or scale: which input of a device is which sensor of the product.

Pure. A level is told when it differs from the last one told; before the first a resting level is
assumed, so a start tells what is active and nothing else. What does not fit is a typed refusal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

PointKind = Literal["photo_eye", "gpi", "conveyor", "weight", "temperature", "humidity", "battery"]
# inputs.md 2.3: unit and range of each measured kind.
_MEASURED: Final[dict[str, tuple[str, float, float]]] = {
    "weight": ("kg", 0, 100_000),
    "temperature": ("Cel", -100, 200),
    "humidity": ("%", 0, 100),
    "battery": ("%", 0, 100),
}
_MAX_SPEED: Final = 20.0
Fields = dict[str, str | int | float]


class PointError(Exception):
    """A value that this point cannot have."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sensor. `port` numbers a gpi, `belt` and `event` say what a conveyor point tells; a
    measured value is multiplied by `factor` (grams: 0.001) and told when it moved by `step`."""

    kind: PointKind
    port: int | None = None
    belt: str | None = None
    event: Literal["jam", "speed"] = "jam"
    invert: bool = False
    factor: float = 1.0
    step: float = 0.0

    @property
    def is_level(self) -> bool:
        """Whether it is on or off, rather than measured."""
        return self.kind in ("photo_eye", "gpi") or (
            self.kind == "conveyor" and self.event == "jam"
        )


class Told:
    """What was told last of each point; it outlives the connection, so a change while the device
    was away is told when it is back."""

    def __init__(self) -> None:
        self._levels: dict[str, bool] = {}
        self._values: dict[str, float] = {}

    def change(self, key: str, point: Point, value: bool | int | float | str) -> Fields | None:
        """The fields of a reading, or None when nothing changed. Raises `PointError`."""
        if point.is_level:
            level = _level(value) is not point.invert
            if self._levels.get(key, False) is level:
                return None
            self._levels[key] = level
            return _level_fields(point, on=level)
        number = _measured(point, value)
        last = self._values.get(key)
        if last is not None and (number == last or abs(number - last) < point.step):
            return None
        self._values[key] = number
        if point.kind == "conveyor":
            return {"event": "speed", "belt": point.belt or "", "speed_mps": number}
        return {"value": number, "unit": _MEASURED[point.kind][0]}


def _level(value: object) -> bool:
    # PLC programs often keep a flag in a whole number.
    if isinstance(value, bool):
        return value
    if type(value) is int and value in (0, 1):
        return value == 1
    raise PointError("not a level")


def _level_fields(point: Point, *, on: bool) -> Fields:
    if point.kind == "gpi":
        return {"port": point.port or 1, "state": "high" if on else "low"}
    if point.kind == "conveyor":
        return {"event": "jam" if on else "jam_clear", "belt": point.belt or ""}
    return {"state": "blocked" if on else "clear"}


def _measured(point: Point, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PointError("not a number")
    number = round(value * point.factor, 6)
    low, high = (0, _MAX_SPEED) if point.kind == "conveyor" else _MEASURED[point.kind][1:]
    if not math.isfinite(number) or not low <= number <= high:
        raise PointError("outside the range of its kind")
    return number
