"""Other thresholds of a what-if: what is read, and what is refused with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.settings_errors import ConfigError
from runtime.what_if_report import other_thresholds


def test_thresholds_stand_for_all_portals_and_for_one(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[thresholds]\nmajority = 0.7\n[portals.dock-1]\nfloor_dbm = -70\n")

    assert other_thresholds(file) == ({"majority": 0.7}, {"dock-1": {"floor_dbm": -70}})


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ("[mqtt]\n", "config-unknown-key", "mqtt"),
        ("[thresholds]\nflor = 1\n", "config-unknown-key", "thresholds.flor"),
        ("[portals.a]\nlead = true\n", "config-type", "portals.a.lead"),
        ("portals = 1\n", "config-type", "portals"),
        ("[", "config-syntax", ""),
    ],
)
def test_a_file_that_cannot_be_used_names_the_key(
    text: str, code: str, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "other.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as refusal:
        other_thresholds(file)

    assert (refusal.value.code, refusal.value.key) == (code, key)
