"""Shapes as signed distances from their outlines in µm, negative inside, at any point of the plane."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import ComplexPoints, Floats
from orbicyte.synthetic.cells import Nucleus

EDGE_UM = 0.12  # width of the transition from outside to inside
FILLET_UM = 0.6  # rounding where two lobes meet


def cover(distance_um: Floats, edge_um: float = EDGE_UM) -> Floats:
    """Coverage by the shape, of the same shape as ``distance_um``: 0 outside, 1 inside, smooth over ``edge_um``."""
    t = np.clip(np.float32(0.5) - distance_um * np.float32(1 / edge_um), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def radial(points: ComplexPoints, radius_um: float, outline: tuple[complex, ...]) -> tuple[Floats, Floats]:
    """Distance of the points from the centre, and the outline's in that direction, in µm, both shaped as ``points``.

    ``outline``: amplitudes, relative to the radius, of 2, 3, ... waves around it.
    """
    rho = np.abs(points)
    direction: ComplexPoints = np.asarray(points / np.maximum(rho, np.float32(1e-6)), np.complex64)
    wave = np.zeros_like(points)
    for amplitude in reversed((0, 0, *outline)):
        wave = wave * direction + np.complex64(amplitude)
    return rho, np.asarray(np.float32(radius_um) * (1 + wave.real), np.float32)


def spine(
    nucleus: Nucleus, within_um: float, rng: np.random.Generator
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Centres and radii (n,) of the lobes, in µm, slightly off a regular arc, in a disc of radius ``within_um``."""
    t = np.linspace(-0.5, 0.5, nucleus.lobes)
    bend = max(nucleus.bend_rad, 1e-3)
    angle = bend * t
    centres = nucleus.spine_um / bend * ((1 - np.cos(angle)) + 1j * np.sin(angle))
    radii = nucleus.diameter_um / 2 * rng.uniform(0.88, 1.12, nucleus.lobes)
    jitter = rng.normal(size=nucleus.lobes) + 1j * rng.normal(size=nucleus.lobes)
    centres = centres + 0.08 * nucleus.diameter_um * jitter
    middle = (centres.real.min() + centres.real.max()) / 2 + 1j * centres.imag.mean()
    centres = centres - middle - nucleus.offset_um
    crowding = np.max(np.abs(centres) / np.maximum(within_um - radii, 0.1))
    return centres / max(crowding, 1.0), radii


def chain(points: ComplexPoints, centres: NDArray[np.complex128], radii: NDArray[np.float64], waist: float) -> Floats:
    """Signed distance in µm to round lobes joined by bridges of ``waist`` times their width, rounded where they meet.

    Shaped as ``points``. ``centres``, ``radii``: (n,) in µm, n >= 1, as returned by ``spine``.
    """
    distance = disc(points, centres[0], radii[0])
    for (a, b), (ra, rb) in zip(pairwise(centres), pairwise(radii), strict=True):
        distance = smooth_minimum(distance, disc(points, b, rb))
        distance = smooth_minimum(distance, bridge(points, a, b, waist * min(ra, rb)))
    return distance


def disc(points: ComplexPoints, centre: complex, radius_um: float) -> Floats:
    """Signed distance in µm to a disc, shaped as ``points``."""
    return np.asarray(np.abs(points - np.complex64(centre)) - np.float32(radius_um), np.float32)


def bridge(points: ComplexPoints, a: complex, b: complex, radius_um: float) -> Floats:
    """Signed distance in µm to a straight line of width 2 ``radius_um`` from ``a`` to ``b`` with round ends.

    Shaped as ``points``.
    """
    step, relative = np.complex64(b - a), points - np.complex64(a)
    along = np.clip((relative * step.conj()).real / np.float32(max(abs(b - a) ** 2, 1e-6)), 0, 1)
    return np.asarray(np.abs(relative - along * step) - np.float32(radius_um), np.float32)


def smooth_minimum(a: Floats, b: Floats) -> Floats:
    """The minimum of two distances in µm of one shape, with the corner between them rounded; same shape."""
    h = np.maximum(1 - np.abs(a - b) / np.float32(FILLET_UM), 0)
    return np.asarray(np.minimum(a, b) - h * h * np.float32(FILLET_UM / 4), np.float32)
