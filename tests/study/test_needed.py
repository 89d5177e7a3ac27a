import numpy as np
import pytest

from orbicyte.classification.splits import select
from orbicyte.settings import Settings
from orbicyte.study.needed import Needed, what_to_label


@pytest.mark.parametrize(
    ("slides", "words"),
    [
        (16, "label at least 7 cells of each type, on at least 8 slides, and leave 6 unlabelled"),
        (14, "on at least 8 slides, and leave 6 unlabelled"),
        (13, "on 7 of the 13 slides, and leave 6 unlabelled: with fewer than 14 slides there are fewer folds"),
        (6, "on 3 of the 6 slides, and leave 3 unlabelled"),
        (5, "on 2 of the 5 slides, and leave 3 unlabelled"),
        (4, "too few slides to train networks on: 4, and 'orbicyte run' needs 5;"),
    ],
)
def test_what_to_label_is_known_before(slides: int, words: str) -> None:
    assert words in what_to_label(slides)


@pytest.mark.parametrize(("folds", "share"), [(5, 0.25), (3, 0.25), (5, 0.0), (4, 0.5)])
def test_with_the_needed_slides_and_cells_the_test_part_has_one_for_each_fold(folds: int, share: float) -> None:
    settings = Settings().changed([f"evaluation.folds={folds}", f"evaluation.selection_share={share}"])
    least = Needed.of(settings)
    slides = np.arange(least.labelled_slides).astype(str)
    types = np.full(len(slides), "blast")
    for seed in range(20):
        assert (~select(types, slides, "slide", share, seed)).sum() >= folds
        cells = np.full(least.cells_of_a_type, "blast")
        assert (~select(cells, cells, "cell", share, seed)).sum() >= folds
    assert least.unlabelled_slides == settings.folds


def test_the_numbers_of_the_default_folds_are_those_of_the_readme() -> None:
    assert Needed.of(Settings()) == Needed(labelled_slides=8, unlabelled_slides=6, cells_of_a_type=7)
