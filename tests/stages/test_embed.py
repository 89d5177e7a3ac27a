import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData, read_h5ad

import orbicyte
from orbicyte.data.folds import training_fold
from orbicyte.data.images import read_patch
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import embedder
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.embed import embed
from orbicyte.stages.train import train
from orbicyte.study.files import read_json, write_json
from orbicyte.study.runs import RunFolder

BASELINE, STN = "baseline-fold1-seed0", "only_stn-w0.5-fold1-seed0"


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The test's own copy of the trained study."""
    return Path(shutil.copytree(trained, tmp_path / "study"))


def exported(study: Path, run: str) -> AnnData:
    return read_h5ad(study / "runs" / run / "embeddings.h5ad")


def test_scanpy_opens_and_uses_it(trained: Path) -> None:
    import scanpy

    data = scanpy.read_h5ad(trained / "runs" / STN / "embeddings.h5ad")
    scanpy.tl.pca(data, n_comps=3)
    assert data.obsm["X_pca"].shape == (105, 3)
    counts = data.obs.groupby("set", observed=True)["label"].count()
    assert counts["labelled"] == 60
    assert data[data.obs["label"] == "lymphocyte"].n_obs > 0


def test_rows_are_the_table_of_cells_as_categoricals(trained: Path) -> None:
    cells, obs = PatchStore.open(trained / "patches").cells, exported(trained, STN).obs
    assert obs.index.tolist() == cells["file"].tolist()
    for column in ("label", "slide", "patient", "set"):
        assert isinstance(obs[column].dtype, pd.CategoricalDtype), column
    for column in cells.columns:
        own, stored = obs[column].astype(object).to_numpy(), cells[column].astype(object).to_numpy()
        assert np.all((own == stored) | (pd.isna(own) & pd.isna(stored))), column


def test_log_variance_and_angle_are_stored_with_the_mean(trained: Path) -> None:
    store, embedder = PatchStore.open(trained / "patches"), orbicyte.load(trained / "runs" / STN)
    code, data = embedder.embed_stored(store.images), exported(trained, STN)
    assert code.angle_rad is not None
    np.testing.assert_allclose(data.X, code.mean, atol=1e-5)
    np.testing.assert_allclose(data.layers["log_variance"], code.log_variance, atol=1e-5)
    np.testing.assert_allclose(data.obs["angle_deg"], np.degrees(code.angle_rad), atol=1e-3)
    assert "angle_deg" not in exported(trained, BASELINE).obs


def test_sets_are_those_of_the_fold(trained: Path, tiny: Settings) -> None:
    store, sets = PatchStore.open(trained / "patches"), exported(trained, BASELINE).obs["set"].to_numpy()
    fold = training_fold(store, tiny, 1)
    for name in ("train", "validation", "test"):
        assert np.flatnonzero(sets == name).tolist() == sorted(getattr(fold, name))
    assert np.flatnonzero(sets == "labelled").tolist() == store.labelled.tolist()
    assert not (sets == "left out").any()


def test_cells_of_shared_slides_are_left_out(synthetic_cells: Path, tiny: Settings, tmp_path: Path) -> None:
    folder, table = tmp_path / "cells", pd.read_csv(synthetic_cells / "labels.csv")
    shutil.copytree(synthetic_cells, folder)
    shared = np.flatnonzero(table["label"].isna())[:3]
    table["slide"] = np.where(table.index.isin(shared), table["slide"][0], table["slide"])
    table.to_csv(folder / "labels.csv", index=False)
    orbicyte.import_(folder, tmp_path / "study")
    run = train(tmp_path / "study", "baseline", settings=tiny.changed(["training.max_epochs=1"])).name
    embed(tmp_path / "study", run)
    obs = exported(tmp_path / "study", run).obs
    left_out = obs[obs["set"] == "left out"]
    assert sorted(left_out["file"]) == sorted(table["file"][shared])


