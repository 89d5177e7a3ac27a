"""Textures have a known variance and scale, and do not depend on the other points of a call."""

import numpy as np
import pytest

from orbicyte.synthetic.texture import clumps, scatter, warp


def plane(side_um: float, step_um: float) -> np.ndarray:
    axis = np.arange(0, side_um, step_um)
    return (axis[None, :] + 1j * axis[:, None]).ravel().astype(np.complex64)


def test_mean_zero_and_variance_one() -> None:
    values = np.concatenate([clumps(plane(20, 0.25), 0.4, np.random.default_rng(seed)) for seed in range(5)])
    assert values.mean() == pytest.approx(0, abs=0.05)
    assert values.var() == pytest.approx(1, abs=0.1)


def test_values_depend_on_the_position_only() -> None:
    places = plane(5, 0.5)
    whole = clumps(places, 0.4, np.random.default_rng(3))
    np.testing.assert_allclose(clumps(places[7:9], 0.4, np.random.default_rng(3)), whole[7:9], atol=1e-4)


@pytest.mark.parametrize("scale_um", [0.3, 0.9])
def test_clumps_have_the_given_width(scale_um: float) -> None:
    """A clump and the gap next to it are two widths: values on a line change their sign about once per width."""
    line = np.arange(0, 200, 0.02).astype(np.complex64)
    changes = np.diff(np.sign(clumps(line, scale_um, np.random.default_rng(0)))) != 0
    assert 0.5 < scale_um / (200 / changes.sum()) < 1.5


def test_a_warp_moves_points_by_its_amplitude() -> None:
    places = plane(30, 0.5)
    moved = np.abs(warp(places, 0.3, (3.0, 6.0), np.random.default_rng(0)) - places)
    assert np.sqrt((moved**2).mean()) == pytest.approx(0.3, rel=0.3)


def test_scatter_is_uniform_on_the_disc() -> None:
    places = scatter(4000, 5.0, np.random.default_rng(0))
    assert np.abs(places).max() <= 5.0
    assert (np.abs(places) < 2.5).mean() == pytest.approx(0.25, abs=0.03)
