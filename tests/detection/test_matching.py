import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from orbicyte.detection.matching import Boxes, Tally, centred, iou, match, outline_boxes

SIDES = st.integers(1, 20)
BOX = st.tuples(st.integers(0, 50), st.integers(0, 50), SIDES, SIDES)
BOXES = st.lists(BOX, max_size=8).map(lambda rows: _boxes(rows))


def _boxes(rows: list[tuple[int, int, int, int]]) -> Boxes:
    return np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float64).reshape(-1, 4)


def _distinct_scores(number: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).permutation(number) / max(number, 1)


def test_overlap_of_known_boxes() -> None:
    square = np.array([[0.0, 0, 10, 10]])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 5, 5]])
    assert iou(square, others).tolist() == [[1.0, pytest.approx(1 / 3), 0.0, 0.25]]


def test_a_true_cell_is_matched_once_and_by_the_best_score() -> None:
    truth = np.array([[0.0, 0, 10, 10]])
    found = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10]])
    matches = match(found, truth, np.array([0.6, 0.9]))
    assert matches.pairs == ((1, 0),)
    tally = Tally() + matches
    assert (tally.precision, tally.recall) == (0.5, 1.0)
    assert tally.f1 == pytest.approx(2 / 3)


def test_a_centre_counts_inside_the_box_and_not_outside() -> None:
    truth = np.array([[0.0, 0, 10, 20]])
    centres = np.array([[9.0, 19, 9, 19], [10.5, 10, 10.5, 10]])
    assert match(centres[:1], truth, np.ones(1), centred, 0.0).matched == 1
    assert match(centres[1:], truth, np.ones(1), centred, 0.0).matched == 0


def test_nothing_found_and_nothing_there_is_perfect() -> None:
    nothing = np.empty((0, 4))
    assert (Tally() + match(nothing, nothing, np.empty(0))).f1 == 1
    assert (Tally() + match(nothing, np.array([[0.0, 0, 1, 1]]), np.empty(0))).f1 == 0


@given(BOXES, BOXES, st.integers(0, 99))
def test_scores_are_between_0_and_1_and_no_cell_is_matched_twice(found: Boxes, truth: Boxes, seed: int) -> None:
    matches = match(found, truth, _distinct_scores(len(found), seed))
    tally = Tally() + matches
    assert 0 <= tally.precision <= 1
    assert 0 <= tally.recall <= 1
    assert 0 <= tally.f1 <= 1
    assert tally.matched <= min(len(found), len(truth))
    for side in (0, 1):
        taken = [pair[side] for pair in matches.pairs]
        assert len(taken) == len(set(taken))


@given(BOXES, BOXES, st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(found: Boxes, truth: Boxes, seed: int) -> None:
    scores = _distinct_scores(len(found), seed)
    order = np.random.default_rng(seed + 1).permutation(len(found))
    there = {(order[a], b) for a, b in match(found[order], truth, scores[order]).pairs}
    assert there == set(match(found, truth, scores).pairs)


@given(BOXES, st.integers(0, 99))
def test_boxes_equal_to_the_truth_all_match(truth: Boxes, seed: int) -> None:
    unique = np.unique(truth, axis=0)
    assert (Tally() + match(unique, unique, _distinct_scores(len(unique), seed))).f1 == 1


@given(arrays(np.float64, (6, 2), elements=st.floats(-100, 100)))
def test_boxes_contain_their_outlines(points: NDArray[np.float64]) -> None:
    (left, top, right, bottom) = outline_boxes([points.ravel().tolist()])[0]
    assert (left, top) == tuple(points.min(axis=0))
    assert (right, bottom) == tuple(points.max(axis=0))
