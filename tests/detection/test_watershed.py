import numpy as np
import pytest
from numpy.typing import NDArray

from orbicyte.detection.watershed import Separation, separate

MPP = 0.5


def discs(*places: tuple[float, float, float], size: tuple[int, int] = (80, 120)) -> NDArray[np.float32]:
    """Perfect maps of discs at (x, y) of some radius, in pixels."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    distance = np.zeros(size)
    for x_0, y_0, radius in places:
        distance = np.maximum(distance, 1 - np.hypot(x - x_0, y - y_0) / radius)
    return np.stack([distance > 0.5, distance > 0, distance]).astype(np.float32)


def test_two_discs_that_touch_are_two_cells_at_their_centres() -> None:
    found = separate(discs((40, 40, 15), (70, 40, 15)), MPP, Separation())
    places = sorted((one.x_px, one.y_px) for one in found)
    np.testing.assert_allclose(places, [(40, 40), (70, 40)], atol=0.5)
    assert [one.area_px2 for one in found] == pytest.approx([np.pi * 15**2] * 2, rel=0.05)


def test_discs_that_overlap_a_little_are_two_cells() -> None:
    assert len(separate(discs((40, 40, 15), (66, 40, 15)), MPP, Separation())) == 2


def test_two_maxima_with_a_high_saddle_are_one_cell() -> None:
    maps = discs((40, 40, 16), (52, 40, 16))
    assert len(separate(maps, MPP, Separation(apart_um=1.0, smoothing_um=0.3))) == 1
    assert len(separate(maps, MPP, Separation(apart_um=1.0, smoothing_um=0.3, saddle=1.0))) == 2


def test_a_cell_cut_by_the_border_ends_there() -> None:
    (one,) = separate(discs((2, 40, 15)), MPP, Separation())
    assert one.outline_px.min() == 0
    assert one.outline_px[:, 0].max() == pytest.approx(17, abs=1)


def test_small_objects_and_low_scores_are_not_cells() -> None:
    assert separate(discs((40, 40, 3)), MPP, Separation()) == []
    assert separate(discs((40, 40, 15)) * 0.6, MPP, Separation(score=0.7)) == []


def test_no_cells_in_empty_maps() -> None:
    assert separate(np.zeros((3, 64, 64), np.float32), MPP, Separation()) == []


def test_a_cell_keeps_its_centre_next_to_an_object_without_a_maximum() -> None:
    maps = np.zeros((3, 80, 100), np.float32)
    maps[1:, 20:50, 20:50] = 0.9
    maps[1, 20:50, 51:70] = 0.9  # a pixel apart
    (one,) = separate(maps, MPP, Separation())
    assert (one.x_px, one.y_px) == pytest.approx((35, 35), abs=0.5)


def test_a_plateau_is_one_maximum() -> None:
    (one,) = separate(np.ones((3, 600, 600), np.float32), MPP, Separation())
    assert one.area_px2 == pytest.approx(600**2, rel=0.01)
