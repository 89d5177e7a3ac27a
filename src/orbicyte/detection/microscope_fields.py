"""Microscope fields with their targets, on which the network is trained; and synthetic ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from orbicyte.arrays import Pixels
from orbicyte.detection.targets import Targets, of_masks
from orbicyte.synthetic import Smear, microscope_field, sample_smear

SMEAR_UM = 400.0
ON_A_CELL = 0.7
"""Share of the windows of synthetic smears that are placed on a white cell."""


@dataclass(frozen=True)
class MicroscopeField:
    """An image (H, W, 3), 0 to 255, and its targets (..., H, W)."""

    image: Pixels
    targets: Targets


def synthetic_fields(smears: int, per_smear: int, side_um: float, mpp: float, seed: int) -> Iterator[MicroscopeField]:
    """``per_smear`` windows of ``side_um`` from each of ``smears`` synthetic smears, at ``mpp``; depend on ``seed``."""
    size_px = round(side_um / mpp)
    for number in range(smears):
        rng = np.random.default_rng((seed, number))
        smear = sample_smear(1000 * seed + number, SMEAR_UM, SMEAR_UM)
        for _ in range(per_smear):
            x_um, y_um = _window(smear, side_um, rng)
            image, cells, nuclei = microscope_field(smear, x_um, y_um, size_px, mpp)
            yield MicroscopeField(image, of_masks(cells, nuclei))


def _window(smear: Smear, side_um: float, rng: np.random.Generator) -> tuple[float, float]:
    last_um = SMEAR_UM - side_um
    if rng.random() > ON_A_CELL or not smear.whites:
        return float(rng.uniform(0, last_um)), float(rng.uniform(0, last_um))
    place = smear.whites[int(rng.integers(len(smear.whites)))].place_um
    x_um, y_um = np.array((place.real, -place.imag)) - side_um * rng.uniform(0, 1, 2)
    return float(np.clip(x_um, 0, last_um)), float(np.clip(y_um, 0, last_um))


def pieces(field: MicroscopeField, side_px: int) -> Iterator[MicroscopeField]:
    """``field`` in pieces of at most ``side_px`` per side, which overlap if its size is not a multiple of that."""
    height, width = field.image.shape[:2]
    maps, valid = field.targets.maps, field.targets.valid
    for top in _starts(height, side_px):
        for left in _starts(width, side_px):
            rows, columns = slice(top, top + side_px), slice(left, left + side_px)
            yield MicroscopeField(field.image[rows, columns], Targets(maps[:, rows, columns], valid[:, rows, columns]))


def _starts(length_px: int, side_px: int) -> list[int]:
    count = max(1, -(-length_px // side_px))
    return [round(start) for start in np.linspace(0, max(0, length_px - side_px), count)]
