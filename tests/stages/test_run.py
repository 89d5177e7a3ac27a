import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import read_h5ad

from orbicyte.data.folds import group_column, training_fold
from orbicyte.data.patches import Entry, PatchStore, write_store
from orbicyte.errors import OrbicyteError
from orbicyte.review.store import ReviewStore
from orbicyte.settings import Settings
from orbicyte.stages.cut import cut
from orbicyte.stages.run import run
from orbicyte.study import Study
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import COLUMNS, read_scores


def test_repeating_does_nothing_and_gives_the_same_report(
    synthetic_cells: Path, tiny: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    two = ["baseline", "only_stn"]  # test_demo runs all four
    page = run(synthetic_cells, out, networks=two, rotation_weights=(0.5,), settings=tiny)
    assert page == out / "report.html"
    weights = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert len(weights) == 2
    before = page.read_bytes()
    capfd.readouterr()
    run(synthetic_cells, out, networks=two, rotation_weights=(0.5,), settings=tiny)
    printed = capfd.readouterr().err
    for done in ("already imported", "already trained", "already embedded", "already evaluated"):
        assert done in printed
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == weights
    assert page.read_bytes() == before


def test_every_network_has_scores(trained: Path) -> None:
    study = Study.open(trained)
    rows = read_scores(RunFolder(study.run(folder.name)).score_table for folder in study.runs())
    assert list(rows.columns) == COLUMNS
    assert set(rows["network"]) == {"baseline", "only_stn"}
    expected = {"ssim", "rotation_kl", "movement/raw", "retrieval_accuracy", "asymmetry/explained", "f1/linear"}
    assert expected | {"every_angle_f1/mlp", "border_f1/linear"} <= set(rows["measure"])
    assert {"pose_consistency/below_10_deg"} <= set(rows[rows["network"] == "only_stn"]["measure"])
    assert not rows[rows["network"] == "baseline"]["measure"].str.startswith("pose_consistency").any()
    angles = rows[rows["measure"] == "rotation_kl"]["angle_deg"].dropna().unique()
    assert sorted(angles) == list(np.arange(0, 360, 45))


def test_a_network_that_fails_does_not_affect_the_others(
    study: Path, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = tiny.changed(["training.max_epochs=1"])
    expected = r"^only_stn-w1e\+300-fold1-seed0 failed: .*loss became"
    with pytest.raises(OrbicyteError, match=expected):
        run(study, networks=["only_stn", "baseline"], rotation_weights=(1e300,), settings=settings)
    assert set(read_scores([RunFolder(study / "runs" / "baseline-fold1-seed0").score_table])["network"]) == {"baseline"}
    assert "loss became" in (study / "report.html").read_text(encoding="utf-8")
    assert "warning: only_stn-w1e+300-fold1-seed0 failed: " in capfd.readouterr().err
    with pytest.raises(OrbicyteError, match=r"^(?!only_stn-w1e).*loss became"):
        run(study, networks=["only_stn"], rotation_weights=(1e300,), settings=settings)


def test_an_unknown_network_is_an_error_before_anything_is_written(synthetic_cells: Path, tmp_path: Path) -> None:
    with pytest.raises(
        OrbicyteError, match="no 'magic' among the networks: available are averaged_cnn, baseline, equ_hnet, faded_stn,"
    ):
        run(synthetic_cells, tmp_path / "study", networks=["magic"])
    assert not (tmp_path / "study").exists()


def test_a_study_with_labelled_slides_is_run_to_the_report(
    spotted_run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(spotted_run)
    store = PatchStore.open(study.patches)
    assert (len(store), len(store.labelled), len(store.unlabelled)) == (8 * 49, 4 * 47, 4 * 49)
    assert group_column(store.cells)[0] == "slide"
    assert int(store.cells["shared"].sum()) == 4 * 2
    assert study.report.exists()
    for folder in study.runs():
        fold = training_fold(store, RunFolder(folder).record().settings, 1)
        parts = [set(store.cells["slide"].iloc[rows]) for rows in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 4


def test_the_shipped_network_needs_no_unlabelled_cells_for_folds(
    synthetic_cells: Path, tiny: Settings, tmp_path: Path
) -> None:
    cells = Path(shutil.copytree(synthetic_cells, tmp_path / "cells"))
    for file in sorted(cells.glob("unlabelled_*.png"))[1:]:
        file.unlink()
    table = pd.read_csv(cells / "labels.csv")
    table[[(cells / name).exists() for name in table["file"]]].to_csv(cells / "labels.csv", index=False)
    with pytest.raises(OrbicyteError, match="training in 3 folds needs"):
        run(cells, tmp_path / "study", networks=["baseline"], settings=tiny)
    page = run(cells, tmp_path / "study", networks=["pretrained"], settings=tiny)
    assert page.exists()
    rows = read_scores([RunFolder(tmp_path / "study" / "runs" / "pretrained").score_table])
    assert set(rows["network"]) == {"pretrained"}


def test_repeating_a_run_of_a_study_does_no_step_twice(
    spotted_run: Path, tiny: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = shutil.copytree(spotted_run, tmp_path / "study")
    run(study, networks=["baseline"], settings=tiny)
    printed = capfd.readouterr().err
    for done in ("already cut", "already trained", "already embedded", "already evaluated"):
        assert done in printed
    with ReviewStore.open(Study.open(study)) as store:
        cell = next(iter(store.cells("s1")))
        event = {"id": "e", "slide": "s1", "cell": cell, "kind": "move", "after": {"x_px": 99.0, "y_px": 99.0}}
        store.append("Ada", [event])
    with pytest.raises(OrbicyteError, match="was trained on other patches, or before cells were labelled, moved"):
        run(study, networks=["baseline"], settings=tiny)


def relabel(study: Study, labels: list[str | None]) -> None:
    """The same patches with other labels."""
    store = PatchStore.open(study.patches)
    images, names = np.asarray(store.images), [field.name for field in fields(Entry)[1:] if field.name != "label"]
    rows: list[Any] = store.cells[names].to_dict("records")
    shutil.rmtree(study.patches)
    entries = [Entry(image, label=label, **row) for image, row, label in zip(images, rows, labels, strict=True)]
    write_store(study.patches, entries, side_px=store.side_px, view_px=store.view_px, mpp=store.mpp)


def test_after_a_corrected_label_networks_are_kept_and_scores_made_again(
    trained: Path, tiny: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    folder = RunFolder(study.run("baseline-fold1-seed0"))
    weights = folder.weights.stat().st_mtime_ns
    cells = PatchStore.open(study.patches).cells
    labels = cells["label"].astype(object).where(cells["label"].notna(), None).tolist()
    known = [row for row, label in enumerate(labels) if label is not None]
    first = known[0]
    other = next(row for row in known if labels[row] != labels[first])
    labels[first], labels[other] = labels[other], labels[first]
    relabel(study, labels)
    run(study, networks=["baseline"], settings=tiny)
    printed = capfd.readouterr().err
    assert "baseline-fold1-seed0: types of cells were changed after its training: the network is kept" in printed
    assert "already trained" in printed
    assert folder.weights.stat().st_mtime_ns == weights
    assert folder.record().data.fingerprint == PatchStore.open(study.patches).fingerprint
    types = read_predictions([folder.predictions]).set_index("cell")["type"]
    assert types.astype(str).to_dict() == {row: labels[row] for row in types.index}
    assert read_h5ad(folder.embeddings).obs["label"].astype(str).iloc[first] == labels[first]
    labels[other] = None
    relabel(study, labels)
    with pytest.raises(OrbicyteError, match="was trained on other patches, or before cells were labelled"):
        run(study, networks=["baseline"], settings=tiny)


def test_a_study_that_cannot_be_run_is_a_one_line_error(
    spotted: Path, study: Path, tiny: Settings, tmp_path: Path, synthetic_cells: Path
) -> None:
    unlabelled = Path(shutil.copytree(spotted, tmp_path / "unlabelled"))
    shutil.rmtree(unlabelled / "review")
    cut(unlabelled, mpp=0.25, view_px=16)
    with pytest.raises(OrbicyteError, match=r"no cell in .* has a label yet.*: label some with 'orbicyte review"):
        run(unlabelled, networks=["baseline"], settings=tiny)
    with pytest.raises(OrbicyteError, match=r"is not a study: for a folder of patches, give .* --out STUDY"):
        run(synthetic_cells, networks=["baseline"], settings=tiny)
    with pytest.raises(OrbicyteError, match="does not exist: expected a study, or a folder of patches with --out"):
        run(tmp_path / "nowhere", networks=["baseline"], settings=tiny)
    with pytest.raises(OrbicyteError, match=r"--max-cells, --patch-px: only for folders of patches"):
        run(study, networks=["baseline"], settings=tiny, max_cells=3, patch_px=32)
    with pytest.raises(OrbicyteError, match="no patches in"):
        run(Study.create(tmp_path / "empty"), networks=["baseline"], settings=tiny)


def test_too_few_slides_with_and_without_labels_are_one_error(
    spotted_run: Path, tiny: Settings, tmp_path: Path
) -> None:
    study = shutil.copytree(spotted_run, tmp_path / "study")
    many = tiny.model_copy(update={"folds": 9, "evaluation": tiny.evaluation.model_copy(update={"folds": 9})})
    with pytest.raises(OrbicyteError, match=r"fewer than the 9 folds .*; and training in 9 folds needs"):
        run(study, networks=["baseline"], settings=many)
