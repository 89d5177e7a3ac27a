import shutil
from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.rename_type import rename_type
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes, chosen_classes


@pytest.fixture
def spots(spotted: Path, tmp_path: Path) -> Study:
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    choose_classes(study, ["dark", "red", "grey"], [])
    return study


def test_a_new_name_takes_the_place_of_the_old_one(spots: Study) -> None:
    before = reviewed_cells(spots)["label"]
    assert rename_type(spots, "red", "pink") == (before == "red").sum() > 0
    after = reviewed_cells(spots)["label"]
    assert after.fillna("").tolist() == before.replace("red", "pink").fillna("").tolist()
    assert chosen_classes(spots) == ["dark", "pink", "grey"]
    with ReviewStore.open(spots) as store:
        assert {event.who for event in store.events()} == {"Ada"}
        assert store.undo("Ada")  # the reader can go back


def test_the_name_of_another_type_merges_both(spots: Study, capfd: pytest.CaptureFixture[str]) -> None:
    before = reviewed_cells(spots)["label"].value_counts()
    rename_type(spots, "red", "dark")
    after = reviewed_cells(spots)["label"].value_counts()
    assert after.to_dict() == {"dark": before["dark"] + before["red"], "grey": before["grey"]}
    assert chosen_classes(spots) == ["dark", "grey"]
    assert "labels 'red' are now 'dark'" in capfd.readouterr().err


def test_names_that_are_wrong_are_errors_and_change_nothing(spots: Study, imported: Path) -> None:
    for old, new, message in (
        ("magic", "x", "has no type 'magic': its types are dark, red, grey"),
        ("other", "x", "has no type 'other'"),
        ("red", "unsure", "unsure is reserved"),
        ("red", "red", "is the name already"),
        ("red", " ", "1 to 60 printable characters"),
    ):
        with pytest.raises(OrbicyteError, match=message):
            rename_type(spots, old, new)
    assert chosen_classes(spots) == ["dark", "red", "grey"]
    with pytest.raises(OrbicyteError, match="the labels of imported patches are those of their table"):
        rename_type(imported, "lymphocyte", "x")
