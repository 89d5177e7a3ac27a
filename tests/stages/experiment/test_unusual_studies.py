"""Experiments on studies that older releases wrote, and on folds that lack a type of cell."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from orbicyte.data.patches import Entry, PatchStore, write_store
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.experiment import experiment
from orbicyte.stages.experiment.pieces import complete
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_evaluation, read_scores

FORMATS = sorted((Path(__file__).parents[2] / "formats").glob("*/study/runs/baseline-*"))


@pytest.fixture(params=FORMATS, ids=lambda path: path.parents[2].name)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    """A copy of a study that a former release wrote."""
    return Study.open(shutil.copytree(request.param.parents[1], tmp_path / "study"))


def test_an_older_study_is_completed_without_training_again(older: Study) -> None:
    trained = RunFolder(older.runs()[0])
    settings, weights = trained.record().settings, trained.weights.read_bytes()
    pieces = plan(older, ["baseline"], (0.5,), [1, 2], 1, settings)
    fingerprint = PatchStore.open(older.patches).fingerprint
    for piece in pieces:
        complete(piece)
        assert piece.is_done(fingerprint)
    assert trained.weights.read_bytes() == weights
    assert sorted(set(read_scores([piece.run.score_table for piece in pieces])["fold"])) == [1, 2]
    with pytest.raises(OrbicyteError, match="was trained with other settings"):
        plan(older, ["baseline"], (0.5,), [1], 1, settings.changed(["loss.beta=7"]))


def test_a_type_that_only_one_slide_has_is_missing_in_a_fold(study: Path, tiny: Settings) -> None:
    opened = Study.open(study)
    store = PatchStore.open(opened.patches)
    labels = store.cells["label"].to_numpy()
    rare = sorted(store.types)[0]
    number = np.cumsum(store.cells["label"].notna().to_numpy())
    slides = [
        None if label is None else "only" if label == rare else f"slide {at % 8}"
        for label, at in zip(labels, number, strict=True)
    ]
    images = np.array(store.images)
    shutil.rmtree(opened.patches)
    entries = [Entry(image, f"{i}.png", labels[i], slide=slides[i]) for i, image in enumerate(images)]
    write_store(opened.patches, entries, side_px=store.side_px)
    (piece,) = plan(opened, ["baseline"], (0.5,), [1], 1, tiny.changed(["evaluation.folds=3"]))
    complete(piece)
    predictions = read_predictions([piece.run.predictions])
    of_rare = predictions[predictions["type"] == rare]
    assert of_rare["probe_fold"].nunique() == 1
    assert read_evaluation(piece.run.evaluation).grouped_by == "slide"
    table = read_scores([piece.run.score_table]).set_index("measure")["value"]
    assert np.isfinite(table["f1/linear"]).all()


def test_a_slide_that_falls_into_two_folds_is_refused_with_the_reason(study: Path, tiny: Settings) -> None:
    opened = Study.open(study)
    store = PatchStore.open(opened.patches)
    labels, images = store.cells["label"].to_numpy(), np.array(store.images)
    shutil.rmtree(opened.patches)
    entries = [
        Entry(image, f"{i}.png", labels[i], slide=None if i % 2 else "a slide") for i, image in enumerate(images)
    ]
    write_store(opened.patches, entries, side_px=store.side_px)
    with pytest.raises(OrbicyteError, match="slide 'a slide' has cells in more than one fold, so scores would be too"):
        experiment(opened, networks=["baseline"], settings=tiny, workers=1)
    assert not opened.runs()
