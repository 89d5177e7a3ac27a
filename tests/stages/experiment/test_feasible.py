import shutil
from pathlib import Path

import pytest
from tests.stages.conftest import MPP

from orbicyte.data.patches import PatchStore
from orbicyte.settings import Settings
from orbicyte.stages.cut import cut
from orbicyte.stages.experiment.feasible import feasible
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study


@pytest.fixture
def spots(spotted: Path, tmp_path: Path) -> Study:
    """Four slides with and four without labels."""
    study = Study.open(shutil.copytree(spotted, tmp_path / "study"))
    cut(study, mpp=MPP, view_px=16)
    return study


def test_default_folds_are_reduced_to_what_the_slides_allow(
    spots: Study, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    store = PatchStore.open(spots.patches)
    found = feasible(store, tiny.changed(["folds=6", "evaluation.folds=5"]), seeds=2)
    assert found == tiny.changed(["folds=4", f"evaluation.folds={found.evaluation.folds}"])
    assert 2 <= found.evaluation.folds <= 3
    printed = capfd.readouterr().err
    assert "warning: networks are trained in 4 folds instead of 6: the cells without labels are of 4 slides" in printed
    assert f"measured in {found.evaluation.folds} folds instead of 5" in printed
    assert len(plan(spots, ["baseline"], (0.5,), range(1, 5), 2, found)) == 8


def test_chosen_folds_and_possible_ones_stay(spots: Study, tiny: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    store = PatchStore.open(spots.patches)
    chosen = tiny.changed(["folds=9", "evaluation.folds=4"])
    assert feasible(store, chosen) == chosen
    few = tiny.changed(["folds=6"])
    assert feasible(store, few, trains=False) == few
    assert capfd.readouterr().err == ""


def test_folds_of_cells_without_slides_stay(study: Path, tiny: Settings) -> None:
    default = tiny.changed(["folds=6", "evaluation.folds=5"])
    assert feasible(PatchStore.open(study / "patches"), default).folds == 6
