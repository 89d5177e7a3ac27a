"""Fixtures of all tests: no deadlines (run times vary), the development data if available, a small study."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for workers side by side; read when NumPy and torch are imported

from orbicyte.presets import quick
from orbicyte.settings import Settings
from orbicyte.stages.embed import embed
from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.import_ import import_
from orbicyte.stages.report import report
from orbicyte.stages.train import train
from orbicyte.synthetic import draw_study

settings.register_profile("orbicyte", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("orbicyte")


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the development data; the test is skipped without it."""
    folder = os.environ.get("ORBICYTE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no development data: set ORBICYTE_DATA to its folder")
    return Path(folder)


TINY = [
    "network.size_px=16",
    "network.widths=4,8",
    "network.latent_size=4",
    "network.pose_widths=4",
    "network.harmonic_widths=4,8",
    "training.batch_size=4",
    "training.max_epochs=3",
    "evaluation.cells=12",
    "evaluation.angle_step_deg=45",
    "evaluation.folds=2",
    "folds=3",
]
"""Settings for tests: everything as small as possible."""


@pytest.fixture(scope="session")
def tiny_assignments() -> list[str]:
    """The same, as arguments of ``--set``."""
    return list(TINY)


@pytest.fixture(scope="session")
def tiny() -> Settings:
    """Settings with everything as small as possible."""
    return quick().changed(TINY)


@pytest.fixture(scope="session")
def synthetic_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 60 labelled and 45 unlabelled synthetic cells with labels.csv, 32 px."""
    folder = tmp_path_factory.mktemp("synthetic") / "cells"
    draw_study(folder, labelled=60, unlabelled=45, seed=0, size_px=32)
    return folder


@pytest.fixture(scope="session")
def imported(synthetic_cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with those cells and nothing else; copy it before writing."""
    study = tmp_path_factory.mktemp("imported") / "study"
    import_(synthetic_cells, study)
    return study


@pytest.fixture
def study(imported: Path, tmp_path: Path) -> Path:
    """The test's own copy of a study with synthetic cells."""
    return Path(shutil.copytree(imported, tmp_path / "study"))


@pytest.fixture(scope="session")
def trained(imported: Path, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with both networks trained, embedded and evaluated, and its report; copy it before writing."""
    study = tmp_path_factory.mktemp("trained") / "study"
    shutil.copytree(imported, study)
    for network in ("baseline", "only_stn"):
        run = train(study, network, settings=tiny)
        embed(study, run.name)
        evaluate(study, run.name)
    report(study)
    return study
