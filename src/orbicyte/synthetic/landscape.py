"""Smooth random functions of the position on a slide, which define its regions: thick, empty, out of focus."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Doubles

WAVES = 9


@dataclass(frozen=True)
class Region:
    """A degree from 0 to 1 that varies smoothly over a slide, from a random function with maxima ``scale_um`` wide.

    It is 0 where the function is below ``low``, 1 where it is above ``high``. The function depends on seed and scale.
    """

    seed: int
    scale_um: float
    low: float = -1.0
    high: float = 1.0

    def on(self, x_um: Doubles, y_um: Doubles) -> NDArray[np.float32]:
        """The degree on the grid of columns ``x_um`` (n,) and rows ``y_um`` (m,): (m, n)."""
        return self._degree(self.heights(x_um, y_um)).astype(np.float32)

    def at(self, places_um: NDArray[np.complex128]) -> Doubles:
        """The degree at places (n,): x to the right, the imaginary axis up from the slide's upper edge."""
        kx, ky, phase = self._waves[:, None, :]
        waves = np.cos(places_um.real[:, None] * kx - places_um.imag[:, None] * ky + phase)
        return self._degree(waves.sum(axis=1) * (2 / WAVES) ** 0.5)

    def heights(self, x_um: Doubles, y_um: Doubles) -> Doubles:
        """The function itself, of mean 0 and variance 1, on the grid of columns (n,) and rows (m,) in µm: (m, n)."""
        kx, ky, phase = self._waves
        across, down = np.outer(x_um, kx) + phase, np.outer(y_um, ky)
        # cos(a + b) as two products of matrices: on a grid, a plane wave has rank 2.
        total = np.cos(down) @ np.cos(across).T - np.sin(down) @ np.sin(across).T
        return np.asarray(total * (2 / WAVES) ** 0.5)

    @cached_property
    def _waves(self) -> Doubles:
        rng = np.random.default_rng(self.seed)
        direction = (np.arange(WAVES) + rng.uniform(size=WAVES)) * np.pi / WAVES
        number = np.pi / self.scale_um * np.exp(rng.uniform(-0.5, 0.4, WAVES))
        return np.stack((number * np.cos(direction), number * np.sin(direction), rng.uniform(0, 2 * np.pi, WAVES)))

    def _degree(self, heights: Doubles) -> Doubles:
        t = np.clip((heights - self.low) / (self.high - self.low), 0, 1)
        return np.asarray(t * t * (3 - 2 * t))


def region(seed: int, scale_um: float, size_um: tuple[float, float], shares: tuple[float, float]) -> Region:
    """A region on a slide of that width and height: 0 on its lowest ``shares[0]``, 1 above ``shares[1]``."""
    x_um, y_um = (np.linspace(0, side, 48) for side in size_um)
    low, high = np.quantile(Region(seed, scale_um).heights(x_um, y_um), shares)
    return Region(seed, scale_um, float(low), float(high))
