import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from orbicyte.settings import Settings
from orbicyte.stages.train import train
from orbicyte.study.runs import RunFolder
from orbicyte.training.module import WARM_UP, VAETraining, cosine

FRAMED = ["network.framed_widths=14,14", "training.schedule=cosine"]


class InterruptedTrainingError(Exception):
    pass


def test_the_cosine_schedule_increases_then_decreases_to_0() -> None:
    rates = [cosine(step / 1000) for step in range(1001)]
    top = int(WARM_UP * 1000)
    assert rates[top] == max(rates) == 1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[0] > 0
    assert rates[-1] == pytest.approx(0)


def interrupted(study: Path, network: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until the second step of the second epoch."""
    whole = VAETraining.training_step

    def interrupt(self: VAETraining, images: torch.Tensor, number: int) -> torch.Tensor:
        if (self.current_epoch, number) == (1, 1):
            raise InterruptedTrainingError
        return whole(self, images, number)

    with monkeypatch.context() as patch:
        patch.setattr(VAETraining, "training_step", interrupt)
        with pytest.raises(InterruptedTrainingError):
            train(study, network, settings=settings)


def test_an_interrupted_cosine_schedule_with_augmented_views_continues_to_equal_weights(
    study: Path, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, settings = Path(shutil.copytree(study, tmp_path / "other")), tiny.changed(FRAMED)
    expected = RunFolder(train(other, "framed_hnet", settings=settings))
    interrupted(study, "framed_hnet", settings, monkeypatch)
    run = RunFolder(train(study, "framed_hnet", settings=settings))
    for name, value in load_file(expected.weights).items():
        assert torch.equal(value, load_file(run.weights)[name]), name
    assert run.log.read_text() == expected.log.read_text()


def test_a_training_that_was_interrupted_before_there_was_a_contrastive_loss_continues(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny.changed(["training.max_epochs=2", "training.learning_rate=1e-12"])  # the first epoch is the best
    interrupted(study, "baseline", settings, monkeypatch)
    folder = study / "runs" / "baseline-fold1-seed0"
    for path in (folder / "resume").glob("*.ckpt"):
        checkpoint = torch.load(path, weights_only=True)
        for row in checkpoint["callbacks"]["RunRecord"]["rows"]:
            del row["train_contrast"], row["validation_contrast"]
            row["validation_loss"] -= 1000
        torch.save(checkpoint, path)
    record = RunFolder(train(study, "baseline", settings=settings)).record()
    assert record.state == "done"
    assert record.training is not None
    assert record.training.best_epoch == 1
    assert set(record.loss_shares) == {"reconstruction", "prior"}


def test_the_end_of_a_schedule_is_no_reason_for_a_warning(study: Path, tiny: Settings) -> None:
    settings = tiny.changed(["training.max_epochs=2", "training.schedule=cosine"])
    assert RunFolder(train(study, "baseline", settings=settings)).record().warnings == []
