"""Continuation: on the CPU, an interrupted training ends bitwise equal to an uninterrupted one."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from orbicyte.errors import OrbicyteError
from orbicyte.models.losses import Terms
from orbicyte.settings import Settings
from orbicyte.stages.train import train
from orbicyte.study.runs import RunFolder
from orbicyte.training.fit import AtomicCheckpointIO, _only, newest_checkpoint
from orbicyte.training.module import VAETraining

RUN = "only_stn-w0.5-fold1-seed0"


def same_run(first: Path, second: Path) -> None:
    one, other = RunFolder(first / "runs" / RUN), RunFolder(second / "runs" / RUN)
    assert one.log.read_text() == other.log.read_text()
    a, b = load_file(one.weights), load_file(other.weights)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


@pytest.fixture(scope="module")
def uninterrupted(imported: Path, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Path(shutil.copytree(imported, tmp_path_factory.mktemp("uninterrupted") / "study"))
    train(study, "only_stn", settings=tiny)
    return study


class InterruptedTrainingError(Exception):
    pass


@pytest.mark.parametrize(("epoch", "step"), [(0, 1), (1, 0), (2, 1)])
def test_interrupted_within_an_epoch(
    study: Path, uninterrupted: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch, epoch: int, step: int
) -> None:
    whole = VAETraining.training_step

    def interrupt(self: VAETraining, images: torch.Tensor, number: int) -> torch.Tensor:
        if (self.current_epoch, number) == (epoch, step):
            raise InterruptedTrainingError
        return whole(self, images, number)

    with monkeypatch.context() as patch:
        patch.setattr(VAETraining, "training_step", interrupt)
        with pytest.raises(InterruptedTrainingError):
            train(study, "only_stn", settings=tiny)
    torch.manual_seed(123)  # nothing may depend on the global random state
    train(study, "only_stn", settings=tiny)
    same_run(study, uninterrupted)
    assert not RunFolder(study / "runs" / RUN).resume.exists()


def test_other_software_after_an_interruption_is_a_warning_that_is_kept(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(self: VAETraining) -> None:
        if self.current_epoch == 1:
            raise InterruptedTrainingError

    run = RunFolder(study / "runs" / RUN)
    with monkeypatch.context() as patch:
        patch.setattr(VAETraining, "on_train_epoch_start", interrupt)
        with pytest.raises(InterruptedTrainingError):
            train(study, "only_stn", settings=tiny)
    record = run.record()
    run.write(replace(record, versions=record.versions | {"numpy": "1.0"}, warnings=["before"]))
    train(study, "only_stn", settings=tiny)
    expected = f"training was continued after epoch 1 with numpy {version('numpy')} instead of 1.0"
    assert run.record().warnings[:2] == ["before", expected]
    assert f"warning: {RUN}: {expected}" in capsys.readouterr().err


def test_interrupted_while_a_checkpoint_is_written(
    study: Path, uninterrupted: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes
    count = 0

    def half(path: Path, content: bytes) -> int:
        nonlocal count
        count += ".ckpt" in path.name
        if count == 2:
            write(path, content[:1000])
            raise InterruptedTrainingError
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(InterruptedTrainingError):
            train(study, "only_stn", settings=tiny)
    train(study, "only_stn", settings=tiny)
    same_run(study, uninterrupted)


@pytest.mark.parametrize("patience", ["8", "1"])
def test_interrupted_after_the_last_epoch(
    study: Path, imported: Path, tmp_path: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    settings = tiny.changed([f"training.patience={patience}", "training.learning_rate=0.1", "training.max_epochs=12"])
    other = Path(shutil.copytree(imported, tmp_path / "uninterrupted"))
    train(other, "only_stn", settings=settings)

    def interrupt(*_: object) -> None:
        raise InterruptedTrainingError

    with monkeypatch.context() as patch:
        patch.setattr("orbicyte.stages.train._ended", interrupt)
        with pytest.raises(InterruptedTrainingError):
            train(study, "only_stn", settings=settings)
    train(study, "only_stn", settings=settings)
    same_run(study, other)
    one, two = (RunFolder(path / "runs" / RUN).record().training for path in (study, other))
    assert one is not None
    assert two is not None
    assert one.stopped == two.stopped


def test_checkpoints_left_by_a_finished_run_are_removed(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("orbicyte.stages.train.discard", lambda path: None)
        train(study, "baseline", settings=tiny)
    folder = RunFolder(study / "runs" / "baseline-fold1-seed0")
    assert folder.done()
    assert folder.resume.exists()
    train(study, "baseline", settings=tiny)
    assert not folder.resume.exists()


def test_settings_can_change_until_an_epoch_is_finished(study: Path, tiny: Settings) -> None:
    for invalid in ("training.accelerator=gpu", "training.accelerator=quantum", "training.strategy=magic"):
        if invalid.endswith("gpu") and torch.cuda.is_available():
            continue
        with pytest.raises(OrbicyteError, match=r"cannot train on .*training\.accelerator"):
            train(study, "baseline", settings=tiny.changed([invalid]))
    train(study, "baseline", settings=tiny)


def test_a_damaged_checkpoint_is_skipped_for_the_previous_one(tmp_path: Path) -> None:
    for epoch in range(2):
        AtomicCheckpointIO().save_checkpoint({"epoch": epoch}, tmp_path / f"epoch={epoch:05d}.ckpt")
    newest = tmp_path / "epoch=00001.ckpt"
    assert newest_checkpoint(tmp_path) == newest
    newest.write_bytes(newest.read_bytes()[:100])
    assert newest_checkpoint(tmp_path) == tmp_path / "epoch=00000.ckpt"
    (tmp_path / "epoch=00000.ckpt").write_bytes(b"")
    assert newest_checkpoint(tmp_path) is None


WAITS = """
import time
from orbicyte.cli import main
from orbicyte.training.module import VAETraining

