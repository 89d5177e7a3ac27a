"""The points at which a rotated scene is sampled."""

import math
from dataclasses import dataclass

import numpy as np

from orbicyte.arrays import ComplexPoints, Floats

Window = tuple[slice, slice]

SAMPLE_UM = 0.1  # largest distance of samples, for any size of pixels: another size only changes the averaging
MARGIN_UM = 0.8  # calculated beyond the border, so that the blur needs no pixels outside


@dataclass(frozen=True)
class Grid:
    """Samples of a square field.

    ``points``: (n, n), positions in the scene, in µm; ``rotation``: the unit complex number that rotated the scene;
    ``oversample``: samples per pixel along each side; ``margin``: samples beyond each border.
    """

    points: ComplexPoints
    spacing_um: float
    rotation: complex
    oversample: int
    margin: int

    def window(self, centre_um: complex, reach_um: float) -> Window:
        """The samples within ``reach_um`` of a place in the scene, and some more; empty if it is outside the image."""
        middle, reach = (len(self.points) - 1) / 2, reach_um / self.spacing_um + 1
        shown = centre_um * self.rotation / self.spacing_um
        return self._span(middle - shown.imag, reach), self._span(middle + shown.real, reach)

    def _span(self, centre: float, reach: float) -> slice:
        n = len(self.points)
        return slice(min(max(math.floor(centre - reach), 0), n), max(min(math.ceil(centre + reach) + 1, n), 0))

    def pixels(self, samples: Floats) -> Floats:
        """Average samples (n, n, ...) over the pixels, without the margin: (size_px, size_px, ...)."""
        inner = samples[self.margin : len(samples) - self.margin, self.margin : len(samples) - self.margin]
        step = self.oversample
        rows = sum((inner[i::step] for i in range(1, step)), inner[::step])
        total = sum((rows[:, i::step] for i in range(1, step)), rows[:, ::step])
        return np.asarray(total / np.float32(step**2), np.float32)


def unit(angle_rad: float) -> complex:
    """``exp(1j * angle)``, exact at multiples of 90 degrees."""
    return complex(round(math.cos(angle_rad), 15), round(math.sin(angle_rad), 15))


def sample_grid(
    size_px: int,
    mpp: float,
    angle_rad: float,
    rotation_rad: float,
    sample_um: float = SAMPLE_UM,
    margin_um: float = MARGIN_UM,
) -> Grid:
    """Samples of a scene at ``angle_rad``, rotated further by ``rotation_rad``, about the centre of the image."""
    oversample = max(1, math.ceil(mpp / sample_um - 1e-6))
    spacing = mpp / oversample
    margin = math.ceil(margin_um / spacing)
    n = size_px * oversample + 2 * margin
    axis = (np.arange(n) - (n - 1) / 2) * spacing
    # Two factors instead of one angle: a rotation by 90 degrees then permutes the points exactly.
    points = (axis[None, :] - 1j * axis[:, None]) * unit(-rotation_rad) * unit(-angle_rad)
    return Grid(points.astype(np.complex64), spacing, unit(rotation_rad) * unit(angle_rad), oversample, margin)
