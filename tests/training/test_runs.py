import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder
from orbicyte.training.runs import each_network, trained_patches, trained_runs

RUN = "baseline-fold1-seed0"


def test_networks_without_a_rotation_loss_are_trained_once(tiny: Settings) -> None:
    assert each_network(["baseline", "only_stn"], [0.2, 0.9], tiny) == [
        ("baseline", 0.2),
        ("only_stn", 0.2),
        ("only_stn", 0.9),
    ]


def test_runs_with_interrupted_training_are_left_out(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = shutil.copytree(trained, tmp_path / "study")
    assert [found.name for found in trained_runs(study)] == ["baseline-fold1-seed0", "only_stn-w0.5-fold1-seed0"]
    for name in ("only_stn-w0.5-fold1-seed0", "baseline-fold1-seed0"):
        folder = RunFolder(study / "runs" / name)
        folder.write(replace(folder.record(), state="training"))
        if name.startswith("only_stn"):
            assert [found.name for found in trained_runs(study)] == ["baseline-fold1-seed0"]
            assert "warning: only_stn-w0.5-fold1-seed0 is left out" in capfd.readouterr().err
    with pytest.raises(OrbicyteError, match="no trained networks"):
        trained_runs(study)


def test_patches_of_another_fingerprint_are_an_error(trained: Path, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    run = RunFolder(study.run(RUN))
    assert len(trained_patches(study, run)) == len(PatchStore.open(study.patches))
    record = run.record()
    run.write(replace(record, data=replace(record.data, fingerprint="other", learned_from="other")))
    with pytest.raises(OrbicyteError, match="was trained on other patches"):
        trained_patches(study, run)
