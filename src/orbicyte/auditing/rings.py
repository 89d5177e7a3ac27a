"""Patches as angular Fourier coefficients on rings, in which rotation is a phase and reflection a conjugation.

The magnitudes of the coefficients do not depend on either, and two patches are compared at all angles at once by one
Fourier transform (the correlation theorem on each ring).
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import gaussian_filter

from orbicyte import geometry
from orbicyte.arrays import Doubles, Flags, Floats, Pixels

SIDE_PX = 64
"""Side to which the view is scaled before patches are compared."""
RIM_PX = 1.5
"""Rim of the disc that is left out: a rotation mixes it with pixels outside."""
RINGS = 24
ANGLES = 128
"""Samples on each ring."""
ORDERS = 24
"""Angular frequencies 1, 2, ..., ORDERS; the mean of a ring (order 0) says nothing about the angle."""
FLOOR = 4.0
"""Intensities (of 255): structure with less local contrast is treated as noise."""

Coefficients = NDArray[np.complex64]
"""(N, RINGS, ORDERS) coefficients of N patches, scaled so that the squared norm of each patch is 1/2, or 0."""


def normalised(images: Pixels, view_px: int, sigma_px: float) -> Floats:
    """Grey structure of the view's disc without its local mean, divided by its local contrast: (N, SIDE_PX, SIDE_PX).

    ``images``: (N, S, S, 3), 0 to 255; ``sigma_px``: of the Gaussian that is local, in pixels of the result. It is 0
    outside the disc and does not depend on what is there, nor on brightness; contrast and colour matter little, so
    cells recorded twice with another white balance stay alike.
    """
    grey = torch.from_numpy(images.mean(-1, dtype=np.float32))[:, None]
    small = geometry.resize(geometry.crop(grey, view_px), SIDE_PX)[:, 0].numpy()
    inside = disc().astype(np.float32)
    weight = np.maximum(_blur(inside[None], sigma_px), np.float32(1e-6))
    structure = np.asarray((small - _blur(small * inside, sigma_px) / weight) * inside, np.float32)
    contrast = np.sqrt(_blur(structure**2, sigma_px) / weight)
    return np.asarray(structure / (contrast + FLOOR), np.float32)


def coefficients(pictures: Floats, offset_px: tuple[float, float] = (0.0, 0.0)) -> Coefficients:
    """The coefficients of ``pictures`` (N, SIDE_PX, SIDE_PX) around a point ``offset_px`` (x, y) from their centre."""
    sampler, radii = _rings(offset_px)
    flat = pictures.reshape(len(pictures), -1)
    rings = (sampler @ flat.T).T.reshape(len(pictures), RINGS, ANGLES)
    found = np.fft.rfft(rings, axis=-1)[..., 1 : ORDERS + 1] * np.sqrt(radii)[:, None]
    norm = np.sqrt(2 * (np.abs(found) ** 2).sum((1, 2), keepdims=True))
    return np.asarray(found / np.where(norm > 1e-6, norm, np.inf), np.complex64)


def magnitudes(found: Coefficients) -> Floats:
    """The vector of each patch that does not change with rotation and reflection: (N, RINGS * ORDERS)."""
    return np.abs(found).reshape(len(found), -1)


def best_angles(first: Coefficients, second: Coefficients, samples: int = 256) -> tuple[Doubles, Doubles, Flags]:
    """Correlation, -1 to 1, of N pairs at the best of ``samples`` angles; that angle in degrees; whether mirrored.

    The second patch, mirrored left to right if so, then rotated counter-clockwise by the angle, is most like the first.
    Each result is (N,).
    """
    plain = np.einsum("nrm,nrm->nm", first, second.conj())
    mirrored = np.einsum("nrm,nrm->nm", first, second)  # of the patch mirrored top to bottom
    spectrum = np.pad(np.stack((plain, mirrored), 1), ((0, 0), (0, 0), (1, 0)))
    correlation = np.fft.irfft(spectrum, samples, axis=-1).reshape(len(first), -1) * samples
    best = correlation.argmax(1)
    is_mirrored = best >= samples
    # Mirroring left to right is mirroring top to bottom and half a rotation.
    angle = best % samples * 360 / samples - np.where(is_mirrored, 180, 0)
    return correlation[np.arange(len(first)), best].astype(np.float64), angle % 360, is_mirrored


@cache
def disc() -> Flags:
    """The pixels that are compared: (SIDE_PX, SIDE_PX)."""
    return np.asarray(geometry.disc(SIDE_PX, RIM_PX).numpy())


def _blur(pictures: Floats, sigma_px: float) -> Floats:
    return np.asarray(gaussian_filter(pictures, (0, sigma_px, sigma_px), mode="constant", truncate=3.0))


@cache
def _rings(offset_px: tuple[float, float]) -> tuple[sparse.csr_matrix, Doubles]:
    """The matrix of bilinear samples on rings, (RINGS * ANGLES, SIDE_PX²), and the radii (RINGS,) in pixels."""
    middle = (SIDE_PX - 1) / 2
    radii = np.linspace(RIM_PX, SIDE_PX / 2 - RIM_PX, RINGS)
    angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
    x = np.clip(middle + offset_px[0] + radii[:, None] * np.cos(angle), 0, SIDE_PX - 1.001).ravel()
    y = np.clip(middle + offset_px[1] - radii[:, None] * np.sin(angle), 0, SIDE_PX - 1.001).ravel()
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = x - left, y - top
    weights = np.concatenate(((1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below))
    corner = top * SIDE_PX + left
    columns = np.concatenate((corner, corner + 1, corner + SIDE_PX, corner + SIDE_PX + 1))
    rows = np.tile(np.arange(x.size), 4)
    shape = (x.size, SIDE_PX**2)
    return sparse.csr_matrix((weights.astype(np.float32), (rows, columns)), shape=shape), radii
