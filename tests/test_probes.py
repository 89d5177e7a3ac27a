import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbicyte.errors import OrbicyteError
from orbicyte.probes import (
    PROBES,
    Cells,
    Probe,
    cross_validated,
    fitted,
    inner_splits,
    linear_probe,
    majority,
    mlp_probe,
    split_choose,
    splits,
)


def cells(counts: dict[str, int], groups: int = 0, seed: int = 0) -> Cells:
    types = np.repeat(list(counts), list(counts.values()))
    number = np.unique(types, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(len(types), 3)) + 6 * np.eye(10, 3)[number]).astype(np.float32)
    group = np.arange(len(types)) % groups if groups else np.arange(len(types))
    return Cells(x, types, group.astype(str), "slide" if groups else "cell")


@pytest.mark.parametrize("probe", PROBES.values())
def test_each_cell_is_tested_once_by_a_probe_that_was_not_fitted_on_it(probe: Probe) -> None:
    given_cells = cells({"a": 20, "b": 12, "c": 7})
    folds = cross_validated(probe, given_cells, 5, 0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(39))
    for fold in folds:
        assert fold.probe.best_estimator_["scale"].n_samples_seen_ == 39 - len(fold.test)
        assert (fold.probe.predict(given_cells.x[fold.test]) == given_cells.types[fold.test]).mean() > 0.8


def test_scaling_comes_from_the_training_fold() -> None:
    given_cells = cells({"a": 20, "b": 20})
    for (train, _), fold in zip(
        splits(given_cells, 4, 0), cross_validated(linear_probe, given_cells, 4, 0), strict=True
    ):
        np.testing.assert_allclose(
            fold.probe.best_estimator_["scale"].mean_, given_cells.x[train].mean(0), rtol=1e-4, atol=1e-6
        )


def test_a_curved_border_takes_the_perceptron() -> None:
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    ring = Cells(x, np.where(np.hypot(*x.T) < 1.2, "in", "out"), np.arange(300).astype(str), "cell")
    linear, mlp = (fitted(probe, ring, 0).best_score_ for probe in (linear_probe, mlp_probe))
    assert linear < 0.7
    assert mlp > 0.9


@pytest.mark.parametrize("probe", [linear_probe, mlp_probe])
def test_a_probe_repeats_itself(probe: Probe) -> None:
    given_cells = cells({"a": 20, "b": 12, "c": 9})
    chances = [fitted(probe, given_cells, 1).predict_proba(given_cells.x) for _ in range(2)]
    np.testing.assert_array_equal(chances[0], chances[1])
    np.testing.assert_allclose(chances[0].sum(1), 1, rtol=1e-6)


@given(st.lists(st.integers(5, 30), min_size=2, max_size=5), st.integers(2, 5), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_folds_are_stratified(counts: list[int], folds: int, seed: int) -> None:
    given_cells = cells({chr(97 + i): count for i, count in enumerate(counts)})
    for _, test in splits(given_cells, folds, seed):
        for i, count in enumerate(counts):
            assert abs((given_cells.types[test] == chr(97 + i)).sum() - count / folds) <= 1


@pytest.mark.parametrize("seed", [0, 1])
def test_slides_stay_whole_in_folds_and_inner_splits(seed: int) -> None:
    given_cells = cells({"a": 40, "b": 30}, groups=8)
    for train, test in [*splits(given_cells, 4, seed), *inner_splits(given_cells, seed)]:
        assert not set(given_cells.groups[train]) & set(given_cells.groups[test])


def test_settings_are_chosen_by_cell_where_slides_do_not_allow_it() -> None:
    given_cells = Cells(np.zeros((12, 1), np.float32), np.repeat(["a", "b"], 6), np.repeat(["1", "2"], 6), "slide")
    assert len(inner_splits(given_cells, 0)) == 3


@pytest.mark.parametrize(
    ("given_cells", "message"),
    [
        (cells({"band": 9}), "two types or more, but all are 'band'"),
        (cells({"band": 9})[np.arange(0)], "there is none"),
        (
            cells({"band": 9, "blast": 3}),
            "type 'blast' has 3 labelled .* fewer than the 5 folds: .*evaluation.folds=3$",
        ),
        (cells({"band": 9, "blast": 1}), "type 'blast' has 1 labelled .* merge it with another type$"),
        (cells({"band": 9, "blast": 8}, groups=4), r"from 4 slide\(s\), fewer than the 5 folds"),
    ],
)
def test_mistakes_are_one_clear_line(given_cells: Cells, message: str) -> None:
    with pytest.raises(OrbicyteError, match=message) as error:
        splits(given_cells, 5, 0)
    assert "\n" not in str(error.value)


def test_a_type_on_one_slide_of_two() -> None:
    given_cells = Cells(np.zeros((8, 1), np.float32), np.repeat(["a", "b"], 4), np.repeat(["1", "2"], 4), "slide")
    with pytest.raises(OrbicyteError, match="folds by slide leave only"):
        splits(given_cells, 2, 0)


def test_too_few_cells_to_choose_settings() -> None:
    with pytest.raises(OrbicyteError, match="2 labelled cells are too few"):
        fitted(linear_probe, cells({"a": 1, "b": 1}), 0)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.floats(0, 0.9), st.integers(0, 99))
def test_choose_takes_its_share_of_each_type_and_never_all(counts: list[int], share: float, seed: int) -> None:
    types = np.repeat([chr(97 + i) for i in range(len(counts))], counts)
    choose = split_choose(types, np.arange(len(types)).astype(str), "cell", share, seed)
    for i, count in enumerate(counts):
        taken = choose[types == chr(97 + i)].sum()
        assert abs(taken - share * count) <= 1
        assert taken < count


@given(st.integers(8, 40), st.integers(0, 99))
@settings(deadline=None)
def test_choose_keeps_slides_whole(groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    types = rng.choice(["a", "b", "c"], 400, p=(0.6, 0.3, 0.1))
    slide = rng.integers(0, groups, 400).astype(str)
    choose = split_choose(types, slide, "slide", 0.25, seed)
    assert not set(slide[choose]) & set(slide[~choose])
    assert 0.1 < choose.mean() < 0.4
    assert set(types[~choose]) == set(types)


def test_choose_depends_on_the_seed_only() -> None:
    types, groups = np.repeat(["a", "b"], 40), np.arange(80).astype(str)
    first, again, other = (split_choose(types, groups, "cell", 0.25, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_type_on_one_slide_is_reported() -> None:
    types, slide = np.array([*"aaaaaaaa", "b", "b"]), np.array([*"11223344", "4", "4"])
    for seed in range(20):
        assert not split_choose(types, slide, "slide", 0.6, seed)[-1]


def test_majority() -> None:
    assert majority(np.array(["b", "a", "b"])) == "b"
    assert majority(np.array(["b", "a"])) == "a"
