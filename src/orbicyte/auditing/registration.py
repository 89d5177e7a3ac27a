"""Registration of two patches: rotation, reflection and a small shift, and how alike they are then."""

from dataclasses import dataclass

import numpy as np
from skimage.registration import phase_cross_correlation
from skimage.transform import warp, warp_polar

from orbicyte.arrays import Doubles, Floats, Pixels
from orbicyte.auditing.rings import SIDE_PX, disc

LARGEST_SHIFT_PX = 8.0
"""Of SIDE_PX: patches whose centres are further apart show another cell in the centre."""
LARGEST_CORRECTION_DEG = 6.0
ROUNDS = 2
POLAR_ANGLES = 360


@dataclass(frozen=True)
class Alignment:
    """How the second patch of a pair becomes the first: mirrored left to right if ``mirrored``, then rotated
    counter-clockwise by ``angle_deg`` about its centre, then shifted by ``shift`` (x, y), in sides of the view.

    ``similarity``: correlation of the two in the disc after that, -1 to 1.
    """

    angle_deg: float
    mirrored: bool
    shift: tuple[float, float] = (0.0, 0.0)
    similarity: float = 0.0


def register(first: Floats, second: Floats, angle_deg: float, mirrored: bool) -> Alignment:
    """Refine an angle between two pictures (SIDE_PX, SIDE_PX), made by ``rings.normalised``, that is right to a few
    degrees.

    In turns, phase correlation gives the shift, and phase correlation of polar pictures the rest of the angle.
    """
    shift = np.zeros(2)
    for _ in range(ROUNDS):
        shift = _shift(first, _moved(second, angle_deg, mirrored, np.zeros(2)))
        angle_deg -= _rest_deg(first, _moved(second, angle_deg, mirrored, shift))
    found = _moved(second, angle_deg, mirrored, shift)
    seen = disc() & (_moved(disc().astype(np.float32), angle_deg, mirrored, shift) > 0.99)
    similarity = _correlation(first[seen], found[seen])
    return Alignment(
        angle_deg % 360, mirrored, (float(shift[1]) / SIDE_PX, float(shift[0]) / SIDE_PX), float(similarity)
    )


def aligned(patch: Pixels, view_px: int, alignment: Alignment) -> Pixels:
    """A patch (S, S, 3) in the position of the other of its pair; what is outside the patch is white."""
    x, y = np.multiply(alignment.shift, view_px)
    transform = _transform(patch.shape[0], alignment.angle_deg, alignment.mirrored, np.array([y, x]))
    moved = warp(patch, transform, order=1, cval=255, preserve_range=True)  # type: ignore[no-untyped-call]
    return np.asarray(np.rint(moved), np.uint8)


def _transform(side_px: int, angle_deg: float, mirrored: bool, shift: Doubles) -> Doubles:
    """The matrix (3, 3) from a pixel (x, y, 1) of the result to that of the second patch; ``shift``: rows, columns."""
    middle = (side_px - 1) / 2
    to_centre = np.array([[1, 0, -middle - shift[1]], [0, 1, -middle - shift[0]], [0, 0, 1]])
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    back = np.array([[-1 if mirrored else 1, 0, middle], [0, 1, middle], [0, 0, 1]])
    return np.asarray(back @ rotation @ to_centre)


def _moved(picture: Floats, angle_deg: float, mirrored: bool, shift: Doubles) -> Floats:
    transform = _transform(SIDE_PX, angle_deg, mirrored, shift)
    return np.asarray(warp(picture, transform, order=1, preserve_range=True), np.float32)  # type: ignore[no-untyped-call]


def _shift(first: Floats, second: Floats) -> Doubles:
    """Rows and columns by which the second picture is moved to lie on the first; 0 if that is not a small shift."""
    found = _phase_correlation(first, second)
    return found if np.hypot(*found) <= LARGEST_SHIFT_PX else np.zeros(2)


def _rest_deg(first: Floats, second: Floats) -> float:
    """Degrees by which the second picture is rotated clockwise to lie on the first; 0 if that is not a small angle."""
    shape = (POLAR_ANGLES, SIDE_PX // 2)
    polar = [warp_polar(picture, radius=SIDE_PX / 2, output_shape=shape, order=1) for picture in (first, second)]
    degrees = float(_phase_correlation(*polar)[0]) * 360 / POLAR_ANGLES
    return degrees if abs(degrees) <= LARGEST_CORRECTION_DEG else 0.0


def _phase_correlation(first: Floats, second: Floats) -> Doubles:
    """Rows and columns by which the second picture is moved to lie on the first, to a quarter of a pixel."""
    found = phase_cross_correlation(first, second, upsample_factor=4, normalization=None)  # type: ignore[no-untyped-call]
    return np.asarray(found[0], np.float64)


def _correlation(first: Floats, second: Floats) -> float:
    a, b = first - first.mean(), second - second.mean()
    return float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1e-12)))
