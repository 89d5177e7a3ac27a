from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from anndata import read_h5ad

import orbicyte
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.settings import Settings
from orbicyte.stages.embed import embed
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.train import train
from orbicyte.study.runs import SHIPPED, RunFolder
from orbicyte.study.scores import read_evaluation


def test_it_gives_the_embeddings_of_the_shipped_network_and_trains_nothing(study: Path, tiny: Settings) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    assert run.path == study / "runs" / "pretrained"
    assert run.weights.read_bytes() == RunFolder(SHIPPED).weights.read_bytes()
    images = PatchStore.open(study / "patches").images[:10]
    of_study = Embedder(run, device="cpu").embed_stored(np.array(images)).mean
    of_package = orbicyte.load("pretrained", device="cpu")
    # Patches of 32 px are scaled to the package's 128 px and then to 64 px there, and to 64 px at once here.
    expected = of_package.embed_stored(of_package.prepare(list(images))).mean
    spread = np.sqrt(((expected - expected.mean(0)) ** 2).sum(1).mean())
    assert np.sqrt(((of_study - expected) ** 2).sum(1).mean()) < 0.2 * spread


def test_all_unlabelled_cells_are_test_cells(study: Path, tiny: Settings) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    record = run.record()
    store = PatchStore.open(study / "patches")
    assert (record.data.train, record.data.test) == (0, len(store.unlabelled))
    evaluate(study, run.path)
    assert read_evaluation(run.evaluation).settings == tiny.evaluation
    sets = read_h5ad(embed(study, run.path)).obs["set"]
    assert sets.value_counts().to_dict() == {"labelled": len(store.labelled), "test": len(store.unlabelled)}


def test_what_was_made_is_kept_until_patches_change(
    study: Path, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    embed(study, run.path)
    train(study, "pretrained", settings=tiny)
    assert "already in the study" in capfd.readouterr().err
    assert run.embeddings.exists()
    record = run.record()
    run.write(replace(record, data=replace(record.data, fingerprint="of other patches")))
    train(study, "pretrained", settings=tiny)
    assert not run.embeddings.exists()
    assert run.record() == record
