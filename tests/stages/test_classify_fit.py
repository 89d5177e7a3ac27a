import shutil
from pathlib import Path

import pandas as pd
import pytest

import orbicyte
from orbicyte.classification.classifier import load_classifier
from orbicyte.data.folds import training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings, Settings
from orbicyte.stages.classify import classify
from orbicyte.stages.classify_fit import classify_fit
from orbicyte.stages.train import train

RUN = "baseline-fold1-seed0"


def test_fitting_again_with_other_folds_replaces_the_classifier(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "study")) / "runs" / RUN
    assert len(load_classifier(classify_fit(run)).card["fold_macro_f1"]) == 2
    folder = classify_fit(run, EvaluationSettings(folds=3))
    assert len(load_classifier(folder).card["fold_macro_f1"]) == 3


def test_a_classifier_of_stain_copies_records_them_and_predicts(
    trained: Path, synthetic_cells: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "study")) / "runs" / RUN
    without = load_classifier(classify_fit(run))
    classifier = load_classifier(classify_fit(run, stain_copies=1))
    assert (without.card["stain_copies"], classifier.card["stain_copies"]) == (0, 1)
    assert classifier.card["limit_cells"] == 2 * without.card["limit_cells"] == 2 * 60
    assert classifier.card["cells"] == without.card["cells"]  # a copy is not a cell
    assert sum(map(sum, classifier.card["confusion"])) == 60
    table = pd.read_csv(classify(synthetic_cells, run=run, out=tmp_path / "cells.csv"))
    assert len(table) == 105
    assert set(table["type"]) <= set(classifier.classes)


def test_if_all_cells_are_labelled_the_limit_is_from_held_out_cells(
    synthetic_cells: Path, tiny: Settings, tmp_path: Path
) -> None:
    table = pd.read_csv(synthetic_cells / "labels.csv")
    folder = tmp_path / "cells"
    folder.mkdir()
    for file in table["file"][table["label"].notna()]:
        shutil.copy(synthetic_cells / file, folder)
    orbicyte.import_(folder, tmp_path / "study", labels=synthetic_cells / "labels.csv")
    settings = tiny.changed(["training.max_epochs=1"])
    run = train(tmp_path / "study", "baseline", settings=settings)
    card = load_classifier(classify_fit(run)).card
    fold = training_fold(PatchStore.open(tmp_path / "study" / "patches"), settings, 1)
    assert card["limit_cells"] == 60 - len(fold.train) < 60


def test_without_labels_or_outside_its_study_no_classifier_is_fitted(
    synthetic_cells: Path, trained: Path, tiny: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "cells"
    folder.mkdir()
    for path in synthetic_cells.glob("unlabelled_*.png"):
        shutil.copy(path, folder)
    orbicyte.import_(folder, tmp_path / "study")
    run = train(tmp_path / "study", "baseline", settings=tiny.changed(["training.max_epochs=1"]))
    with pytest.raises(
        OrbicyteError, match="classification needs labelled cells of at least two types, but there is none"
    ):
        classify_fit(run)
    moved = Path(shutil.copytree(trained / "runs" / RUN, tmp_path / "moved" / RUN))
    with pytest.raises(OrbicyteError, match="is not in a study"):
        classify_fit(moved)
