import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orbicyte import geometry
from orbicyte.data.views import View

FILL = (0.9, 0.8, 0.7)


def made_patches(side_px: int, count: int = 2, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, side_px, side_px, 3), dtype=torch.uint8, generator=random)


def smooth_patches(side_px: int) -> torch.Tensor:
    """Patches without detail, for which the order of rotation and scaling does not matter."""
    coarse = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, size=(side_px, side_px), mode="bicubic").clamp(0, 1)
    return (fine * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def angles_rad(degrees: float, count: int = 2) -> torch.Tensor:
    return torch.full((count,), math.radians(degrees))


@given(st.integers(16, 60), st.integers(0, 40), st.sampled_from([16, 32]))
def test_inputs_have_the_side_and_range_that_networks_expect(view_px: int, margin_px: int, size_px: int) -> None:
    view = View(view_px + 2 * margin_px, view_px, size_px, FILL)
    inputs = view(made_patches(view.side_px))
    assert inputs.shape == (2, 3, view.input_px, view.input_px)
    assert view.input_px >= size_px
    assert view.input_px % 2 == size_px % 2  # otherwise the crop could not be central
    assert (view.input_px == size_px) == (margin_px == 0)
    assert float(inputs.min()) >= -1e-5
    assert float(inputs.max()) <= 1 + 1e-5


@given(st.integers(16, 60), st.integers(0, 40))
def test_a_margin_keeps_the_scale_within_a_pixel(view_px: int, margin_px: int) -> None:
    view = View(view_px + 2 * margin_px, view_px, 32, FILL)
    assert 0 <= view.input_px - 32 * view.side_px / view.view_px < 2


@pytest.mark.parametrize("side_px", [32, 48, 50, 64])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_multiples_of_90_degrees_map_pixels_onto_pixels(side_px: int, quarters: int) -> None:
    view, patches = View(side_px, side_px, 32, FILL), made_patches(side_px)
    rotated = view(patches, angles_rad(90 * quarters))
    np.testing.assert_allclose(rotated, np.rot90(view(patches), quarters, (2, 3)), atol=1e-4)


def test_rotation_comes_before_scaling() -> None:
    """A line thinner than a pixel of the input is rotated at the resolution where it is still a line."""
    side_px, patches = 128, torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    patches[:, :, 64::8] = 255
    view = View(side_px, side_px, 32, (0.0, 0.0, 0.0))
    rotated_first = view(patches, angles_rad(30, 1))
    stored = geometry.keep_disc(patches.permute(0, 3, 1, 2).float() / 255, 0.0)
    expected = geometry.resize(geometry.rotate(stored, angles_rad(30, 1)), 32)
    torch.testing.assert_close(rotated_first, expected, atol=1e-5, rtol=0)
    scaled_first = geometry.rotate(geometry.resize(stored, 32), angles_rad(30, 1))
    assert float((rotated_first - scaled_first).abs().max()) > 0.05


def test_rotation_is_counter_clockwise() -> None:
    patches = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    patches[:, 28:36, 48:56] = 255  # to the right
    seen = View(64, 64, 32, (0.0, 0.0, 0.0))(patches, angles_rad(90, 1))[0, 0]
    top, bottom = seen[:16].sum(), seen[16:].sum()
    assert float(top) > 10
    assert float(bottom) == pytest.approx(0, abs=1e-4)


def test_rotation_by_an_angle_and_back_restores_the_patch() -> None:
    view, patches = View(64, 64, 64, FILL), smooth_patches(64)
    back = geometry.rotate(view(patches, angles_rad(33)), angles_rad(-33), torch.tensor(FILL))
    inside = geometry.disc(64, 2)
    assert float((back - view(patches))[..., inside].abs().max()) < 0.03


@pytest.mark.parametrize("degrees", [None, 0.0, 33.0, 90.0])
def test_corners_have_the_fill_colour_for_any_stored_corners(degrees: float | None) -> None:
    view, patches = View(64, 64, 32, FILL), made_patches(64)
    corners = patches.clone()
    corners[:, ~geometry.disc(64)] = 0
    angle = None if degrees is None else angles_rad(degrees)
    inputs = view(patches, angle)
    torch.testing.assert_close(inputs, view(corners, angle), atol=0, rtol=0)
    outside = inputs[..., ~geometry.disc(32, -1.5)]
    fill = (torch.tensor(FILL) * 255).round() / 255
    torch.testing.assert_close(outside, fill[:, None].expand_as(outside), atol=1e-5, rtol=0)


def test_stored_patches_are_not_modified() -> None:
    patches = made_patches(32)
    before = patches.clone()
    View(32, 32, 32, FILL)(patches, angles_rad(20))
    assert torch.equal(patches, before)


def test_each_patch_is_rotated_by_its_own_angle() -> None:
    view, patches = View(48, 48, 16, FILL), made_patches(48, 3)
    angles = torch.tensor([0.3, 2.0, -1.0])
    together = view(patches, angles)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], view(patches[i : i + 1], angles[i : i + 1]))


@pytest.mark.parametrize(("view_px", "size_px"), [(32, 16), (24, 16), (32, 20)])
def test_views_at_several_angles_are_those_at_each_angle(view_px: int, size_px: int) -> None:
    view = View(32, view_px, size_px, FILL)
    discs = view.discs(made_patches(32))
    angles = [0.0, 15.0, 90.0, 105.0, 120.0, 180.0, 3 * 67.2, 337.5]
    for angle, found in zip(angles, view.each_rotated(discs, angles), strict=True):
        torch.testing.assert_close(found, view.rotated(discs, angles_rad(angle)), atol=1e-4, rtol=0)
