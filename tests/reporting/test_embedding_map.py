"""The map's labels and thumbnails."""

import numpy as np

from orbicyte.reporting.embedding_map import _apart, _spread
from orbicyte.reporting.pictures import thumbnail


def test_labels_are_moved_apart_and_stay_on_the_map() -> None:
    places = np.tile([[0.5, 0.5]], (8, 1)) + np.arange(8)[:, None] * [0.01, 0]
    moved = _apart(places)
    gaps = np.diff(np.sort(moved[:, 1]))
    assert gaps.min() > 0.045
    assert (moved[:, 1] > 0).all()
    assert (moved[:, 1] < 1).all()
    np.testing.assert_array_equal(moved[:, 0], places[:, 0])


def test_labels_far_apart_are_not_moved() -> None:
    places = np.array([[0.2, 0.5], [0.8, 0.5], [0.2, 0.9]])
    np.testing.assert_array_equal(_apart(places), places)


def test_the_map_fills_the_unit_square_and_outliers_do_not_shrink_it() -> None:
    xy = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    xy[0] = 1e6
    placed = _spread(xy)
    assert placed.min() >= 0
    assert placed.max() <= 1
    assert np.ptp(placed[1:], axis=0).min() > 0.8


def test_a_map_of_equal_points_has_finite_positions() -> None:
    assert np.isfinite(_spread(np.zeros((3, 2), np.float32))).all()


def test_a_thumbnail_is_a_ringed_disc_on_white() -> None:
    picture = thumbnail(np.full((64, 64, 3), 80, np.uint8), 48, "#ff0000")
    assert picture.shape == (48, 48, 3)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[24, 24].tolist() == [80, 80, 80]
    assert picture[24, 3].tolist() == [255, 0, 0]
