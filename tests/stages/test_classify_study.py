import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.classify_study import best_run, classify_study
from orbicyte.stages.cut import cut
from orbicyte.study import Study
from orbicyte.study.types import predicted_by, read_types

RUN = "only_stn-w0.5-fold1-seed0"


@pytest.fixture(scope="module")
def typed(spotted_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study.open(shutil.copytree(spotted_run, tmp_path_factory.mktemp("typed") / "study"))
    classify_study(study, RUN)
    return study


def test_every_cell_has_a_type_and_labelled_ones_a_held_out_one(typed: Study) -> None:
    table = read_types(typed)
    assert table is not None
    cells = reviewed_cells(typed)
    assert sorted(table["id"]) == sorted(cells["id"])
    assert predicted_by(typed) == RUN
    names = [str(column) for column in table if str(column).startswith("p_")]
    assert names == ["p_dark", "p_grey", "p_red"]
    probabilities = table[names].to_numpy()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(table["probability"], probabilities.max(1))
    assert [f"p_{name}" for name in table["type"]] == [names[at] for at in probabilities.argmax(1)]
    label = table.merge(cells[["id", "label"]], on="id", suffixes=("", "_now"))
    assert label["label"].fillna("").tolist() == label["label_now"].fillna("").tolist()
    assert (table["held_out"] == table["label"].notna()).all()
    labelled = table[table["held_out"]]
    assert len(labelled) == 4 * 47
    assert (labelled["type"] == labelled["label"]).mean() > 0.6
    assert pd.api.types.is_bool_dtype(table["out_of_distribution"])


def test_labels_given_after_training_are_used_and_the_network_is_not_trained_again(
    typed: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(typed.path, tmp_path / "study"))
    with ReviewStore.open(study) as store:
        cell = next(iter(store.cells("s7")))
        about = {"id": "e", "slide": "s7", "cell": cell, "kind": "name"}
        store.append("Ada", [{**about, "after": {"label": "grey"}}])
    capfd.readouterr()
    classify_study(study, study.run(RUN))
    printed = capfd.readouterr().err
    assert f"warning: cells were labelled, moved or added since {RUN} was trained; it is not trained again" in printed
    table = read_types(study)
    assert table is not None
    row = table[table["id"] == cell].iloc[0]
    assert (row["label"], row["held_out"]) == ("grey", True)


def test_the_run_with_the_highest_f1_is_used_and_printed(typed: Study, capfd: pytest.CaptureFixture[str]) -> None:
    best = best_run(typed)
    assert f"classifying with {best.name}: highest F1 of 2 runs, " in capfd.readouterr().err
    with pytest.raises(OrbicyteError, match="magic is not a run folder"):
        classify_study(typed, "magic")


def test_patches_of_other_sizes_are_one_line_errors(spotted_run: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    cut(study, view_px=20)
    with pytest.raises(OrbicyteError, match=r"trained on patches of 24 px.* the patches are now of 30 px"):
        classify_study(study, RUN)


def test_with_one_labelled_slide_folds_are_by_cell(
    spotted_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(spotted_run, tmp_path / "study"))
    shutil.rmtree(study.review)
    cells = reviewed_cells(study, ["s0"])
    with ReviewStore.open(study) as store:
        names = np.random.default_rng(0).choice(["dark", "red"], len(cells)).tolist()
        about = {"slide": "s0", "kind": "name"}
        events = [
            {"id": f"e{at}", "cell": cell, **about, "after": {"label": name}}
            for at, (cell, name) in enumerate(zip(cells["id"], names, strict=True))
        ]
        store.append("Ada", events)
    classify_study(study, RUN)
    assert "warning: all labelled cells are of one slide: folds are by cell" in capfd.readouterr().err


def test_imported_patches_can_be_classified_too(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    classify_study(study, "baseline-fold1-seed0")
    table = read_types(study)
    assert table is not None
    assert table["id"].tolist() == PatchStore.open(study.patches).cells["file"].tolist()


def test_a_damaged_table_is_a_one_line_error(typed: Study, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    assert read_types(study) is None
    (study.path / "types.parquet").write_bytes(b"PAR1")
    with pytest.raises(OrbicyteError, match=r"types.parquet is damaged .*run 'orbicyte classify"):
        read_types(study)
