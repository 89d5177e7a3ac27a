import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

import orbicyte
from orbicyte.classification.measured import measured_cells
from orbicyte.data.folds import fold_of_run, training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings, Settings
from orbicyte.stages.evaluate import (
    EvaluatedCells,
    _map,
    _warn_if_collapsed,
    choose_cells,
    evaluate,
    gather,
    is_evaluated,
)
from orbicyte.stages.report import report
from orbicyte.stages.train import train
from orbicyte.study.files import read_json
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import CONSTANT, Score, read_evaluation, read_scores

BASELINE, STN = "baseline-fold1-seed0", "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The test's own copy of the trained study."""
    return Path(shutil.copytree(trained, tmp_path / "study"))


@pytest.fixture(scope="module")
def store(trained: Path) -> PatchStore:
    return PatchStore.open(trained / "patches")


def chosen(trained: Path, store: PatchStore, run: str = BASELINE, **changes: float) -> EvaluatedCells:
    record = RunFolder(trained / "runs" / run).record()
    evaluation = record.settings.evaluation.model_copy(update=changes)
    settings = record.settings.model_copy(update={"evaluation": evaluation})
    return choose_cells(fold_of_run(store, record), measured_cells(store, evaluation, settings.seed), settings)


def by_cell(store: PatchStore) -> PatchStore:
    return replace(store, cells=store.cells.assign(slide=None, patient=None))


def test_selection_and_test_part_are_stratified_by_type(trained: Path, store: PatchStore) -> None:
    cells = chosen(trained, by_cell(store))
    labelled = cells.labelled
    assert labelled.grouped_by == "cell"
    assert labelled.rows.tolist() == store.labelled.tolist()
    for name in np.unique(labelled.types):
        of_type = labelled.types == name
        assert labelled.is_selection[of_type].sum() == round(0.25 * of_type.sum())
    assert not labelled.is_selection[cells.rotated].any()


def test_no_slide_is_in_both_parts(trained: Path, store: PatchStore) -> None:
    cells = chosen(trained, store).labelled
    assert cells.grouped_by == "slide"
    parts = [set(cells.groups[cells.is_selection]), set(cells.groups[~cells.is_selection])]
    assert not parts[0] & parts[1]
    assert parts[1]


@given(st.integers(2, 120))
def test_test_cells_are_those_of_the_fold_first_and_never_trained_on(
    trained: Path, store: PatchStore, count: int
) -> None:
    cells = chosen(trained, store, cells=count)
    fold = training_fold(store, RunFolder(trained / "runs" / BASELINE).record().settings, 1)
    test_part = cells.labelled.rows[cells.labelled.test]
    assert len(set(cells.test)) == len(cells.test) == min(count, len(fold.test) + len(test_part))
    assert cells.test_unlabelled == min(count, len(fold.test))
    assert set(cells.test[: cells.test_unlabelled]) <= set(fold.test)
    assert set(cells.test[cells.test_unlabelled :]) <= set(test_part)
    assert not set(cells.test) & {*fold.train, *fold.validation}


def test_if_all_cells_are_labelled_no_test_cell_was_trained_on(trained: Path, store: PatchStore) -> None:
    labels = store.cells["label"].fillna("lymphocyte")
    store = replace(store, cells=store.cells.assign(label=labels))
    cells = chosen(trained, store, cells=100)
    fold = training_fold(store, RunFolder(trained / "runs" / BASELINE).record().settings, 1)
    assert not {*cells.test, *cells.examples} & {*fold.train, *fold.validation}
    assert len(cells.test) == len(fold.test)


def test_every_network_is_measured_on_the_same_cells(trained: Path, store: PatchStore) -> None:
    one, other = chosen(trained, store, BASELINE), chosen(trained, store, STN)
    for name in ("test", "examples", "rotated"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.labelled.is_selection, other.labelled.is_selection)


def test_the_choice_of_cells_depends_on_the_seed_only(trained: Path, store: PatchStore) -> None:
    np.random.seed(3)
    first = chosen(trained, store)
    np.random.seed(4)
    np.testing.assert_array_equal(first.test, chosen(trained, store).test)


