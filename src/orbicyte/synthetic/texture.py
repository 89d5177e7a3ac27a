"""Textures that are defined at every point of the plane: sums of random plane waves, not images."""

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import ComplexPoints, Floats

WAVES = 20  # of a texture
BENDS = 4  # of a warp


def clumps(points: ComplexPoints, scale_um: float, rng: np.random.Generator) -> Floats:
    """Random values of mean 0 and variance 1 at ``points``, smooth, in clumps about ``scale_um`` wide; same shape."""
    points = warp(points, 0.8 * scale_um, (4 * scale_um, 8 * scale_um), rng)  # else the waves are visible as a lattice
    wavelength = 2 * scale_um * np.exp(rng.uniform(-0.3, 1.0, WAVES))
    waves: Floats = np.cos(_phase(points, wavelength, rng))
    return np.asarray(np.float32((2 / WAVES) ** 0.5) * waves.sum(axis=-1), np.float32)


def warp(
    points: ComplexPoints, amplitude_um: float, wavelengths_um: tuple[float, float], rng: np.random.Generator
) -> ComplexPoints:
    """Move each point by a smooth random displacement of about ``amplitude_um``, which makes outlines irregular.

    ``points``: any shape, also that of the result; ``wavelengths_um``: the smallest and the largest.
    """
    shift = np.sin(_phase(points, rng.uniform(*wavelengths_um, BENDS), rng))
    direction = np.exp(1j * rng.uniform(0, 2 * np.pi, BENDS)) * amplitude_um * (2 / BENDS) ** 0.5
    return np.asarray(points + shift @ direction.astype(np.complex64), np.complex64)


def _phase(points: ComplexPoints, wavelength_um: NDArray[np.float64], rng: np.random.Generator) -> Floats:
    direction = rng.uniform(0, 2 * np.pi, len(wavelength_um))
    waves = np.stack((np.cos(direction), np.sin(direction))) * 2 * np.pi / wavelength_um
    waves = np.vstack((waves, rng.uniform(0, 2 * np.pi, len(wavelength_um))))
    xy = np.stack((points.real, points.imag, np.ones_like(points.real)), axis=-1)
    return np.asarray(xy @ waves.astype(np.float32), np.float32)


def scatter(count: int, radius_um: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """``count`` random places (count,), in µm from the centre, uniform over a disc."""
    radius = radius_um * np.sqrt(rng.uniform(size=count))
    return np.asarray(radius * np.exp(2j * np.pi * rng.uniform(size=count)))
