"""Registration against known answers."""

import numpy as np
import pytest
from PIL import Image

from orbicyte.arrays import Floats, Pixels
from orbicyte.auditing.registration import Alignment, aligned, register
from orbicyte.auditing.rings import SIDE_PX, best_angles, coefficients, disc, magnitudes, normalised

ANGLES = (0.0, 33.0, 90.0, 161.5, 250.0, 359.0)


def rotated(image: Pixels, angle_deg: float, mirrored: bool = False, shift: tuple[int, int] = (0, 0)) -> Pixels:
    """Mirrored left to right, rotated counter-clockwise, shifted by (x, y)."""
    picture = Image.fromarray(image[:, ::-1] if mirrored else image).rotate(angle_deg, Image.Resampling.BICUBIC)
    return np.roll(np.asarray(picture), shift[::-1], (0, 1))


def structure(image: Pixels) -> Floats:
    (picture,) = normalised(image[None], image.shape[0], 2.0)
    return np.asarray(picture)


def difference_deg(first: float, second: float) -> float:
    return abs((first - second + 180) % 360 - 180)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle_deg", ANGLES)
def test_the_angle_is_found_by_the_rings(cells: Pixels, angle_deg: float, mirrored: bool) -> None:
    first = np.stack([rotated(cell, angle_deg, mirrored) for cell in cells[:8]])
    rings = [coefficients(normalised(images, SIDE_PX, 4.0)) for images in (first, cells[:8])]
    correlation, found, is_mirrored = best_angles(rings[0], rings[1])
    assert (correlation > 0.9).all()
    assert (is_mirrored == mirrored).all()
    assert max(difference_deg(angle, angle_deg) for angle in found) < 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("shift", [(0, 0), (3, -2)])
def test_angle_reflection_and_shift_are_found_from_an_angle_that_is_nearly_right(
    cells: Pixels, shift: tuple[int, int], mirrored: bool
) -> None:
    for angle_deg in ANGLES:
        first = structure(rotated(cells[3], angle_deg, mirrored, shift))
        found = register(first, structure(cells[3]), angle_deg + 3, mirrored)
        assert difference_deg(found.angle_deg, angle_deg) < 1.2
        assert np.multiply(found.shift, SIDE_PX) == pytest.approx(shift, abs=0.6)
        assert found.similarity > 0.85


def test_magnitudes_do_not_change_with_rotation_and_reflection(cells: Pixels) -> None:
    images = [cells, np.rot90(cells, axes=(1, 2)), cells[:, ::-1]]
    first, *others = (magnitudes(coefficients(normalised(image, SIDE_PX, 4.0))) for image in images)
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-4)


def test_pixels_outside_the_disc_and_brightness_do_not_matter(cells: Pixels) -> None:
    other = np.where(disc()[..., None], np.clip(cells, 40, 200) + np.uint8(30), 0).astype(np.uint8)
    first, second = (normalised(images, SIDE_PX, 2.0) for images in (np.clip(cells, 40, 200), other))
    np.testing.assert_allclose(second, first, atol=1e-3)


def test_a_patch_is_moved_onto_the_other(cells: Pixels) -> None:
    first = rotated(cells[5], 70, mirrored=True, shift=(3, 2))
    shift = (3 / SIDE_PX, 2 / SIDE_PX)
    moved = aligned(cells[5], SIDE_PX, Alignment(70, True, shift))
    inner = np.hypot(*np.meshgrid(*[np.arange(SIDE_PX) - 31.5] * 2)) < 26
    assert np.abs(moved.astype(float) - first)[inner].mean() < 4
