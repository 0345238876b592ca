"""RF physics of a portal: link budget, antenna and tag patterns, shadowing and fading.

A link is a function of seed, place and channel alone: a tag that stands still keeps its value.
Constants marked (S) are start values; the rest is published (Griffin & Durgin 2009; Kuester 2010).
"""

from __future__ import annotations

import cmath
import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple

from simulators.geometry import Vector

LIGHT_MPS = 299_792_458.0
POLARISATION_DB = 3.0  # circular reader antenna, linear tag
MODULATION_DB = 6.0
TAG_GAIN_DBI = 2.0
SIDE_LOBE_DB = -15.0
FLOOR_REFLECTION = -0.3
TWO_RAY_FROM_M = 3.0

# Loss for each box the ray passes inside a load, dB (S); the bound is the > 20 dB of backscatter
# loss on metal and lossy goods of Griffin & Durgin, spread over a pallet's depth.
MATERIAL_DB = {"dry": 0.5, "textile": 0.3, "food": 1.0, "liquid": 4.0, "metal": 6.0}


class Link(NamedTuple):
    """Power at the tag's chip and the reader's RSSI, both dBm."""

    tag_dbm: float
    rssi_dbm: float


@dataclass(frozen=True, slots=True)
class Antenna:
    """One reader antenna as it is mounted."""

    device: str
    port: int
    place: Vector
    boresight: Vector
    gain_dbi: float = 6.0
    beam_deg: float = 70.0

    @property
    def name(self) -> str:
        """Device and port, the key of its random draws."""
        return f"{self.device}/{self.port}"


@dataclass(frozen=True, slots=True)
class RadioSettings:
    """What the air and the reader's receiver are like.

    Shadowing, fading, limiting and noise are what fits the published gate (`python -m bench rf`).
    """

    frequency_hz: float = 866.3e6
    channels_hz: tuple[float, ...] = (0.0,)
    chip_dbm: float = -20.0
    chip_spread_db: float = 1.0
    sensitivity_dbm: float = -85.9
    shadow_db: float = 3.5
    shadow_shared: float = 0.7
    rician_db: float = 12.5
    shield_db: float = 12.0  # the screen between neighbour doors; 0 sweeps towards more cross-reads
    limiting: float = 0.8
    noise_db: float = 0.19
    step_db: float = 0.01


def path_loss_db(distance_m: float, frequency_hz: float) -> float:
    """Free-space loss between isotropic antennas."""
    return 20.0 * math.log10(4.0 * math.pi * distance_m * frequency_hz / LIGHT_MPS)


def budget(
    *,
    tx_dbm: float,
    reader_gain_dbi: float,
    tag_gain_dbi: float,
    path_loss_db: float,
    loss_db: float = 0.0,
    channel_db: float = 0.0,
    limiting: float = 0.0,
    wake_dbm: float = 0.0,
) -> Link:
    """Forward and return link; what the channel does enters once in the first and twice in RSSI.

    A chip that gets more than it needs to wake turns that share of the excess, in dB, away from its
    answer: the limiter mistunes it. At `limiting` 0 the answer grows with the power at the chip.
    """
    way = tag_gain_dbi - path_loss_db - POLARISATION_DB - loss_db + channel_db
    tag_dbm = tx_dbm + reader_gain_dbi + way
    answer_dbm = tag_dbm - MODULATION_DB - limiting * max(tag_dbm - wake_dbm, 0.0)
    return Link(tag_dbm, answer_dbm + way + reader_gain_dbi)


def pattern_db(cosine: float, beam_deg: float) -> float:
    """Gain below boresight: parabola in dB down to the side and back lobes."""
    angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
    return max(-12.0 * (angle / beam_deg) ** 2, SIDE_LOBE_DB)


def dipole_db(axis: Vector, direction: Vector) -> float:
    """Tag pattern: full across its axis, a null along it (8 dB, S: tags are bent, goods near)."""
    cosine = axis[0] * direction[0] + axis[1] * direction[1] + axis[2] * direction[2]
    return max(10.0 * math.log10(max(1.0 - cosine * cosine, 1e-6)), -8.0)


def floor_db(distance_m: float, heights_m: tuple[float, float], frequency_hz: float) -> float:
    """Gain of the second ray over the floor, beyond three metres."""
    if distance_m <= TWO_RAY_FROM_M:
        return 0.0
    extra = 4.0 * heights_m[0] * heights_m[1]
    difference = math.sqrt(distance_m * distance_m + extra) - distance_m
    phase = 2.0 * math.pi * frequency_hz / LIGHT_MPS * difference
    return 20.0 * math.log10(max(abs(1.0 + FLOOR_REFLECTION * cmath.exp(1j * phase)), 0.1))


@dataclass(slots=True)
class FadingField:
    """Rician fading as standing waves: smooth in place, other in each channel."""

    rician_db: float
    seed: str
    _waves: list[tuple[float, float, float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        for _ in range(5):
            azimuth, rise = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(-0.5, 0.5)
            flat = math.sqrt(1.0 - rise * rise)
            self._waves.append(
                (
                    flat * math.cos(azimuth),
                    flat * math.sin(azimuth),
                    rise,
                    rng.uniform(0.0, 2.0 * math.pi),
                    rng.uniform(5e-9, 60e-9),  # excess delay, s
                )
            )

    def gain_db(
        self, place: Vector, distance_m: float, frequency_hz: float, offset_hz: float
    ) -> float:
        """Fading at a place; mean power gain is one."""
        k = 2.0 * math.pi * (frequency_hz + offset_hz) / LIGHT_MPS
        ratio = 10.0 ** (self.rician_db / 10.0)
        weight = math.sqrt(1.0 / ((ratio + 1.0) * len(self._waves)))
        x, y, z = place
        spun = 2.0 * math.pi * offset_hz
        real = imaginary = 0.0
        for ux, uy, uz, phase, delay in self._waves:
            turn = k * (ux * x + uy * y + uz * z + distance_m) + phase + spun * delay
            real += math.cos(turn)
            imaginary += math.sin(turn)
        real = math.sqrt(ratio / (ratio + 1.0)) + weight * real
        imaginary *= weight
        return max(10.0 * math.log10(real * real + imaginary * imaginary + 1e-9), -25.0)
