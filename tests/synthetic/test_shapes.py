"""Shapes: known distances, and no coverage outside the soft edge."""

from dataclasses import replace

import numpy as np
import pytest

from orbicyte.cell_types import TYPES
from orbicyte.synthetic import sample_cell
from orbicyte.synthetic.cells import Nucleus
from orbicyte.synthetic.shapes import EDGE_UM, bridge, chain, cover, radial, smooth_minimum, spine


def points(*places: complex) -> np.ndarray:
    return np.array(places, np.complex64)


def nucleus(**changes: object) -> Nucleus:
    return replace(sample_cell("band granulocyte", np.random.default_rng(0)).white.nucleus, **changes)  # type: ignore[arg-type]


def test_cover_is_half_on_the_outline_and_exact_beyond_the_edge() -> None:
    distances = np.array([-1.0, -EDGE_UM / 2, 0.0, EDGE_UM / 2, 1.0], np.float32)
    np.testing.assert_allclose(cover(distances), [1, 1, 0.5, 0, 0], atol=1e-6)


def test_an_ellipse_is_two_waves_around_a_circle() -> None:
    _, edge = radial(points(1, 1j, -1, -1j), 5.0, (0.1,))
    np.testing.assert_allclose(edge, [5.5, 4.5, 5.5, 4.5], rtol=1e-6)


def test_rotating_the_waves_of_an_outline_rotates_the_shape() -> None:
    places = np.exp(1j * np.linspace(0, 6, 20)).astype(np.complex64)
    outline, angle = (0.1 + 0.05j, 0.03j), 0.7
    waves = tuple(a * np.exp(-1j * angle * k) for k, a in enumerate(outline, start=2))
    rotated = radial(places * np.complex64(np.exp(1j * angle)), 5.0, waves)[1]
    np.testing.assert_allclose(rotated, radial(places, 5.0, outline)[1], rtol=1e-5)


def test_distance_to_a_line_with_round_ends() -> None:
    np.testing.assert_allclose(bridge(points(0, 2j, 5 + 0j, -3), 0, 4, 0.5), [-0.5, 1.5, 0.5, 2.5], atol=1e-6)


def test_smooth_minimum_is_the_minimum_apart_from_the_corner() -> None:
    a, b = np.array([0.0, 1.0, 3.0], np.float32), np.array([2.0, 1.0, 0.0], np.float32)
    result = smooth_minimum(a, b)
    np.testing.assert_allclose(result[[0, 2]], [0, 0], atol=1e-6)
    assert 0.7 < result[1] < 1


@pytest.mark.parametrize("lobes", [2, 3, 4, 5])
def test_thin_bridges_separate_the_lobes(lobes: int) -> None:
    """Halfway between the lobes, the width of the nucleus is given by the waist."""
    shape = nucleus(lobes=lobes, spine_um=4.0 * (lobes - 1), bend_rad=0.0, diameter_um=2.0, offset_um=0.0)
    centres, radii = spine(shape, 100.0, np.random.default_rng(1))
    middle = points(*((centres[1:] + centres[:-1]) / 2))
    for waist in (0.2, 0.8):
        narrow = -chain(middle, centres, radii, waist)
        np.testing.assert_allclose(narrow, waist * np.minimum(radii[1:], radii[:-1]), atol=0.02)
    np.testing.assert_array_less(chain(points(*centres), centres, radii, 0.2), -0.8)


@pytest.mark.parametrize("kind", TYPES)
def test_lobes_are_inside_their_disc(kind: str) -> None:
    for seed in range(20):
        white = sample_cell(kind, np.random.default_rng(seed)).white
        within_um = 0.93 * white.diameter_um / 2
        centres, radii = spine(white.nucleus, within_um, np.random.default_rng(seed))
        assert np.max(np.abs(centres) + radii) < within_um + 0.15
