import shutil
from pathlib import Path
from typing import Any

import pytest

from orbicyte.data.folds import learning_rows
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.experiment.pieces import complete
from orbicyte.stages.experiment.plan import plan
from orbicyte.stages.experiment.results import keep_result, kept_results
from orbicyte.study import Study
from orbicyte.study.files import temporary_of
from orbicyte.study.runs import RunFolder

PAPER = ("baseline", "only_stn", "inv_hnet", "equ_hnet")


def test_the_paper_has_ten_networks_on_six_folds(
    study: Path, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    planned = plan(Study.open(study), PAPER, (0.2, 0.5, 0.9), range(1, 7), 1, tiny.changed(["folds=6"]))
    assert len({piece.name for piece in planned}) == len(planned) == 60
    of_fold = [piece.name for piece in planned if piece.key.fold == 2]
    assert of_fold[0] == "baseline-fold2-seed0"
    assert len(of_fold) == 10
    assert [piece.key.fold for piece in planned] == sorted(piece.key.fold for piece in planned)
    cells = len(learning_rows(PatchStore.open(Study.open(study).patches)))
    assert capfd.readouterr().err.count(f"warning: networks learn from {cells} cells only, so") == 1


def test_seeds_are_counted_from_that_of_the_settings(study: Path, tiny: Settings) -> None:
    planned = plan(Study.open(study), ["baseline"], (0.5,), [1, 2], 2, tiny.changed(["seed=3"]))
    assert [(piece.key.seed, piece.settings.seed, piece.key.fold) for piece in planned] == [
        (3, 3, 1), (3, 3, 2), (4, 4, 1), (4, 4, 2),
    ]  # fmt: skip


def test_whatever_would_fail_is_an_error_before_any_training(study: Path, tiny: Settings) -> None:
    opened = Study.open(study)
    for networks, folds, seeds, changes, message in (
        (["magic"], [1], 1, [], "no 'magic' among the networks"),
        (["baseline"], [4], 1, [], "--fold: expected 1 to 3"),
        (["baseline"], [1], 0, [], "--seeds: expected 1 or more, got 0"),
        (["baseline"], [1], 1, ["folds=99"], "training in 99 folds needs at least 99"),
        (["baseline"], [1], 1, ["evaluation.folds=40"], "40"),
    ):
        with pytest.raises(OrbicyteError, match=message):
            plan(opened, networks, (0.5,), folds, seeds, tiny.changed(changes))
    assert not opened.runs()


def test_a_changed_setting_concerns_only_what_depends_on_it(trained: Path, tiny: Settings, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    fingerprint = PatchStore.open(study.patches).fingerprint

    def planned(*changes: str, again: bool = False) -> list[bool]:
        networks = ("baseline", "only_stn", "inv_hnet")
        found = plan(study, networks, (0.5,), [1], 1, tiny.changed(list(changes)), again=again)
        return [piece.is_done(fingerprint) for piece in found]

    assert planned() == [True, True, False]
    assert planned("evaluation.angle_step_deg=90") == [False, False, False]
    with pytest.raises(OrbicyteError, match=r"was trained with other settings \(loss.beta: .* -> 3.0\).*2 such runs"):
        planned("loss.beta=3")
    assert planned("loss.beta=3", again=True) == [False, False, False]
    assert planned("network.framed_widths=14,14", "loss.contrast_weight=1") == [True, True, False]
    assert planned("network.pose_widths=8", again=True) == [True, False, False]


def test_a_piece_is_done_where_its_result_is_kept(trained: Path, tiny: Settings, study: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    (done,) = plan(Study.open(trained), ["baseline"], (0.5,), [1], 1, tiny)
    keep_result(done.run, results)
    keep_result(done.run, results)
    kept = results / done.name
    assert {path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()} >= {
        "run.json",
        "scores/scores.parquet",
        "scores/evaluation.json",
    }
    assert not list(kept.rglob("*.npz"))
    (piece,) = plan(Study.open(study), ["baseline"], (0.5,), [1], 1, tiny)
    fingerprint = PatchStore.open(study / "patches").fingerprint
    assert piece.is_done(fingerprint, results)
    assert not piece.is_done(fingerprint)
    assert not piece.is_done("other patches", results)
    (other,) = plan(Study.open(study), ["baseline"], (0.5,), [1], 1, tiny.changed(["loss.beta=3"]))
    assert not other.is_done(fingerprint, results)


def test_kept_results_of_other_settings_are_replaced_only_if_wanted(
    trained: Path, tiny: Settings, study: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    keep_result(RunFolder(trained / "runs" / "baseline-fold1-seed0"), results)
    options: dict[str, Any] = {"settings": tiny.changed(["loss.beta=3"]), "results": results}
    with pytest.raises(
        OrbicyteError, match=r"results/baseline-fold1-seed0 was trained .*loss\.beta.*another --results"
    ):
        plan(Study.open(study), ["baseline"], (0.5,), [1], 1, **options)
    assert len(plan(Study.open(study), ["baseline"], (0.5,), [1], 1, **options, again=True)) == 1


def test_a_result_that_is_being_copied_is_not_a_result(trained: Path, tmp_path: Path) -> None:
    run = RunFolder(trained / "runs" / "baseline-fold1-seed0")
    keep_result(run, tmp_path)
    shutil.copytree(tmp_path / run.name, temporary_of(tmp_path / run.name))
    assert kept_results(tmp_path) == [RunFolder(tmp_path / run.name)]


def test_again_replaces_a_run_with_other_settings(trained: Path, tiny: Settings, tmp_path: Path) -> None:
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    changed = tiny.changed(["loss.beta=3", "training.max_epochs=1"])
    (piece,) = plan(study, ["baseline"], (0.5,), [1], 1, changed, again=True)
    complete(piece)
    assert piece.run.record().settings.loss.beta == 3
    assert piece.is_done(PatchStore.open(study.patches).fingerprint)
    assert not piece.run.embeddings.exists()
