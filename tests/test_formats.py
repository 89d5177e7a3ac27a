"""Studies of every released format (written by ``scripts/keep_format.py``) open and give the same representations."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import orbicyte
from orbicyte.classification.classifier import load_classifier
from orbicyte.data.patches import SCHEMA, PatchStore
from orbicyte.review.accepted import last_options
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.report import report
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_evaluation, read_scores
from orbicyte.study.types import predicted_by, read_types

FORMATS = Path(__file__).parent / "formats"
WITH_RUNS, WITH_SLIDES = (
    sorted(path.parent.parent.name for path in FORMATS.glob(f"*/study/{part}")) for part in ("runs", "slides")
)
RUNS = [f"{name}-fold1-seed0" for name in ("baseline", "equ_hnet-w0.5", "inv_hnet-w0.5", "only_stn-w0.5")]


@pytest.fixture(params=WITH_RUNS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the patches and runs of a format."""
    return Path(shutil.copytree(FORMATS / request.param, tmp_path / "kept"))


@pytest.fixture(params=WITH_SLIDES)
def from_slides(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the slides and review of a format."""
    return Path(shutil.copytree(FORMATS / request.param, tmp_path / "kept"))


@pytest.mark.parametrize("run", RUNS)
def test_a_run_gives_the_same_representations_and_probabilities(kept: Path, run: str) -> None:
    expected = json.loads((kept / "expected.json").read_text())[run]
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    folder = kept / "study" / "runs" / run
    x = orbicyte.load(folder, device="cpu").embed(images)
    np.testing.assert_allclose(x, expected["embedding"], atol=1e-4)
    probabilities = load_classifier(folder / "classifier").probabilities(x)
    np.testing.assert_allclose(probabilities, expected["probabilities"], atol=1e-3)


def test_the_patches_open_with_their_table(kept: Path) -> None:
    store = PatchStore.open(kept / "study" / "patches")
    assert store.images.shape == (42, 16, 16, 3)
    assert store.cells.columns.tolist() == SCHEMA.names
    assert list(store.types) == ["granulocyte", "other, <µ>"]
    assert len(store.labelled) + len(store.unlabelled) == 42


def test_old_names_of_settings_columns_and_measures_are_read(tmp_path: Path) -> None:
    """Written by the release before the renaming: format 3 of this folder."""
    study = Study.open(shutil.copytree(FORMATS / "3" / "study", tmp_path / "study"))
    run = RunFolder(study.run(RUNS[3]))
    record = run.record()
    assert record.settings.network.rotated_views
    assert record.settings.evaluation.selection_share == 0.3
    assert (record.view.view_px, PatchStore.open(study.patches).view_px) == (16, 16)
    evaluation = read_evaluation(run.evaluation)
    assert (evaluation.labelled_selection, evaluation.labelled_test, evaluation.labelled_rotated) == (7, 17, 6)
    measures = set(read_scores([run.score_table])["measure"])
    assert {"retrieval_accuracy", "retrieval_accuracy/cells", "movement/raw/multiples_of_90"} <= measures
    assert not any("identification" in name or "quarter" in name for name in measures)
    assert load_classifier(run.classifier).limits.keys() == {"distance", "variance_unexplained"}
    types = read_types(study)
    assert types is not None
    assert types["out_of_distribution"].sum() == 2
    assert predicted_by(study) == RUNS[3]


def test_work_on_the_study_can_continue(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The report needs no predictions, which evaluating adds; then finished steps are not repeated."""
    study = Study.open(kept / "study")
    assert [folder.name for folder in study.runs()] == RUNS
    assert report(study).stat().st_size > 10_000
    for run in RUNS * 2:
        orbicyte.embed(study, run)
        orbicyte.evaluate(study, run)
        assert RunFolder(study.run(run)).predictions.exists()
    assert capfd.readouterr().err.count("already evaluated") == 4
    assert report(study).stat().st_size > 10_000
    table = pd.read_csv(orbicyte.classify(_patch(kept), run=study.run(RUNS[0]), out=kept / "cells.csv"))
    assert table["type"].isin(["granulocyte", "other, <µ>"]).all()


def test_reviewed_cells_are_the_same_and_review_can_continue(from_slides: Path) -> None:
    study = Study.open(from_slides / "study")
    expected = pd.DataFrame(json.loads((from_slides / "expected.json").read_text(encoding="utf-8")))
    expected = expected.rename(columns={"named_by": "labelled_by"})
    cells = reviewed_cells(study)
    pd.testing.assert_frame_equal(cells[expected.columns].round(3), expected, check_dtype=False, rtol=1e-5)
    with ReviewStore.open(study) as store:
        assert [event.kind for event in store.redo("Ada")] == ["redo"]
    now = reviewed_cells(study).set_index("id")["status"]
    before = cells.set_index("id")["status"]
    assert now[now != before].tolist() == ["rejected"]


def test_patches_cut_from_slides_open_with_their_cells(from_slides: Path) -> None:
    store = PatchStore.open(from_slides / "study" / "patches")
    cells = reviewed_cells(Study.open(from_slides / "study"))
    assert set(store.cells["id"]) == set(cells.loc[cells["status"] != "rejected", "id"])
    assert (store.side_px, store.view_px, store.has_margin) == (24, 16, True)
    assert store.types == {"myelocyte": 1, "lymphocyte": 1}
    options = last_options(Study.open(from_slides / "study"))
    assert (options.view_px, options.mpp, options.border) == (16, 0.5, "white")


def _patch(kept: Path) -> Path:
    path = kept / "cell.png"
    Image.fromarray(np.array(PatchStore.open(kept / "study" / "patches").images[0])).save(path)
    return path
