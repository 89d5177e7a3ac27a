import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orbicyte.slides.outlines import centroid_and_area, outlines


@given(arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 4)))
def test_every_object_has_one_outline_within_its_box(labels: np.ndarray[tuple[int, int], np.dtype[np.int32]]) -> None:
    found = dict(outlines(labels, 1, 0.5))
    assert set(found) == set(np.unique(labels)) - {0}
    for number, outline in found.items():
        rows, columns = np.nonzero(labels == number)
        assert (outline.min(0) >= (columns.min(), rows.min())).all()
        assert (outline.max(0) <= (columns.max() + 1, rows.max() + 1)).all()


def test_a_square_of_ones_is_outlined_along_its_pixels_but_for_the_corners() -> None:
    labels = np.zeros((30, 40), np.int32)
    labels[5:15, 20:32] = 3
    ((number, outline),) = outlines(labels, 1, 0.5)
    assert number == 3
    assert centroid_and_area(outline) == pytest.approx((26, 10, 120 - 4 / 8))


def test_the_outline_is_where_the_values_are_at_the_level() -> None:
    y, x = np.mgrid[:60, :80] + 0.5
    cone = (1 - np.hypot(x - 30, y - 25) / 20).astype(np.float32)
    ((_, outline),) = outlines((cone > 0.2).astype(np.int32), np.maximum(cone, 0), 0.4)
    np.testing.assert_allclose(np.hypot(*(outline - (30, 25)).T), 12, atol=0.1)


def test_of_two_components_the_larger_counts_not_the_longer_contour_nor_a_hole() -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[5:19, 5:19] = 1
    labels[30, 10:50] = 1
    ((_, outline),) = outlines(labels, 1, 0.5)
    assert centroid_and_area(outline)[:2] == pytest.approx((12, 12))
    labels[:] = 0
    labels[5:55, 5:55] = 1
    labels[10:50:2, 10:50] = 0
    ((_, outline),) = outlines(labels, 1, 0.5)
    assert centroid_and_area(outline)[2] == pytest.approx(2500, rel=0.01)


def test_many_objects_need_more_than_one_sheet() -> None:
    labels = np.zeros((1, 3000), np.int32)
    labels[0, ::2] = np.arange(1, 1501)
    wide = np.full((3000, 3000), 2000, np.int32)
    wide[:1] = labels
    found = dict(outlines(wide, 1, 0.5))
    assert len(found) == 1501
    assert centroid_and_area(found[2000])[2] == pytest.approx(2999 * 3000, rel=0.01)


def test_centre_and_area_of_a_polygon() -> None:
    assert centroid_and_area(np.array([[0.0, 0], [4, 0], [4, 3], [0, 3]])) == pytest.approx((2, 1.5, 12))
    assert centroid_and_area(np.array([[0.0, 0], [4, 0]])) == (2, 0, 0)