def test_evidence_is_the_exported_embedding_and_those_of_rotated_cells(trained: Path, store: PatchStore) -> None:
    embedder = orbicyte.load(trained / "runs" / STN)
    settings = embedder.record.settings
    cells = chosen(trained, store, STN)
    evidence = gather(store, embedder, cells, settings)
    assert evidence.angles_deg.tolist() == list(range(0, 360, 45))
    unrotated, rotated = (
        embedder.embed_stored(store.images[cells.test]),
        embedder.embed_stored(store.images[cells.test], np.pi / 2),
    )
    np.testing.assert_allclose(evidence.mean[0], unrotated.mean, atol=1e-5)
    np.testing.assert_allclose(evidence.mean[2], rotated.mean, atol=1e-5)
    assert evidence.pose_rad is not None
    assert rotated.angle_rad is not None
    np.testing.assert_allclose(evidence.pose_rad[2], rotated.angle_rad, atol=1e-5)
    labelled = evidence.labelled
    assert labelled is not None
    np.testing.assert_allclose(labelled.rotated_x[0], labelled.x[labelled.rotated], atol=1e-5)
    np.testing.assert_array_equal(labelled.cells.types, store.cells["label"][cells.labelled.rows])
    assert labelled.border.shape == (60, 21)
    pictures = evidence.pictures(2, np.array([1]))
    np.testing.assert_allclose(pictures.inputs[0], np.rot90(evidence.pictures(0).inputs[1]), atol=1e-5)


def test_scores_are_made_again_only_if_settings_changed(own: Path, tiny: Settings) -> None:
    scores = RunFolder(own / "runs" / BASELINE).scores
    before = (scores / "scores.parquet").stat().st_mtime_ns
    evaluate(own, BASELINE)
    evaluate(own, BASELINE, tiny.evaluation)
    assert (scores / "scores.parquet").stat().st_mtime_ns == before
    evaluate(own, BASELINE, tiny.evaluation.model_copy(update={"angle_step_deg": 90.0}))
    angles = read_scores([scores / "scores.parquet"])["angle_deg"].dropna().unique()
    assert sorted(angles) == [0, 90, 180, 270]
    assert read_json(scores / "evaluation.json")["settings"]["angle_step_deg"] == 90
    assert read_json(scores / "evaluation.json")["angles"] == 4


def test_predictions_are_those_behind_the_f1_scores(trained: Path, store: PatchStore) -> None:
    folders = [RunFolder(trained / "runs" / run) for run in (BASELINE, STN)]
    table = read_predictions(folder.predictions for folder in folders)
    scores = read_scores(folder.score_table for folder in folders)
    labelled = measured_cells(store, folders[0].record().settings.evaluation, 0)
    for network, cells in table.groupby("network"):
        assert cells["cell"].tolist() == labelled.rows[labelled.test].tolist()
        assert cells["type"].tolist() == store.cells["label"][cells["cell"]].tolist()
        assert cells["group"].tolist() == store.cells["slide"][cells["cell"]].tolist()
        assert (cells.groupby("group")["probe_fold"].nunique() == 1).all()
        for probe in ("linear", "mlp"):
            of_fold = [f1_score(fold["type"], fold[probe], average="macro") for _, fold in cells.groupby("probe_fold")]
            is_it = (scores["network"] == network) & (scores["measure"] == f"f1/{probe}") & (scores["type"] == "")
            assert np.mean(of_fold) == pytest.approx(scores.loc[is_it, "value"].item())


def test_a_run_without_predictions_is_evaluated_again(own: Path) -> None:
    predictions = RunFolder(own / "runs" / STN).predictions
    before = pd.read_parquet(predictions)
    predictions.unlink()
    evaluate(own, STN)
    assert pd.read_parquet(predictions).equals(before)


@pytest.mark.parametrize("file", ["score_table", "predictions"])
@pytest.mark.parametrize("is_missing", [True, False])
def test_missing_and_damaged_scores_are_made_again(own: Path, file: str, is_missing: bool) -> None:
    run = RunFolder(own / "runs" / STN)
    path: Path = getattr(run, file)
    before, settings = path.read_bytes(), read_evaluation(run.evaluation).settings
    path.unlink()
    if not is_missing:
        path.write_bytes(before[:-1])
    assert not is_evaluated(run, settings)
    evaluate(own, STN)
    assert path.read_bytes() == before
    assert is_evaluated(run, settings)


def test_the_versions_of_what_measured_are_recorded(trained: Path) -> None:
    versions = read_evaluation(RunFolder(trained / "runs" / STN).evaluation).versions
    assert versions.keys() >= {"orbicyte", "torch", "scikit-learn", "scikit-image"}


def test_scores_of_other_measures_are_made_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(own / "runs" / STN)
    settings = read_evaluation(run.evaluation).settings
    assert is_evaluated(run, settings)
    monkeypatch.setattr("orbicyte.stages.evaluate.MEASURES", 2)
    assert not is_evaluated(run, settings)
    evaluate(own, STN)
    assert read_evaluation(run.evaluation).measures == 2
    assert is_evaluated(run, settings)


