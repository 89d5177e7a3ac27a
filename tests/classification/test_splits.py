import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.classification.made_cells import cells_of, labelled

from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.splits import inner_splits, select, splits
from orbicyte.errors import OrbicyteError


@given(st.lists(st.integers(5, 30), min_size=2, max_size=5), st.integers(2, 5), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_folds_are_stratified(counts: list[int], folds: int, seed: int) -> None:
    given_cells = cells_of({chr(97 + i): count for i, count in enumerate(counts)})
    for _, test in splits(given_cells, folds, seed):
        for i, count in enumerate(counts):
            assert abs((given_cells.types[test] == chr(97 + i)).sum() - count / folds) <= 1


@pytest.mark.parametrize("seed", [0, 1])
def test_slides_are_not_split_by_folds_or_inner_splits(seed: int) -> None:
    given_cells = cells_of({"a": 40, "b": 30}, groups=8)
    for train, test in [*splits(given_cells, 4, seed), *inner_splits(given_cells, seed)]:
        assert not set(given_cells.groups[train]) & set(given_cells.groups[test])


def test_inner_splits_are_by_cell_where_slides_do_not_allow_it() -> None:
    given_cells = labelled(np.repeat(["a", "b"], 6), np.repeat(["1", "2"], 6), "slide")
    assert len(inner_splits(given_cells, 0)) == 3


@pytest.mark.parametrize(
    "given_cells",
    [
        cells_of({"a": 9, "b": 7}),
        cells_of({"a": 40, "b": 30}, groups=8),
        labelled(np.repeat(["a", "b"], 6), np.repeat(["1", "2"], 6), "slide"),  # by cell, as slides do not allow it
        cells_of({"a": 2, "b": 2}),
    ],
)
def test_copies_of_a_cell_are_not_split(given_cells: LabelledCells) -> None:
    copied = given_cells.repeated(3)
    assert len(copied) == 3 * len(given_cells)
    parts = inner_splits(copied, 0)
    assert len(parts) == len(inner_splits(given_cells, 0))
    for train, test in parts:
        assert not set(copied.rows[train]) & set(copied.rows[test])
        assert len(train) + len(test) == len(copied)


@pytest.mark.parametrize(
    ("given_cells", "message"),
    [
        (cells_of({"band": 9}), "at least two types, but all are 'band'"),
        (cells_of({"band": 9})[np.arange(0)], "there is none"),
        (
            cells_of({"band": 9, "blast": 3}),
            "type 'blast' has 3 labelled .* fewer than the 5 folds: .*evaluation.folds=3$",
        ),
        (cells_of({"band": 9, "blast": 1}), "type 'blast' has 1 labelled .* merge it with another type$"),
        (cells_of({"band": 9, "blast": 8}, groups=4), r"from 4 slide\(s\), fewer than the 5 folds"),
    ],
)
def test_errors_are_one_clear_line(given_cells: LabelledCells, message: str) -> None:
    with pytest.raises(OrbicyteError, match=message) as error:
        splits(given_cells, 5, 0)
    assert "\n" not in str(error.value)


def test_a_type_on_one_slide_of_two_is_an_error() -> None:
    given_cells = labelled(np.repeat(["a", "b"], 4), np.repeat(["1", "2"], 4), "slide")
    with pytest.raises(OrbicyteError, match="folds by slide leave only"):
        splits(given_cells, 2, 0)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.floats(0, 0.9), st.integers(0, 99))
def test_the_selection_takes_its_share_of_each_type_and_never_all(counts: list[int], share: float, seed: int) -> None:
    types = np.repeat([chr(97 + i) for i in range(len(counts))], counts)
    selected = select(types, np.arange(len(types)).astype(str), "cell", share, seed)
    for i, count in enumerate(counts):
        taken = selected[types == chr(97 + i)].sum()
        assert abs(taken - share * count) <= 1
        assert taken < count


@given(st.integers(8, 40), st.integers(0, 99))
@settings(deadline=None)
def test_the_selection_does_not_split_slides(groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    types = rng.choice(["a", "b", "c"], 400, p=(0.6, 0.3, 0.1))
    slide = rng.integers(0, groups, 400).astype(str)
    selected = select(types, slide, "slide", 0.25, seed)
    assert not set(slide[selected]) & set(slide[~selected])
    assert 0.1 < selected.mean() < 0.4
    assert set(types[~selected]) == set(types)


def test_the_selection_depends_on_the_seed_only() -> None:
    types, groups = np.repeat(["a", "b"], 40), np.arange(80).astype(str)
    first, again, other = (select(types, groups, "cell", 0.25, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_type_on_one_slide_is_in_the_test_part() -> None:
    types, slide = np.array([*"aaaaaaaa", "b", "b"]), np.array([*"11223344", "4", "4"])
    for seed in range(20):
        assert not select(types, slide, "slide", 0.6, seed)[-1]
