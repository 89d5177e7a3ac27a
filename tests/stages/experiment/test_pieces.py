import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orbicyte.cluster import UnfitWorkerError
from orbicyte.data.patches import PatchStore
from orbicyte.settings import Settings
from orbicyte.stages.experiment.pieces import Busy, Done, Piece, attempt, do_piece
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study
from orbicyte.study.failed_runs import RunFailure, failed_runs
from orbicyte.study.folder import InUseError, StudyInUseError


@pytest.fixture
def piece(study: Path, tiny: Settings) -> Piece:
    (found,) = plan(Study.open(study), ["baseline"], (0.5,), [1], 1, tiny.changed(["training.max_epochs=1"]))
    return found


@pytest.mark.parametrize(
    ("full_at", "begins"), [("weights", "training {}"), ("epoch=00001", "{}: continues after epoch 1")]
)
def test_a_full_disk_is_a_failure_and_the_next_attempt_continues(
    piece: Piece,
    tiny: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    full_at: str,
    begins: str,
) -> None:
    """Full with the weights of the first epoch, or the checkpoint of the second."""
    piece = replace(piece, settings=tiny.changed(["training.max_epochs=2"]))
    write = Path.write_bytes

    def full(path: Path, content: Any) -> int:
        if full_at in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        failure = attempt(piece)
    assert isinstance(failure, RunFailure)
    assert failure.reason.endswith("No space left on device; free some disk space and run again")
    assert failed_runs(Study(piece.study)) == {piece.name: failure}
    capfd.readouterr()
    assert attempt(piece) == Done()
    assert begins.format(piece.name) in capfd.readouterr().err
    assert failed_runs(Study(piece.study)) == {}


def test_a_failure_that_cannot_be_written_is_returned(piece: Piece) -> None:
    piece.run.path.parent.mkdir()
    piece.run.path.write_text("not a folder")
    failure = attempt(piece)
    assert isinstance(failure, RunFailure)
    assert str(piece.run.path) in failure.reason


def test_a_defect_is_a_failure_with_its_traceback(piece: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.stages.experiment.pieces.train", lambda *_, **__: 1 / 0)
    failure = attempt(piece)
    assert isinstance(failure, RunFailure)
    assert failure.reason == "ZeroDivisionError: division by zero (a defect: please report it)"
    assert "Traceback" in (failure.traceback or "")


def test_a_worker_without_the_study_gives_the_reason(piece: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.stages.experiment.pieces.check_single", lambda _: None)
    monkeypatch.setattr("orbicyte.stages.experiment.pieces.get_worker", lambda: None)
    elsewhere = replace(piece, study=piece.study / "nowhere")
    with pytest.raises(UnfitWorkerError, match="all workers need the study at the same path"):
        do_piece(elsewhere, "topic")
    assert not elsewhere.study.exists()


def test_a_piece_of_another_process_is_busy(piece: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: object) -> None:
        raise InUseError("another")

    monkeypatch.setattr(Study, "lock_run", held)
    assert attempt(piece) == Busy()


def test_another_command_that_works_on_the_whole_study_is_a_failure_that_is_not_written(
    piece: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(study: Study) -> None:
        raise StudyInUseError(f"another orbicyte process is working on {study.path}")

    monkeypatch.setattr(Study, "check_free", held)
    assert attempt(piece) == RunFailure(f"another orbicyte process is working on {piece.study}")
    assert failed_runs(Study(piece.study)) == {}


def test_a_run_that_another_command_made_since_the_plan_is_not_marked_as_failed(
    trained: Path, tiny: Settings, tmp_path: Path
) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    (own,) = plan(study, ["baseline"], (0.5,), [1], 1, tiny)
    failure = attempt(replace(own, settings=tiny.changed(["loss.beta=3"])))
    assert isinstance(failure, RunFailure)
    assert "was trained with other settings (loss.beta: " in failure.reason
    assert failed_runs(study) == {}


def test_a_process_of_srun_does_its_own_piece(piece: Piece, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert attempt(piece) == Done()
    assert piece.is_done(PatchStore.open(Study(piece.study).patches).fingerprint)
