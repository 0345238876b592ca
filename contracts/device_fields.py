"""The devices of a status: each by its fields, then the lists it holds. The first problem ends."""

from __future__ import annotations

from collections.abc import Callable

from contracts.fields import (
    ANTENNA_STATUS,
    DEVICE_ALARMS,
    DEVICE_STATUS,
    EPC_CHARACTERS,
    MAX_ALARMS,
    MAX_ANTENNAS,
    MAX_DEVICES,
    MAX_MISSING,
    Problem,
    pointer,
    problem_of,
)

Judge = Callable[[object], Problem | None]


def devices_problem(found: object) -> Problem | None:
    """The first problem of the list `devices`; what is no list was refused before."""
    return _each(found, "devices", MAX_DEVICES, _device)


def _each(found: object, name: str, most: int, judge: Judge) -> Problem | None:
    entries = found if isinstance(found, list) else []
    if len(entries) > most:
        return "E_FIELD_RANGE", pointer(name)
    for index, entry in enumerate(entries):
        if problem := judge(entry):
            return problem[0], pointer(name, index) + problem[1]
    return None


def _device(found: object) -> Problem | None:
    if not isinstance(found, dict):
        return "E_FIELD_TYPE", ""
    return (
        problem_of(found, DEVICE_STATUS)
        or _each(found.get("alarms", []), "alarms", MAX_ALARMS, _alarm)
        or _each(found.get("antennas", []), "antennas", MAX_ANTENNAS, _antenna)
        or _each(found.get("missing", []), "missing", MAX_MISSING, _epc)
    )


def _alarm(found: object) -> Problem | None:
    if not isinstance(found, str):
        return "E_FIELD_TYPE", ""
    return None if found in DEVICE_ALARMS else ("E_FIELD_RANGE", "")


def _antenna(found: object) -> Problem | None:
    if not isinstance(found, dict):
        return "E_FIELD_TYPE", ""
    return problem_of(found, ANTENNA_STATUS)


def _epc(found: object) -> Problem | None:
    if not isinstance(found, str):
        return "E_FIELD_TYPE", ""
    if "\0" in found:
        return "E_NUL", ""
    return None if 1 <= len(found) <= EPC_CHARACTERS else ("E_FIELD_RANGE", "")
