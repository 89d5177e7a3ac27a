"""A folder with small files under the names that the pages use: SLIDES, PATCHES, STUDY, ..."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from orbicyte.settings import Settings
from orbicyte.stages.cut import cut
from orbicyte.stages.demo import review_by_truth
from orbicyte.stages.detect import detect
from orbicyte.stages.run import run
from orbicyte.study import Study
from orbicyte.synthetic import draw_slides

RUN = "framed_hnet-fold1-seed0"


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six synthetic slides, the fewest that can be shared out among folds, with their true cells."""
    folder = tmp_path_factory.mktemp("slides") / "SLIDES"
    folder.mkdir()
    draw_slides(folder, slides=6, cells=20, seed=0, mpp=0.25)
    return folder


@pytest.fixture(scope="module")
def detected(slides: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of these slides with detected cells; copy it."""
    study = tmp_path_factory.mktemp("detected") / "STUDY"
    detect([slides], study)
    return study


@pytest.fixture(scope="module")
def finished(detected: Path, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, reviewed, cut and with one trained network; copy it."""
    study = Path(shutil.copytree(detected, tmp_path_factory.mktemp("finished") / "STUDY"))
    review_by_truth(Study.open(study))
    cut(study, view_px=64)
    run(study, networks=["framed_hnet"], settings=tiny)
    return study


@pytest.fixture
def place(slides: Path, synthetic_cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with slides and patches, and without a study."""
    shutil.copytree(slides, tmp_path / "SLIDES")
    for name in ("PATCHES", "NEW_PATCHES", "DATA/pbc"):
        shutil.copytree(synthetic_cells, tmp_path / name)
    shutil.copy(synthetic_cells / "labels.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A Dask scheduler with one worker process of one thread."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster
