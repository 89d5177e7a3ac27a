"""The log of a training in its checkpoints."""

from pathlib import Path
from typing import ClassVar, cast

import lightning as L
import pytest
import torch

from orbicyte.models.vae import VAE
from orbicyte.settings import Settings
from orbicyte.stages.train import train
from orbicyte.study.runs import RunFolder
from orbicyte.training.epoch_log import EpochLog
from orbicyte.training.fit import newest_checkpoint
from orbicyte.training.module import VAETraining


def test_checkpoints_keep_the_rows_under_the_key_of_earlier_releases(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: VAETraining) -> None:
        if self.current_epoch == 2:
            raise KeyError

    monkeypatch.setattr(VAETraining, "on_train_epoch_start", interrupt, raising=False)
    with pytest.raises(KeyError):
        train(study, "baseline", settings=tiny)
    folder = RunFolder(study / "runs" / "baseline-fold1-seed0")
    checkpoint = newest_checkpoint(folder.resume)
    assert checkpoint
    # Release 0.1 had the class RunRecord here: a run that it began must continue with its rows.
    rows = torch.load(checkpoint, weights_only=True)["callbacks"]["RunRecord"]["rows"]
    assert [row["epoch"] for row in rows] == [1, 2]


def test_the_best_row_is_the_first_of_the_lowest() -> None:
    log = EpochLog(RunFolder(Path()), cast(VAE, None), "validation_loss")
    log.load_state_dict({"rows": [{"epoch": n, "validation_loss": v} for n, v in enumerate([3.0, 1.0, 1.0], 1)]})
    assert log.best()["epoch"] == 2
    assert log.state_dict()["rows"] == log.rows


def test_the_seconds_are_those_of_all_finished_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trainer:
        callback_metrics: ClassVar[dict[str, float]] = {"validation_loss": 1.0}
        current_epoch, is_global_zero = 0, False

    now = [100.0]
    monkeypatch.setattr("orbicyte.training.epoch_log.time.monotonic", lambda: now[0])
    trainer, module = cast(L.Trainer, Trainer), cast(L.LightningModule, None)
    log = EpochLog(RunFolder(tmp_path), cast(VAE, None), "validation_loss")
    monkeypatch.setattr("orbicyte.training.epoch_log.time.process_time", lambda: now[0] / 2)
    log.load_state_dict({"rows": [], "seconds": 7.0, "cpu_seconds": 1.0})
    now[0] = 500.0  # reading the checkpoint and what comes before the first epoch do not count
    log.on_train_start(trainer, module)
    for seconds in (2.0, 3.0):
        now[0] += seconds
        log.on_train_epoch_end(trainer, module)
    assert log.seconds == log.state_dict()["seconds"] == 12.0
    assert log.cpu_seconds == log.state_dict()["cpu_seconds"] == 3.5
    log.load_state_dict({"rows": []})
    assert log.seconds == log.cpu_seconds == 0.0
