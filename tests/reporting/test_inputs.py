"""Reading a study for the report."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.reporting.made_experiment import predicted_cells

from orbicyte.errors import OrbicyteError
from orbicyte.reporting.inputs import read
from orbicyte.reporting.networks import Network
from orbicyte.reporting.provenance import warnings
from orbicyte.study import Study
from orbicyte.study.failed_runs import RunFailure, write_failure
from orbicyte.study.runs import RUN_FILE, RunFolder, RunKey
from orbicyte.study.scores import read_evaluation, write_evaluation


def test_a_study_without_scores_is_an_error_with_the_next_step(study: Study) -> None:
    for folder in study.runs():
        shutil.rmtree(RunFolder(folder).scores)
    with pytest.raises(OrbicyteError, match="run 'orbicyte evaluate' first"):
        read(study)


def test_runs_without_scores_are_listed_and_left_out(study: Study) -> None:
    shutil.rmtree(RunFolder(study.run("baseline-fold1-seed0")).scores)
    inputs = read(study)
    assert inputs.unscored == ["baseline-fold1-seed0"]
    assert set(inputs.rows["network"]) == {"only_stn"}
    assert inputs.networks == [Network("only_stn", w) for w in (0.2, 0.5, 0.9)]


def test_shown_runs_share_fold_and_seed(make_study: Callable[..., Study]) -> None:
    runs = [RunKey("baseline", None, 0, 2), RunKey("baseline", None, 0, 3)]
    runs += [RunKey("only_stn", 0.5, 0, fold) for fold in (1, 2)] + [RunKey("only_stn", 0.9, 0, 1)]
    found = [(run.network, run.fold) for run in read(make_study(runs)).shown_runs()]
    assert found == [(Network("baseline"), 2), (Network("only_stn", 0.5), 2)]


def test_a_run_that_was_evaluated_otherwise_is_not_compared_and_named(make_study: Callable[..., Study]) -> None:
    keys = [RunKey("baseline", None, 0, fold) for fold in (1, 2, 3)]
    study = make_study([*keys, RunKey("only_stn", 0.5, 0, 1)])
    other = RunFolder(study.run("only_stn-w0.5-fold1-seed0"))
    evaluation = read_evaluation(other.evaluation)
    changed = evaluation.settings.model_copy(update={"cells": evaluation.settings.cells + 1})
    write_evaluation(other.evaluation, replace(evaluation, settings=changed))
    inputs = read(study)
    experiment = inputs.experiment()
    assert experiment is not None
    assert experiment.networks == [Network("baseline")]
    assert len(experiment.predictions) == 3 * len(predicted_cells(keys[0]))
    assert len(inputs.runs) == 4
    (sentence,) = [text for text in warnings(inputs) if text.startswith("Not in the comparison of networks")]
    assert other.name in sentence


def test_a_lost_log_and_lost_arrays_are_no_error(study: Study) -> None:
    (study.run("baseline-fold1-seed0") / "log.csv").unlink()
    (RunFolder(study.run("baseline-fold1-seed0")).scores / "arrays.npz").unlink()
    baseline = next(run for run in read(study).runs if run.network.is_baseline)
    assert baseline.log is None
    assert baseline.arrays() == {}


def test_a_damaged_record_of_a_run_without_scores_does_not_stop_the_report(study: Study) -> None:
    folder = RunFolder(study.run("baseline-fold1-seed0"))
    shutil.rmtree(folder.scores)
    (folder.path / RUN_FILE).write_text("{}")
    assert read(study).unscored == ["baseline-fold1-seed0"]


def test_runs_without_pictures_are_not_shown_if_others_have_some(make_study: Callable[..., Study]) -> None:
    study = make_study([RunKey("baseline", None, 0, fold) for fold in (1, 2, 3)])
    RunFolder(study.run("baseline-fold1-seed0")).arrays.unlink()
    assert [run.fold for run in read(study).shown_runs()] == [2]


def test_a_network_that_was_trained_with_different_settings_is_named(make_study: Callable[..., Study]) -> None:
    study = make_study([RunKey("baseline", None, seed, fold) for seed in (0, 1) for fold in (1, 2)])
    expected = "The runs of baseline were trained with different settings: loss.beta."
    assert expected not in warnings(read(study))
    run = RunFolder(study.run("baseline-fold2-seed1"))
    record = run.record()
    run.write(replace(record, settings=record.settings.changed(["loss.beta=7"])))
    assert expected in warnings(read(study))


def test_a_failed_run_with_older_scores_is_shown_and_named(study: Study) -> None:
    write_failure(study.run("baseline-fold1-seed0"), RunFailure("no luck"))
    expected = "baseline-fold1-seed0 failed, this report shows what it had before: no luck"
    assert expected in warnings(read(study))
