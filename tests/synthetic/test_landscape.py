"""Regions: degrees from 0 to 1, the same on a grid and at places, with the given shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.synthetic.landscape import Region, region


@given(seed=st.integers(0, 2**32 - 1), scale_um=st.floats(20, 300))
def test_values_on_a_grid_and_at_places_agree(seed: int, scale_um: float) -> None:
    x_um, y_um = np.linspace(-50, 900, 7), np.linspace(0, 400, 5)
    places = (x_um[None, :] - 1j * y_um[:, None]).ravel()
    there = Region(seed, scale_um)
    degree = there.on(x_um, y_um)
    assert degree.shape == (5, 7)
    assert degree.min() >= 0
    assert degree.max() <= 1
    np.testing.assert_allclose(degree.ravel(), there.at(places), atol=1e-5)


def test_landscapes_have_mean_0_and_variance_1() -> None:
    x_um = np.linspace(0, 20_000, 300)
    heights = np.stack([Region(seed, 100.0).heights(x_um, x_um) for seed in range(5)])
    assert heights.mean() == pytest.approx(0, abs=0.05)
    assert heights.var() == pytest.approx(1, abs=0.05)


def test_a_region_covers_its_share_of_the_slide() -> None:
    there = region(3, 100.0, (800.0, 500.0), (0.1, 0.9))
    degree = there.on(np.linspace(0, 800, 400), np.linspace(0, 500, 250))
    assert (degree == 0).mean() == pytest.approx(0.1, abs=0.02)
    assert (degree == 1).mean() == pytest.approx(0.1, abs=0.02)
