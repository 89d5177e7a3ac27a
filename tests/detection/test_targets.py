import numpy as np
import pytest

from orbicyte.detection.targets import Box, of_boxes, of_masks, of_nuclei, uncut


def test_the_ellipse_in_a_box_is_the_cell() -> None:
    targets = of_boxes([Box(30, 20, 40, 20)], 50, 60)
    nucleus, cell, distance = targets.maps
    assert cell.sum() == pytest.approx(np.pi * 20 * 10, rel=0.02)
    assert distance[20, 30] == distance.max() > 0.9
    assert not nucleus.any()


def test_the_nucleus_is_not_valid_within_a_box_and_valid_outside() -> None:
    targets = of_boxes([Box(30, 20, 40, 20)], 50, 60)
    valid_nucleus, valid_cell = targets.valid
    assert valid_cell.all()
    assert (valid_nucleus == (targets.maps[1] == 0)).all()


@pytest.mark.parametrize("shown", [5.0, 12.0, 20.0, 27.0])
def test_a_disc_cut_by_the_border_is_completed(shown: float) -> None:
    radius = 15.0
    chord = 2 * np.sqrt(radius**2 - (radius - shown) ** 2) if shown < radius else 2 * radius
    whole = uncut(Box(shown / 2, 50, shown, chord), 100, 100)
    assert whole.width_px == pytest.approx(2 * radius)
    assert whole.x_px == pytest.approx(shown - radius)
    mirrored = uncut(Box(100 - shown / 2, 50, shown, chord), 100, 100)
    assert mirrored.x_px == pytest.approx(100 - shown + radius)


def test_a_box_inside_the_field_is_unchanged() -> None:
    box = Box(50, 50, 10, 20)
    assert uncut(box, 100, 100) == box


def test_between_two_touching_cells_the_distance_falls_to_zero() -> None:
    cells = np.zeros((40, 60), np.int32)
    cells[10:30, 10:30], cells[10:30, 30:50] = 1, 2
    distance = of_masks(cells, cells > 5).maps[2]
    assert distance[20, 30] < 0.2 < 0.8 < distance[20, 20]
    assert distance[cells == 0].max() == 0


def test_a_mask_cut_by_the_border_is_deepest_there() -> None:
    cells = np.zeros((40, 60), np.int32)
    cells[10:30, :10] = 1
    assert of_masks(cells, None).maps[2][20, 0] == 1


def test_with_nuclei_only_the_cell_map_is_not_valid() -> None:
    targets = of_nuclei(np.ones((8, 8), bool))
    assert targets.valid[0].all()
    assert not targets.valid[1].any()
