import shutil
from pathlib import Path

import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.rename_type import rename_type
from orbicyte.study import Study
from orbicyte.study.classes import choose_classes, chosen_classes
from orbicyte.study.predictions import read_predictions
from orbicyte.training.runs import trained_runs


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
    assert f"'red' is now 'dark', {before['red']} labels" in capfd.readouterr().err


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
    with pytest.raises(OrbicyteError, match="has no type 'magic': its types are band granulocyte"):
        rename_type(imported, "magic", "x")
    with pytest.raises(OrbicyteError, match="make them with 'orbicyte import'"):
        rename_type(Study.create(imported.parent / "empty"), "red", "x")


def test_types_of_imported_cells_are_renamed_and_networks_are_kept(
    trained: Path, synthetic_cells: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    before = PatchStore.open(study.patches)
    rename_type(study, "metamyelocyte", "band granulocyte")
    rename_type(study, "band granulocyte", "merged")
    store = PatchStore.open(study.patches)
    merged = before.types["metamyelocyte"] + before.types["band granulocyte"]
    assert store.types == {
        **{name: n for name, n in before.types.items() if name not in {"metamyelocyte", "band granulocyte"}},
        "merged": merged,
    }
    assert store.fingerprint == before.fingerprint
    run = trained_runs(study)[0]
    evaluate(study, run.name)
    assert "merged" in set(read_predictions([run.predictions])["type"])
    assert "metamyelocyte" not in set(read_predictions([run.predictions])["type"])
    capfd.readouterr()
    assert PatchStore.open(import_(synthetic_cells, study).path).types == store.types
    assert "patches: already imported" in capfd.readouterr().err
