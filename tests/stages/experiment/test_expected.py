from pathlib import Path

import pytest

from orbicyte.data.patches import PatchStore
from orbicyte.settings import Settings
from orbicyte.stages.experiment.expected import Expected, expected, sum_up
from orbicyte.stages.experiment.pieces import Piece
from orbicyte.stages.experiment.plan import plan
from orbicyte.study import Study
from orbicyte.study.runs import RunFolder


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
