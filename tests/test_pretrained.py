"""The shipped network: used by its name, on cells that it was not trained on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import orbicyte
from orbicyte.arrays import Pixels
from orbicyte.classification.classifier import load_classifier
from orbicyte.data.images import list_images, read_patch
from orbicyte.study.runs import SHIPPED, RunFolder
from orbicyte.synthetic import draw_study

CELLS = 40


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty synthetic cells of 128 px."""
    folder = tmp_path_factory.mktemp("cells") / "cells"
    draw_study(folder, labelled=CELLS, unlabelled=0, seed=5, size_px=128)
    return folder


@pytest.fixture(scope="module")
def patches(cells: Path) -> Pixels:
    return np.stack([read_patch(file) for file in list_images(cells)])


def test_it_is_small_and_described() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.glob("**/*") if file.is_file()) < 10e6
    card = (SHIPPED / "MODEL_CARD.md").read_text()
    assert "CC BY 4.0" in card
    record = RunFolder(SHIPPED).record()
    assert record.state == "done"
    assert f"--seed {record.seed}" in card


def test_the_card_states_the_f1_of_the_shipped_classifier() -> None:
    f1 = load_classifier(RunFolder(SHIPPED).classifier).card["fold_macro_f1"]
    assert np.mean(f1) >= 0.8
    assert f"{np.mean(f1):.3f} ± {np.std(f1, ddof=1):.3f} over five folds" in (SHIPPED / "MODEL_CARD.md").read_text()


def test_embeddings_do_not_depend_on_the_orientation(patches: Pixels) -> None:
    embedder = orbicyte.load("pretrained", device="cpu")
    at_zero = embedder.embed_stored(patches)
    spread = np.sqrt(((at_zero.mean - at_zero.mean.mean(0)) ** 2).sum(1).mean())
    for angle, bound in ((np.pi / 2, 0.01), (0.6, 0.1)):
        rotated = embedder.embed_stored(patches, angle)
        moved = np.sqrt(((rotated.mean - at_zero.mean) ** 2).sum(1).mean())
        assert moved / spread < bound
    assert at_zero.confidence is not None
    assert at_zero.confidence.min() >= 0
    assert at_zero.confidence.max() <= 1


def test_images_of_other_sizes_are_scaled(patches: Pixels) -> None:
    embedder = orbicyte.load("pretrained", device="cpu")
    expected = embedder.embed(patches)
    doubled = embedder.embed([patch.repeat(2, 0).repeat(2, 1) for patch in patches])
    spread = np.sqrt(((expected - expected.mean(0)) ** 2).sum(1).mean())
    assert np.sqrt(((doubled - expected) ** 2).sum(1).mean()) < 0.1 * spread


def test_it_predicts_types_with_no_training(cells: Path, tmp_path: Path) -> None:
    table = pd.read_csv(orbicyte.classify(cells, out=tmp_path / "types.csv"))
    assert len(table) == CELLS
    classes = load_classifier(RunFolder(SHIPPED).classifier).classes
    assert len(classes) == 10
    assert set(table["type"]) <= set(classes)
