import shutil
from pathlib import Path
from typing import Any

import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.settings import Settings
from orbicyte.stages.experiment.expected import Expected, expected, sum_up
from orbicyte.stages.experiment.pieces import Piece
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study
from orbicyte.study.runs import RUN_FILE, RunFolder
from orbicyte.training.module import VAETraining


def test_each_network_is_measured_once_and_nothing_is_written(study: Path, pieces: list[Piece]) -> None:
    before = sorted(study.rglob("*"))
    needed = expected(PatchStore.open(study / "patches"), pieces, 1)
    assert list(needed) == ["baseline", "only_stn"]
    for found in needed.values():
        assert found.training_s > 0
        assert found.evaluation_s > 0
        assert found.running_mb > found.kept_mb - 1
    assert sorted(study.rglob("*")) == before


def test_time_and_disk_grow_with_epochs(study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.stages.experiment.expected._step_s", lambda *_: 0.5)
    store = PatchStore.open(study / "patches")
    few, many = (
        expected(store, plan(Study.open(study), ["baseline"], (0.5,), [1], 1, tiny.changed([changed])), 1)
        for changed in ("training.max_epochs=2", "training.max_epochs=20")
    )
    assert many["baseline"].training_s == pytest.approx(10 * few["baseline"].training_s)


def test_the_sum_is_over_all_pieces_and_shared_by_the_workers(pieces: list[Piece]) -> None:
    needed = {"baseline": Expected(3000, 600, 40, 10), "only_stn": Expected(7000, 200, 60, 20)}
    assert sum_up(pieces, needed, 2) == (
        "6 runs to do, at most about 4.5 h with 2 at a time; on disk 90 MB, and 120 MB more while they run"
    )


def test_of_a_trained_network_only_the_evaluation_is_expected(
    pieces: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = {"baseline": Expected(3000, 600, 40, 10), "only_stn": Expected(7000, 200, 60, 20)}
    monkeypatch.setattr(RunFolder, "done", lambda _: True)
    assert "6 runs to do, at most about 40 min with 1 at a time" in sum_up(pieces, needed, 1)


def test_networks_of_which_no_step_can_be_calculated_are_named(
    study: Path, pieces: list[Piece], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> float:
        raise RuntimeError("no GPU here")

    monkeypatch.setattr("orbicyte.stages.experiment.expected._step_s", fails)
    needed = expected(PatchStore.open(study / "patches"), pieces, 1)
    assert sum_up(pieces, needed, 1) == "6 runs to do; time and disk are not known"
    assert capsys.readouterr().err.splitlines() == [
        "warning: time and disk of baseline, only_stn are not known, as no step can be calculated here: no GPU here"
    ]


def test_a_network_that_is_trained_again_needs_its_training(trained: Path, tiny: Settings, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    needed = Expected(3000, 600, 40, 10)
    for changed, again, seconds in (([], True, 600), (["loss.beta=3"], True, 3600)):
        (piece,) = plan(study, ["baseline"], (0.5,), [1], 1, tiny.changed(changed), again=again)
        assert needed.left_s(piece) == seconds
    (piece.run.path / RUN_FILE).write_text("{}")
    assert needed.left_s(piece) == 3600


def test_ctrl_c_while_steps_are_measured_is_an_interruption(
    study: Path, pieces: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(VAETraining, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        expected(PatchStore.open(study / "patches"), pieces, 1)


def test_after_the_time_limit_each_network_makes_one_step(
    study: Path, pieces: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, step = list[object](), VAETraining.training_step

    def counted(module: VAETraining, *given: Any) -> Any:
        steps.append(module)
        return step(module, *given)

    monkeypatch.setattr(VAETraining, "training_step", counted)
    monkeypatch.setattr("orbicyte.stages.experiment.expected.LONGEST_S", 0.0)
    assert len(expected(PatchStore.open(study / "patches"), pieces, 1)) == len(steps) == 2