def test_it_contains_its_provenance(trained: Path) -> None:
    about = exported(trained, STN).uns["orbicyte"]
    assert (about["network"], about["rotation_weight"], about["fold"], about["seed"]) == ("only_stn", 0.5, 1, 0)
    assert about["data_fingerprint"] == PatchStore.open(trained / "patches").fingerprint
    assert about["version"]
    assert "rotation_weight" not in exported(trained, BASELINE).uns["orbicyte"]


def test_each_row_is_the_patch_of_its_file(trained: Path, synthetic_cells: Path) -> None:
    data = exported(trained, BASELINE)
    files = data.obs["file"].astype(str).tolist()
    some = [3, 50, 104]
    x = orbicyte.load(trained / "runs" / BASELINE).embed([read_patch(synthetic_cells / files[i]) for i in some])
    np.testing.assert_allclose(x, data.X[some], atol=1e-5)


def test_existing_embeddings_are_kept_and_missing_ones_are_made_again(own: Path) -> None:
    path = own / "runs" / BASELINE / "embeddings.h5ad"
    before = path.stat().st_mtime_ns
    assert embed(own, BASELINE) == path
    assert path.stat().st_mtime_ns == before
    x = exported(own, BASELINE).X
    path.unlink()
    embed(own, BASELINE)
    np.testing.assert_allclose(exported(own, BASELINE).X, x, atol=1e-5)


def test_a_run_of_other_patches_or_an_unfinished_one_is_an_error(own: Path) -> None:
    (own / "runs" / BASELINE / "embeddings.h5ad").unlink()
    record = own / "runs" / BASELINE / "run.json"
    written = read_json(record)
    write_json(record, written | {"state": "training"})
    with pytest.raises(OrbicyteError, match="has not ended: run 'orbicyte train' again"):
        embed(own, BASELINE)
    write_json(record, written | {"data": written["data"] | {"fingerprint": "other", "learned_from": "other"}})
    with pytest.raises(OrbicyteError, match="was trained on other patches"):
        embed(own, BASELINE)
    assert not (own / "runs" / BASELINE / "embeddings.h5ad").exists()


def test_the_confidence_of_the_angle_is_stored_for_networks_that_give_it(
    study: Path, trained: Path, tiny: Settings
) -> None:
    settings = tiny.changed(["network.framed_widths=14,14", "training.max_epochs=1"])
    run = train(study, "framed_hnet", settings=settings)
    embed(study, run)
    obs = exported(study, run.name).obs
    expected = orbicyte.load(run).embed_stored(PatchStore.open(study / "patches").images)
    assert expected.confidence is not None
    np.testing.assert_allclose(obs["angle_confidence"], expected.confidence, atol=1e-5)
    assert obs["angle_confidence"].between(0, 1).all()
    assert "angle_confidence" not in exported(trained, STN).obs
    log = pd.read_csv(run / "log.csv")
    assert (log["train_contrast"] > 0).all()
    assert sum(read_json(run / "run.json")["loss_shares"].values()) == pytest.approx(1)


def test_a_killed_export_is_continued_and_ends_with_the_same_file(
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt_embedding: Callable[[int], list[int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = RunFolder(own / "runs" / STN)
    folder.embeddings.unlink()
    monkeypatch.setattr(embedder, "BATCH", 20)
    embed(own, STN)
    undisturbed = exported(own, STN)
    folder.embeddings.unlink()
    embedded = interrupt_embedding(4)
    with pytest.raises(KeyboardInterrupt):
        embed(own, STN)
    assert folder.embedded.exists()
    assert not folder.embeddings.exists()
    embed(own, STN)
    assert "continues after 60 of 105 cells" in capfd.readouterr().err
    assert embedded == [20, 20, 20, 20, 20, 20, 5]
    assert not folder.embedded.exists()
    np.testing.assert_array_equal(exported(own, STN).X, undisturbed.X)
    pd.testing.assert_frame_equal(exported(own, STN).obs, undisturbed.obs)
