import pytest

from orbicyte.study.needed import needed


@pytest.mark.parametrize(
    ("slides", "words"),
    [
        (16, "label at least 7 cells of each type, on at least 8 slides, and leave 6 unlabelled"),
        (14, "on at least 8 slides, and leave 6 unlabelled"),
        (13, "on 7 of the 13 slides, and leave 6 unlabelled: with fewer than 14 slides there are fewer folds"),
        (6, "on 3 of the 6 slides, and leave 3 unlabelled"),
        (5, "on 2 of the 5 slides, and leave 3 unlabelled"),
        (4, "4 slides are too few to train networks on ('orbicyte run' needs 5)"),
    ],
)
def test_what_to_label_is_known_before(slides: int, words: str) -> None:
    assert words in needed(slides)
