import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.data.folds import check_groups, fold_of, group_column, split
from orbicyte.errors import OrbicyteError


@given(st.lists(st.integers(1, 30), min_size=6, max_size=20), st.integers(2, 6), st.integers(0, 5))
def test_groups_are_not_split_and_folds_are_balanced(sizes: list[int], folds: int, seed: int) -> None:
    groups = np.repeat([f"p{i}" for i in range(len(sizes))], sizes).astype(object)
    fold = split(groups, len(groups), folds, seed)
    assert all(len(set(fold[groups == group])) == 1 for group in groups)
    filled = np.bincount(fold, minlength=folds)
    assert filled.max() - filled.min() <= max(sizes)
    assert filled.min() > 0


def test_folds_by_cell_are_equal_seeded_and_shuffled() -> None:
    fold = split(None, 600, 6, seed=3)
    assert np.bincount(fold).tolist() == [100] * 6
    assert (fold == split(None, 600, 6, seed=3)).all()
    assert (fold != split(None, 600, 6, seed=4)).any()
    assert len(set(fold[:50])) == 6


def test_every_fold_is_tested_once() -> None:
    assignment = split(None, 60, 6, seed=0)
    tests = [fold_of(assignment, number).test for number in range(1, 7)]
    assert sorted(np.concatenate(tests)) == list(range(60))
    for number in range(1, 7):
        fold = fold_of(assignment, number)
        assert sorted(np.concatenate([fold.train, fold.validation, fold.test])) == list(range(60))
        assert (fold.validation == tests[number % 6]).all()


def test_too_few_cells_and_a_fold_that_does_not_exist() -> None:
    with pytest.raises(OrbicyteError, match="training in 6 folds needs at least 6 cells, there are 5"):
        split(None, 5, 6, 0)
    with pytest.raises(OrbicyteError, match="needs at least 3 slides or patients, there are 2"):
        split(np.array(["a", "a", "b", "b"], dtype=object), 4, 3, 0)
    for number in (0, 4):
        with pytest.raises(OrbicyteError, match="expected 1 to 3"):
            fold_of(split(None, 6, 3, 0), number)


def test_patient_overrides_slide_only_if_known_for_all_cells() -> None:
    cells = pd.DataFrame({"patient": ["p", "q"], "slide": ["s", "t"]}, dtype=object)
    assert group_column(cells)[0] == "patient"
    cells["patient"] = ["p", None]
    name, groups = group_column(cells)
    assert name == "slide"
    assert groups is not None
    assert groups.tolist() == ["s", "t"]
    assert group_column(cells.assign(slide=None)) == ("cell", None)


def test_a_slide_known_for_some_cells_only_is_refused_if_it_is_in_two_folds() -> None:
    cells = pd.DataFrame({"patient": None, "slide": ["s", "s", None, "t"]}, dtype=object)
    with pytest.raises(OrbicyteError, match=r"slide 's' has cells in more than one fold.* known for 3 of 4 cells only"):
        check_groups(cells, np.array([0, 1, 1, 0]))
    check_groups(cells, np.array([0, 0, 1, 1]))
    check_groups(cells.assign(slide=None), np.array([0, 1, 0, 1]))


def test_the_names_of_slides_may_repeat_where_patients_are_known() -> None:
    cells = pd.DataFrame({"patient": ["p", "q"], "slide": ["1", "1"]}, dtype=object)
    check_groups(cells, np.array([0, 1]))
    with pytest.raises(OrbicyteError, match="patient 'p' has cells in more than one fold"):
        check_groups(pd.DataFrame({"patient": ["p", "p", None], "slide": ["1", "2", "3"]}), np.array([0, 1, 0]))