def test_scores_are_reproducible(own: Path) -> None:
    scores = RunFolder(own / "runs" / STN).scores
    before = read_scores([scores / "scores.parquet"])
    shutil.rmtree(scores)
    evaluate(own, STN)
    after = read_scores([scores / "scores.parquet"])
    assert after.drop(columns="value").equals(before.drop(columns="value"))
    np.testing.assert_allclose(after["value"], before["value"], rtol=1e-6)


def test_arrays_for_the_figures(trained: Path, store: PatchStore) -> None:
    with np.load(trained / "runs" / BASELINE / "scores" / "arrays.npz") as arrays:
        assert arrays["inputs"].shape == arrays["reconstructions"].shape == (12, 16, 16, 3)
        assert arrays["map_xy"].shape == (60, 2)
        labels = store.cells["label"][arrays["map_cells"]]
        assert arrays["map_types"].tolist() == labels.tolist()


def test_without_labels_all_measures_but_those_of_typing_are_made(
    synthetic_cells: Path, tiny: Settings, tmp_path: Path
) -> None:
    (tmp_path / "cells").mkdir()
    for path in synthetic_cells.glob("unlabelled_*.png"):
        shutil.copy(path, tmp_path / "cells")
    study = tmp_path / "study"
    orbicyte.import_(tmp_path / "cells", study)
    run = train(study, "only_stn", settings=tiny.changed(["training.max_epochs=1"])).name
    scores = evaluate(study, run)
    measures = {measure.split("/")[0] for measure in read_scores([scores / "scores.parquet"])["measure"]}
    assert {"ssim", "rotation_kl", "movement", "retrieval_accuracy", "asymmetry", "pose_consistency"} <= measures
    assert not any("f1" in measure or measure in ("confusion", "one_type") for measure in measures)
    assert read_json(scores / "evaluation.json")["labelled"] == 0
    assert report(study).exists()


def test_impossible_folds_keep_the_old_scores(own: Path) -> None:
    scores = RunFolder(own / "runs" / BASELINE).scores
    before = (scores / "scores.parquet").read_bytes()
    with pytest.raises(OrbicyteError, match="fewer than the 40 folds"):
        evaluate(own, BASELINE, EvaluationSettings(cells=12, angle_step_deg=90, folds=40))
    assert (scores / "scores.parquet").read_bytes() == before
    assert read_json(scores / "evaluation.json")["settings"]["folds"] == 2


def test_types_with_too_few_cells_are_left_out_and_listed_in_the_report(own: Path) -> None:
    scores = evaluate(own, BASELINE, EvaluationSettings(cells=12, angle_step_deg=90, folds=4))
    left_out = read_json(scores / "evaluation.json")["types_left_out"]
    assert left_out
    scored = set(read_scores([scores / "scores.parquet"])["type"])
    assert not scored & set(left_out)
    assert f"left out: {', '.join(left_out)}." in report(own).read_text(encoding="utf-8")


def test_a_damaged_record_of_the_evaluation_is_replaced(own: Path) -> None:
    record = RunFolder(own / "runs" / STN).evaluation
    before = record.read_bytes()
    for damage in (b"{", b"{}"):
        record.write_bytes(damage)
        evaluate(own, STN)
        assert record.read_bytes() == before


@pytest.mark.parametrize("spread", [0.0, 1e-7])
def test_the_map_of_collapsed_representations_is_finite(spread: float) -> None:
    x = 0.5 + spread * np.random.default_rng(0).normal(size=(20, 4))
    found = _map(x.astype(np.float32), seed=0)
    assert found.shape == (20, 2)
    assert bool(np.isfinite(found).all())


def test_an_interrupted_evaluation_continues_from_its_rotated_cells(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(own / "runs" / STN)
    before = read_scores([folder.score_table])
    shutil.rmtree(folder.scores)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orbicyte.metrics.movement.measure", interrupt)
        with pytest.raises(KeyboardInterrupt):
            evaluate(own, STN)
    assert folder.rotated.exists()
    monkeypatch.setattr("orbicyte.embedding.Embedder.embed_rotated", interrupt)
    evaluate(own, STN)
    assert not folder.rotated.exists()
    np.testing.assert_allclose(read_scores([folder.score_table])["value"], before["value"], rtol=1e-6)


def test_a_network_that_learned_nothing_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    _warn_if_collapsed("a", [Score("ssim", 0.5), Score(CONSTANT, 4.0)], 4)
    assert (
        "warning: a: it learned almost nothing: each of its 4 dimensions is nearly the same" in capfd.readouterr().err
    )
    _warn_if_collapsed("a", [Score(CONSTANT, 3.0)], 4)
    assert not capfd.readouterr().err
