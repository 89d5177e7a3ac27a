"""Drawings are reproducible, rotated without interpolation, and show the same area at every size."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orbicyte import geometry
from orbicyte.cell_types import TYPES
from orbicyte.synthetic import FIELD_UM, Cell, draw, sample_cell

Floats = NDArray[np.float32]


def cell_of(seed: int, kind: str | None = None) -> Cell:
    rng = np.random.default_rng(seed)
    return sample_cell(kind or TYPES[seed % len(TYPES)], rng)


def rotated(image: Floats, angle_rad: float) -> Floats:
    """The image rotated by interpolation of its pixels, with the function that the networks use."""
    batch = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    return geometry.rotate(batch, torch.tensor([angle_rad]))[0].numpy().transpose(1, 2, 0)


def halved(image: Floats) -> Floats:
    size = len(image) // 2
    return np.asarray(image.reshape(size, 2, size, 2, 3).mean(axis=(1, 3)))


def test_same_seed_same_drawing() -> None:
    first, second = draw(cell_of(3)), draw(cell_of(3))
    np.testing.assert_array_equal(first.image, second.image)
    assert not np.array_equal(first.image, draw(cell_of(13)).image)


@given(seed=st.integers(0, 10_000), quarters=st.integers(-4, 7))
@settings(max_examples=25, deadline=None)
def test_rotations_by_90_degrees_permute_pixels(seed: int, quarters: int) -> None:
    cell = cell_of(seed)
    first, second = draw(cell, 64, noise=False), draw(cell, 64, rotation_rad=quarters * math.pi / 2, noise=False)
    np.testing.assert_allclose(second.image, np.rot90(first.image, quarters), atol=1e-6)
    np.testing.assert_array_equal(second.nucleus_mask, np.rot90(first.nucleus_mask, quarters))


@pytest.mark.parametrize("angle_deg", [17.0, 45.0, 131.0])
def test_other_rotations_agree_with_rotating_a_fine_drawing(angle_deg: float) -> None:
    angle = math.radians(angle_deg)
    disc = geometry.disc(128, inset_px=2).numpy()
    for seed in range(4):
        fine = draw(cell_of(seed), 512, FIELD_UM / 512, noise=False).image
        interpolated = halved(halved(rotated(fine, angle)))
        error = np.abs(draw(cell_of(seed), 128, rotation_rad=angle, noise=False).image - interpolated)[disc]
        found = f"{angle_deg} degrees, seed {seed}: mean {error.mean():.5f}, largest {error.max():.4f} of 1"
        assert error.mean() < 0.004, found
        assert error.max() < 0.1, found


def test_corners_are_rotated_too() -> None:
    """A larger drawing, rotated by interpolation, contains the corners of the smaller one."""
    angle, mpp = math.radians(40), 0.1
    corners = ~geometry.disc(256).numpy()
    wide = draw(cell_of(5), 256 + 128, mpp, noise=False).image
    expected = rotated(wide, angle)[64:-64, 64:-64]
    narrow = draw(cell_of(5), 256, mpp, rotation_rad=angle, noise=False).image
    assert np.abs(narrow - expected)[corners].mean() < 0.002


def test_noise_is_not_rotated() -> None:
    cell = cell_of(4)
    noise = [
        draw(cell, rotation_rad=a).image - draw(cell, rotation_rad=a, noise=False).image for a in (0.0, math.pi / 2)
    ]
    # Except where the sum was out of range and was clipped.
    unclipped = np.isclose(noise[0], noise[1], atol=1e-6)
    assert unclipped.mean() > 0.8
    assert 0.5 * cell.slide.noise < noise[0].std() < 1.5 * cell.slide.noise


@pytest.mark.parametrize(("coarse_px", "fine_px"), [(64, 128), (128, 256)])
def test_a_smaller_drawing_is_the_mean_of_a_larger_one(coarse_px: int, fine_px: int) -> None:
    cell = cell_of(7)
    coarse, fine = draw(cell, coarse_px, noise=False), draw(cell, fine_px, noise=False)
    np.testing.assert_allclose(coarse.image, halved(fine.image), atol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_nucleus_is_in_the_cell_and_the_cell_in_the_centre(seed: int) -> None:
    cell = cell_of(seed)
    drawing = draw(cell, 64)
    assert drawing.image.shape == (64, 64, 3)
    assert drawing.image.min() >= 0
    assert drawing.image.max() <= 1
    assert not (drawing.nucleus_mask & ~drawing.cell_mask).any()
    assert 0.05 * drawing.cell_mask.sum() < drawing.nucleus_mask.sum() < drawing.cell_mask.sum()
    rows, columns = np.nonzero(drawing.cell_mask)
    assert math.hypot(rows.mean() - 31.5, columns.mean() - 31.5) * FIELD_UM / 64 < 1.0
    # The mask covers the disc of the cell's diameter, up to its irregular outline.
    diameter_um = 2 * math.sqrt(drawing.cell_mask.sum() / math.pi) * FIELD_UM / 64
    assert diameter_um == pytest.approx(cell.white.diameter_um, rel=0.12)


def test_nucleus_is_darker_than_cytoplasm_and_cytoplasm_than_the_empty_slide() -> None:
    for seed, kind in enumerate(TYPES):
        cell = replace(cell_of(seed, kind), neighbours=())
        drawing = draw(cell)
        plasma = drawing.cell_mask & ~drawing.nucleus_mask
        means = [drawing.image[m].mean() for m in (drawing.nucleus_mask, plasma, ~drawing.cell_mask)]
        assert means == sorted(means), kind
        np.testing.assert_allclose(drawing.image[0, 0], cell.slide.background, atol=5 * cell.slide.noise)


def test_angle_is_the_sum_of_the_cells_orientation_and_the_rotation() -> None:
    cell = replace(cell_of(2), angle_rad=1.0)
    assert draw(cell, 16, rotation_rad=0.5).angle_rad == pytest.approx(1.5)
    assert draw(cell, 16, rotation_rad=-2.0).angle_rad == pytest.approx(2 * math.pi - 1.0)


def test_the_angle_is_where_the_nucleus_opens() -> None:
    """The nucleus of a metamyelocyte is opposite to the cell's angle, counter-clockwise from the right."""
    white = cell_of(2, "metamyelocyte").white
    white = replace(white, nucleus=replace(white.nucleus, offset_um=2.0))
    for angle in (0.0, 1.0, 2.5, 4.0):
        drawing = draw(replace(cell_of(2, "metamyelocyte"), white=white, neighbours=(), angle_rad=angle))
        rows, columns = np.nonzero(drawing.nucleus_mask)
        direction = math.atan2(-(rows.mean() - 63.5), columns.mean() - 63.5)
        assert math.cos(direction - angle) < -0.8


@pytest.mark.parametrize(("size_px", "mpp"), [(0, None), (-4, 0.2), (64, 0.0)])
def test_a_size_or_scale_that_is_not_positive_is_refused(size_px: int, mpp: float | None) -> None:
    with pytest.raises(ValueError, match="positive"):
        draw(cell_of(0), size_px, mpp)
