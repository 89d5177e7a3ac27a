from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from anndata import read_h5ad

import orbicyte
from orbicyte.data.patches import PatchStore
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
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


def test_it_is_copied_again_for_another_seed_and_other_weights(study: Path, tiny: Settings) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    weights = run.weights.read_bytes()
    run.weights.write_bytes(weights[: len(weights) // 2])
    train(study, "pretrained", settings=tiny)
    assert run.weights.read_bytes() == weights
    train(study, "pretrained", settings=tiny.changed(["seed=1"]))
    assert run.record().seed == 1


def test_a_folder_of_another_network_is_not_replaced(study: Path, tiny: Settings) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    run.write(replace(run.record(), network="baseline"))
    with pytest.raises(OrbicyteError, match="pretrained is a run of baseline, not the shipped network: rename"):
        train(study, "pretrained", settings=tiny)


def test_cells_labelled_later_are_a_one_line_error_that_says_how_to_continue(study: Path, tiny: Settings) -> None:
    run = RunFolder(train(study, "pretrained", settings=tiny))
    run.write(replace(run.record(), data=replace(run.record().data, fingerprint="before")))
    with pytest.raises(OrbicyteError, match=r"make it again with 'orbicyte train .* --networks pretrained'"):
        embed(study, run.path)
