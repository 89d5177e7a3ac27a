from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings
from orbicyte.stages.named import check_evaluable, named_cells

FIVE = EvaluationSettings(folds=5, choose_share=0.25)


@pytest.fixture(scope="module")
def store(imported: Path) -> PatchStore:
    return PatchStore.open(imported / "patches")


def with_counts(store: PatchStore, **counts: int) -> PatchStore:
    """``store`` with so many cells of each type, on no known slide."""
    labels = np.full(len(store), None, dtype=object)
    labels[: sum(counts.values())] = np.repeat(list(counts), list(counts.values()))
    return replace(store, cells=store.cells.assign(label=labels, slide=None, patient=None))


def test_a_type_with_too_few_cells_to_report_on_is_left_out_and_told(store: PatchStore) -> None:
    # Of six band cells, two are set apart to choose on: four are too few for five folds.
    named = check_evaluable(with_counts(store, blast=12, band=6, monocyte=10), FIVE, seed=0)
    assert named.left_out == {"band": 6}
    assert set(named.cells.types) == {"blast", "monocyte"}
    assert len(named.cells) == len(named.rows) == len(named.choose) == 22
    assert set(store.cells.index[named.rows]) == set(range(12)) | set(range(18, 28))


def test_with_enough_of_all_none_is_left_out(store: PatchStore) -> None:
    named = named_cells(with_counts(store, blast=12, monocyte=10), FIVE, seed=0)
    assert named.left_out == {}
    assert len(named.rows) == 22


def test_where_two_types_would_not_be_left_it_is_an_error(store: PatchStore) -> None:
    with pytest.raises(OrbicyteError, match="type 'band' has 3 labelled cells to report on, fewer than the 5 folds"):
        check_evaluable(with_counts(store, blast=12, band=4), FIVE, seed=0)


def test_without_labels_there_is_nothing_to_type(store: PatchStore) -> None:
    assert len(check_evaluable(with_counts(store), FIVE, seed=0).rows) == 0
