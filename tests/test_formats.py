"""Studies as every released format wrote them (by ``scripts/keep_format.py``) open, and embed to the same figures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import orbicyte
from orbicyte.classifier import load_classifier
from orbicyte.data.patches import SCHEMA, PatchStore
from orbicyte.stages.report import report
from orbicyte.study import Study

FORMATS = sorted(path.name for path in (Path(__file__).parent / "formats").iterdir())
RUNS = [f"{name}-fold1-seed0" for name in ("baseline", "equ_hnet-w0.5", "inv_hnet-w0.5", "only_stn-w0.5")]


@pytest.fixture(params=FORMATS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a format wrote."""
    return Path(shutil.copytree(Path(__file__).parent / "formats" / request.param, tmp_path / "kept"))


@pytest.mark.parametrize("run", RUNS)
def test_a_run_embeds_and_types_to_the_same_figures(kept: Path, run: str) -> None:
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


def test_the_study_goes_on(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What was done is not done again, what was not is done now."""
    study = Study.open(kept / "study")
    assert [folder.name for folder in study.runs()] == RUNS
    for run in RUNS:
        orbicyte.embed(study, run)
        orbicyte.evaluate(study, run)
    assert capfd.readouterr().err.count("already evaluated") == 4
    assert report(study).stat().st_size > 10_000
    table = pd.read_csv(orbicyte.classify(_patch(kept), run=study.run(RUNS[0]), out=kept / "cells.csv"))
    assert table["type"].isin(["granulocyte", "other, <µ>"]).all()


def _patch(kept: Path) -> Path:
    path = kept / "cell.png"
    Image.fromarray(np.array(PatchStore.open(kept / "study" / "patches").images[0])).save(path)
    return path
