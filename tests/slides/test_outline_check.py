"""Outlines of cells: compared with all pairs of sides, and those that no program can use."""

import numpy as np
import pytest

from orbicyte.arrays import Points
from orbicyte.slides.outline_check import MOST, _is_star, crosses_itself, outline_problem
from orbicyte.slides.outlines import centroid_and_area

WIDTH_PX, HEIGHT_PX = 2000, 1000


def side_of(a: Points, b: Points, c: Points) -> float:
    return float(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))


def crosses_by_all_pairs(points: Points) -> bool:
    sides = list(zip(points, np.roll(points, -1, axis=0), strict=True))
    return any(
        side_of(a, b, c) * side_of(a, b, d) < 0 and side_of(c, d, a) * side_of(c, d, b) < 0
        for number, (a, b) in enumerate(sides)
        for c, d in sides[number + 1 :]
    )


def polygons(number: int) -> list[Points]:
    """Any polygons, polygons on a coarse grid, which touch themselves, and stars around a point."""
    rng = np.random.default_rng(0)
    found: list[Points] = []
    for corners in rng.integers(3, 10, number).tolist():
        angle, radius = np.sort(rng.uniform(0, 2 * np.pi, corners)), rng.uniform(20, 40, corners)
        found.append(rng.uniform(0, 100, (corners, 2)))
        found.append(rng.integers(0, 6, (corners, 2)).astype(float))
        found.append(50 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    return found


def test_crossings_are_those_of_all_pairs_of_sides() -> None:
    crossing = [crosses_itself(points) for points in polygons(60)]
    assert crossing == [crosses_by_all_pairs(points) for points in polygons(60)]
    assert 30 < sum(crossing) < 150


def test_an_outline_seen_whole_from_its_centroid_does_not_cross_itself() -> None:
    stars = [points for points in polygons(60) if _is_star(points, np.array(centroid_and_area(points)[:2]))]
    assert len(stars) > 30
    assert not any(crosses_by_all_pairs(points) for points in stars)
    angle = np.linspace(0, 4 * np.pi, 24, endpoint=False)  # two revolutions
    twice = np.stack([(20 + angle) * np.cos(angle), (20 + angle) * np.sin(angle)], axis=1)
    assert not _is_star(twice, np.zeros(2))
    assert crosses_itself(twice)


@pytest.mark.parametrize("corners", [4, 400, MOST // 2])
def test_squares_with_many_corners_are_outlines(corners: int) -> None:
    step = np.arange(corners // 4) * (400 / (corners // 4))
    zero, full = np.zeros_like(step), np.full_like(step, 400)
    square = np.concatenate(
        [np.stack(side, 1) for side in ((step, zero), (full, step), (400 - step, full), (zero, 400 - step))]
    )
    assert outline_problem((square + 100).ravel(), WIDTH_PX, HEIGHT_PX) is None
    assert not crosses_itself(square)
    assert outline_problem((square - 150).ravel(), WIDTH_PX, HEIGHT_PX) is None  # beyond the border, its centre is not
    assert "not on the slide" in str(outline_problem((square - 250).ravel(), WIDTH_PX, HEIGHT_PX))


def test_an_outline_has_an_area_also_when_it_is_rounded_for_export() -> None:
    sliver = [10, 10, 200, 10.001, 10, 10.002]
    assert "encloses nothing" in str(outline_problem(sliver, WIDTH_PX, HEIGHT_PX))
    assert outline_problem([10, 10, 200, 10.1, 10, 10.2], WIDTH_PX, HEIGHT_PX) is None


def test_too_many_crowded_sides_are_refused_without_comparing_them() -> None:
    angle = np.linspace(0, 2 * np.pi, MOST // 2, endpoint=False)
    radius = np.where(np.arange(len(angle)) % 2, 400, 10)
    star = 500 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    assert crosses_itself(star)
    assert "points" in str(outline_problem([1.0] * (MOST + 2), WIDTH_PX, HEIGHT_PX))
