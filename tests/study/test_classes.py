from pathlib import Path

import pytest

from orbicyte.cell_types import TYPES
from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes, chosen_classes


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """An empty study."""
    return Study.create(tmp_path / "study")


def test_the_papers_ten_types_are_the_default(study: Study) -> None:
    assert chosen_classes(study) == list(TYPES)


def test_a_chosen_list_is_kept_and_may_grow_but_not_lose_labels_in_use(study: Study) -> None:
    choose_classes(study, ["blast", "plasma cell"], used=set())
    assert chosen_classes(study) == ["blast", "plasma cell"]
    choose_classes(study, ["mast cell", "blast"], used={"blast", "other"})
    with pytest.raises(OrbicyteError, match=r"lacks labels that cells of .* have: blast, mast cell"):
        choose_classes(study, ["plasma cell"], used={"mast cell", "blast", "unsure"})
    assert chosen_classes(study) == ["mast cell", "blast"]


def test_a_damaged_list_in_the_study_is_an_error(study: Study) -> None:
    study.review.mkdir(exist_ok=True)
    (study.review / "classes.json").write_text('{"format": 1, "classes": 3}')
    with pytest.raises(OrbicyteError, match="expected a list of cell types"):
        chosen_classes(study)
