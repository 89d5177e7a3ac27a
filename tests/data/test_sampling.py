import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.data.sampling import apportion, stratified_sample
from orbicyte.errors import OrbicyteError


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.data())
def test_shares_add_up_and_stay_in_proportion(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(len(sizes), sum(sizes)))
    shares = apportion(sizes, count)
    quota = count * np.array(sizes) / sum(sizes)
    assert shares.sum() == count
    assert (shares >= 1).all()
    assert (shares <= sizes).all()
    assert (shares <= np.maximum(np.ceil(quota), 1)).all()
    if (quota >= 1).all():
        assert (shares >= np.floor(quota)).all()


def test_largest_remainder_of_a_known_case() -> None:
    assert apportion([416, 338, 246], 10).tolist() == [4, 3, 3]
    assert apportion([1000, 1, 1], 10).tolist() == [8, 1, 1]


def test_the_sample_depends_on_the_seed_and_includes_unlabelled_cells() -> None:
    labels = ["a"] * 60 + [None] * 30 + ["b"] * 10
    rows = stratified_sample(labels, 20, seed=1)
    assert [sum(labels[at] == label for at in rows) for label in ("a", None, "b")] == [12, 6, 2]
    assert rows.tolist() == sorted(set(rows.tolist())) == stratified_sample(labels, 20, seed=1).tolist()
    assert rows.tolist() != stratified_sample(labels, 20, seed=2).tolist()


def test_a_large_count_gives_all_cells_and_a_small_one_is_an_error() -> None:
    assert stratified_sample(["a", None], 5, 0).tolist() == [0, 1]
    with pytest.raises(OrbicyteError, match="--max-cells 1 is less than one cell for each of 2"):
        stratified_sample(["a", None], 1, 0)
