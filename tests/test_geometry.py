import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from orbicyte import geometry


def smooth(size_px: int = 48) -> Tensor:
    """A picture without sharp edges, so that interpolation has little effect."""
    radius, angle = geometry.polar(size_px)
    r = radius / (size_px / 2)
    return (torch.exp(-4 * r**2) * (1 + r * torch.cos(angle - 0.3) + r**2 * torch.sin(2 * angle)))[None, None]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("size_px", [16, 17])
def test_multiples_of_90_degrees_map_pixels_onto_pixels(quarters: int, size_px: int) -> None:
    patch = torch.rand(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(0))
    rotated = geometry.rotate(patch, torch.tensor([quarters * math.pi / 2]))
    assert torch.allclose(rotated, torch.rot90(patch, quarters, (-2, -1)), atol=1e-5)


def test_positive_angles_rotate_counter_clockwise() -> None:
    patch = torch.zeros(1, 1, 33, 33)
    patch[0, 0, 16, 28] = 1  # to the right of the centre
    rotated = geometry.rotate(patch, torch.tensor([math.pi / 4]))[0, 0]
    row, column = divmod(int(rotated.argmax()), 33)
    assert row < 16 < column


@given(st.floats(-7, 7), st.floats(-7, 7))
def test_rotations_add_up(first: float, second: float) -> None:
    patch = smooth()
    twice = geometry.rotate(geometry.rotate(patch, torch.tensor([first])), torch.tensor([second]))
    once = geometry.rotate(patch, torch.tensor([first + second]))
    inside = geometry.disc(48, inset_px=3)
    assert float((twice - once).abs()[..., inside].max()) < 0.03


def test_each_patch_has_its_own_angle_and_a_gradient_reaches_it() -> None:
    angle = torch.tensor([0.0, 0.7], requires_grad=True)
    patches = smooth().expand(2, -1, -1, -1)
    rotated = geometry.rotate(patches, angle)
    assert torch.allclose(rotated[0], patches[0], atol=1e-5)
    ((rotated - patches) ** 2).sum().backward()  # type: ignore[no-untyped-call]
    assert angle.grad is not None
    assert angle.grad[0] == pytest.approx(0, abs=1e-3)
    assert angle.grad[1] > 0.1


def test_pixels_from_outside_have_the_fill_colour() -> None:
    fill = torch.tensor([0.2, 0.5, 0.9])
    patch = fill.reshape(1, 3, 1, 1).expand(1, 3, 16, 16)
    assert torch.allclose(geometry.rotate(patch, torch.tensor([0.4]), fill), patch, atol=1e-6)


@given(st.integers(8, 40))
def test_disc_is_inscribed_and_rotates_onto_itself(size_px: int) -> None:
    disc = geometry.disc(size_px)
    assert torch.equal(disc, torch.rot90(disc))
    assert disc[size_px // 2, 0]
    assert not disc[0, 0]
    assert float(disc.float().mean()) == pytest.approx(math.pi / 4, abs=0.1)


@pytest.mark.parametrize("form", ["gaussian", "linear", "flat"])
def test_centre_weight_decreases_from_the_centre_and_is_0_outside_the_disc(form: geometry.WeightForm) -> None:
    weight = geometry.centre_weight(33, form, 0.5)
    line = weight[16, 16:]
    assert line[0] == 1
    assert bool((line.diff() <= 0).all())
    assert float(weight[~geometry.disc(33)].abs().max()) == 0


def test_the_gaussian_width_is_in_disc_radii() -> None:
    weight = geometry.centre_weight(101, "gaussian", 0.5)
    assert float(weight[50, 75]) == pytest.approx(math.exp(-0.5 * (25 / 50.5 / 0.5) ** 2), rel=1e-5)


def test_resizing_keeps_the_mean_and_commutes_with_rotation_by_90_degrees() -> None:
    patch = torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    small = geometry.resize(patch, 64)
    assert float(small.mean()) == pytest.approx(float(patch.mean()), abs=2e-3)
    rotated = geometry.resize(torch.rot90(patch, 1, (-2, -1)), 64)
    assert torch.allclose(rotated, torch.rot90(small, 1, (-2, -1)), atol=1e-5)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 6])
def test_resizing_by_a_whole_factor_takes_means_of_pixels(factor: int) -> None:
    patch = torch.rand(2, 3, 16 * factor, 16 * factor, generator=torch.Generator().manual_seed(1))
    means = patch.reshape(2, 3, 16, factor, 16, factor).mean((3, 5))
    assert torch.allclose(geometry.resize(patch, 16), means, atol=1e-6)


def test_a_crop_is_central_or_an_error() -> None:
    patch = torch.arange(36.0).reshape(1, 1, 6, 6)
    assert torch.equal(geometry.crop(patch, 2)[0, 0], torch.tensor([[14.0, 15.0], [20.0, 21.0]]))
    with pytest.raises(ValueError, match="no central square"):
        geometry.crop(patch, 3)


def test_angles_start_at_zero_and_a_step_must_divide_the_circle() -> None:
    assert geometry.angles_deg(15)[:3] == [0, 15, 30]
    assert len(geometry.angles_deg(15)) == 24
    with pytest.raises(ValueError, match="divide"):
        geometry.angles_deg(7)


def test_patches_must_be_square() -> None:
    with pytest.raises(ValueError, match="square"):
        geometry.rotate(torch.zeros(1, 3, 4, 5), torch.zeros(1))


def test_polar_angle_is_counter_clockwise_from_the_right() -> None:
    radius, angle = geometry.polar(5)
    assert np.allclose(angle[2, 4], 0)
    assert np.allclose(angle[0, 2], math.pi / 2)
    assert np.allclose(radius[2, 4], 2)


def test_the_fade_is_1_inside_and_0_from_the_rim_on() -> None:
    faded = geometry.fade(64, 0.375)
    radius, _ = geometry.polar(64)
    assert bool((faded[radius < 31 * 0.625] == 1).all())
    assert not faded[radius >= 31].any()
    assert float(faded[(radius - 31 * 0.8125).abs() < 0.2].mean()) == pytest.approx(0.5, abs=0.03)  # half way
    assert torch.equal(geometry.fade(64, 0.0), geometry.disc(64, geometry.RIM_PX).float())