step = VAETraining.training_step

def wait_in_the_third_epoch(module, images, number):
    if (module.current_epoch, number, module.global_rank) == (2, 1, 0):
        time.sleep(600)
    return step(module, images, number)

VAETraining.training_step = wait_in_the_third_epoch
if __name__ == "__main__":
    main()
"""
"""The command, but its first process waits in mid epoch, so that training cannot end before it is killed."""


def start(study: Path, options: list[str], *program: str) -> "subprocess.Popen[str]":
    command = [sys.executable, *(program or ("-m", "orbicyte")), "train", str(study), "--networks", "only_stn"]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


def options(settings: list[str], weights: str = "0.5") -> list[str]:
    return ["--rotation-weights", weights, *(word for value in settings for word in ("--set", value))]


def ended(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def killed(study: Path, options: list[str], script: Path) -> None:
    """A training of this study is killed after two epochs, before it ended."""
    script.write_text(WAITS)
    process = start(study, options, str(script))
    run = RunFolder(study / "runs" / RUN)
    while process.poll() is None and len(list(run.resume.glob("*.ckpt"))) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, output
    assert sorted(path.name for path in run.resume.glob("*.ckpt")) == ["epoch=00000.ckpt", "epoch=00001.ckpt"]
    assert not run.done()


def test_killed_processes_continue_from_the_last_finished_epoch(
    study: Path, uninterrupted: Path, tmp_path: Path, tiny_assignments: list[str]
) -> None:
    killed(study, options(tiny_assignments), tmp_path / "waits.py")
    assert "continues after epoch 2" in ended(start(study, options(tiny_assignments)))
    same_run(study, uninterrupted)


def test_two_killed_processes_continue_identically(
    study: Path, imported: Path, tmp_path: Path, tiny_assignments: list[str]
) -> None:
    other = Path(shutil.copytree(imported, tmp_path / "uninterrupted"))
    ddp = ["training.accelerator=cpu", "training.devices=2", "training.strategy=ddp", "training.max_epochs=5"]
    both = options([*tiny_assignments, *ddp])
    ended(start(other, both))
    killed(study, both, tmp_path / "waits.py")
    assert "continues after epoch 2" in ended(start(study, both))
    same_run(study, other)
    assert len(RunFolder(study / "runs" / RUN).log.read_text().splitlines()) == 6


def test_a_loss_that_is_not_finite_stops_training_and_keeps_the_last_good_weights(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = VAETraining._terms

    def broken(self: VAETraining, images: torch.Tensor, part: str, epoch: int, step: int) -> Terms:
        terms = whole(self, images, part, epoch, step)
        return replace(terms, prior=terms.prior * float("nan")) if epoch == 1 else terms

    monkeypatch.setattr(VAETraining, "_terms", broken)
    with pytest.raises(OrbicyteError, match="train loss became nan in epoch 2, step 1"):
        train(study, "only_stn", settings=tiny)
    folder = RunFolder(study / "runs" / RUN)
    assert not folder.done()
    assert all(bool(torch.isfinite(value).all()) for value in load_file(folder.weights).values())


def test_weights_with_a_loss_that_is_not_finite_are_never_saved(
    study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = VAETraining._terms

    def broken(self: VAETraining, images: torch.Tensor, part: str, epoch: int, step: int) -> Terms:
        terms = whole(self, images, part, epoch, step)
        return replace(terms, prior=terms.prior * float("inf")) if part == "validation" else terms

    monkeypatch.setattr(VAETraining, "_terms", broken)
    with pytest.raises(OrbicyteError, match="validation loss became inf in epoch 1, step 1"):
        train(study, "only_stn", settings=tiny)
    folder = RunFolder(study / "runs" / RUN)
    assert not folder.weights.exists()
    assert not folder.resume.exists()


def test_a_finished_run_is_not_changed_and_other_settings_are_an_error(uninterrupted: Path, tiny: Settings) -> None:
    folder = RunFolder(uninterrupted / "runs" / RUN)
    before = folder.weights.stat().st_mtime_ns
    train(uninterrupted, "only_stn", settings=tiny)
    assert folder.weights.stat().st_mtime_ns == before
    with pytest.raises(OrbicyteError, match=r"loss.beta: 1.0 -> 2.0"):
        train(uninterrupted, "only_stn", settings=tiny.changed(["loss.beta=2"]))
    train(uninterrupted, "only_stn", settings=tiny.changed(["evaluation.cells=99"]))


def test_contents_of_the_run_folder(uninterrupted: Path, tiny: Settings) -> None:
    folder = RunFolder(uninterrupted / "runs" / RUN)
    record = folder.record()
    assert folder.record().settings == tiny
    assert record.versions.keys() >= {"orbicyte", "torch", "lightning"}
    assert sum(share for share in record.loss_shares.values() if share is not None) == pytest.approx(1)
    assert record.data.train + record.data.validation + record.data.test == 45
    assert list((folder.path / "tensorboard").glob("events*"))
    assert not list(folder.path.rglob("*.ckpt"))


def test_early_stopping_ends_training(study: Path, tiny: Settings) -> None:
    train(study, "baseline", settings=tiny.changed(["training.max_epochs=40", "training.patience=1"]))
    record = RunFolder(study / "runs" / "baseline-fold1-seed0").record().training
    assert record is not None
    assert record.stopped == "early"
    assert record.best_epoch == record.epochs - 1 < 39


def test_a_device_is_where_and_no_setting(study: Path, uninterrupted: Path, tiny: Settings) -> None:
    train(study, "only_stn", settings=tiny, device="cpu")
    same_run(study, uninterrupted)
    record = RunFolder(study / "runs" / RUN).record()
    assert record.settings == tiny
    assert record.training is not None
    assert record.training.device == "cpu"
    assert _only(torch.device("cuda", 1), 4) == {"accelerator": "cuda", "devices": [1]}
    assert _only(torch.device("cuda"), 4) == {"accelerator": "cuda", "devices": 4}
    with pytest.raises(OrbicyteError, match="cannot use the device 'cuda:99'"):
        train(study, "only_stn", fold=2, settings=tiny, device="cuda:99")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_32_bit_is_without_tf32(study: Path, tiny: Settings, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rounded, step = list[bool](), VAETraining.training_step

    def noted(self: VAETraining, images: torch.Tensor, number: int) -> torch.Tensor:
        rounded.append(torch.backends.cudnn.allow_tf32)
        return step(self, images, number)

    monkeypatch.setattr(VAETraining, "training_step", noted)
    before = torch.backends.cudnn.allow_tf32
    train(study, "baseline", settings=tiny.changed([f"training.precision={precision}", "training.max_epochs=1"]))
    assert set(rounded) == {precision != "32-true" and before}
