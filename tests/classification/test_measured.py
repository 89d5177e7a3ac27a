from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import check_measurable, measured_cells
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings

FIVE = EvaluationSettings(folds=5, selection_share=0.25)


@pytest.fixture(scope="module")
def store(imported: Path) -> PatchStore:
    return PatchStore.open(imported / "patches")


def with_counts(store: PatchStore, **counts: int) -> PatchStore:
    """``store`` with the given number of cells per type, slides not known."""
    labels = np.full(len(store), None, dtype=object)
    labels[: sum(counts.values())] = np.repeat(list(counts), list(counts.values()))
    return replace(store, cells=store.cells.assign(label=labels, slide=None, patient=None))


def checked(store: PatchStore) -> LabelledCells:
    cells = measured_cells(store, FIVE, seed=0)
    check_measurable(cells, FIVE, seed=0)
    return cells


def test_a_type_with_too_few_cells_in_the_test_part_is_left_out(store: PatchStore) -> None:
    # Of six band cells, two are in the selection part: four are too few for five folds.
    cells = checked(with_counts(store, blast=12, band=6, monocyte=10))
    assert cells.left_out == {"band": 6}
    assert set(cells.types) == {"blast", "monocyte"}
    assert len(cells) == len(cells.types) == len(cells.is_selection) == 22
    assert set(store.cells.index[cells.rows]) == set(range(12)) | set(range(18, 28))


def test_with_enough_cells_no_type_is_left_out(store: PatchStore) -> None:
    cells = measured_cells(with_counts(store, blast=12, monocyte=10), FIVE, seed=0)
    assert cells.left_out == {}
    assert len(cells) == 22


def test_fewer_than_two_remaining_types_are_an_error(store: PatchStore) -> None:
    with pytest.raises(
        OrbicyteError, match="type 'band' has 3 labelled cells in the test part, fewer than the 5 folds"
    ):
        checked(with_counts(store, blast=12, band=4))


def test_without_labels_there_are_no_measured_cells(store: PatchStore) -> None:
    assert len(checked(with_counts(store))) == 0


def test_a_slide_known_for_some_labelled_cells_only_is_refused(store: PatchStore) -> None:
    slides = np.full(len(store), None, dtype=object)
    slides[:5] = "s"
    cells = with_counts(store, blast=12, monocyte=10).cells
    with pytest.raises(OrbicyteError, match="slide 's' has cells in more than one fold"):
        measured_cells(replace(store, cells=cells.assign(slide=slides)), FIVE, seed=0)
    slides[5:] = "t"
    assert measured_cells(replace(store, cells=cells.assign(slide=slides)), FIVE, seed=0).grouped_by == "slide"
