"""Experiments on real worker processes."""

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from distributed import LocalCluster
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.stages.experiment import experiment
from orbicyte.stages.experiment.results import keep_result
from orbicyte.stages.run import run
from orbicyte.study import Study
from orbicyte.study.failed_runs import failed_runs
from orbicyte.study.files import read_json, write_json
from orbicyte.study.predictions import read_predictions
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_scores

psutil: Any = importlib.import_module("psutil")  # without type hints; distributed needs it anyway
LONG = ["training.max_epochs=12", "training.patience=12"]
"""Long enough to be killed in the middle."""


def weights(study: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted(study.rglob("weights.safetensors"))}


def scores(study: Path) -> pd.DataFrame:
    tables = [RunFolder(run).score_table for run in Study.open(study).runs()]
    return read_scores(table for table in tables if table.exists())


def require_equal_results(study: Path, other: Path) -> None:
    """The same runs, with weights, scores and predicted types equal bit for bit."""
    assert weights(study) == weights(other)
    pd.testing.assert_frame_equal(scores(study), scores(other), check_exact=True)
    one, two = (
        read_predictions(RunFolder(run).predictions for run in Study.open(folder).runs()) for folder in (study, other)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert len(one)


def wait_for(study: Path, pattern: str) -> Path:
    until = time.monotonic() + 200
    while time.monotonic() < until:
        if found := sorted(study.glob(pattern)):
            return found[0]
        time.sleep(0.005)
    raise AssertionError(f"no {pattern} in {study}")


def kill_the_worker(study: Path, continued: list[str]) -> None:
    """Kill the worker process that wrote the checkpoint of epoch 1; the first one of the same run after that."""
    run = wait_for(study, "runs/*/resume/epoch=00001.ckpt").parent
    for child in psutil.Process().children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    before = {(path.name, path.stat().st_ino) for path in run.glob("epoch=*.ckpt")}
    until = time.monotonic() + 200
    while not continued and time.monotonic() < until:
        with suppress(FileNotFoundError):
            found = {(path.name, path.stat().st_ino) for path in run.glob("epoch=*.ckpt")} - before
            continued += [name for name, _ in sorted(found)[:1]]
        time.sleep(0.002)


def test_a_killed_worker_changes_no_result(
    study: Path, tiny: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    undisturbed = Path(shutil.copytree(study, tmp_path / "undisturbed"))
    settings = tiny.changed(LONG)
    continued: list[str] = []
    killer = threading.Thread(target=kill_the_worker, args=(study, continued))
    killer.start()
    options: dict[str, Any] = {"networks": ["baseline"], "folds": [1, 2], "settings": settings, "workers": 1}
    killed = experiment(study, **options)
    killer.join()
    assert continued > ["epoch=00001.ckpt"]
    assert "its worker was killed; it is processed again at the end, alone" in capfd.readouterr().err
    assert (len(killed.done), killed.failed) == (2, {})
    assert experiment(undisturbed, **options).done == sorted(killed.done)
    require_equal_results(study, undisturbed)


SCRIPT = """
import sys
import signal
from orbicyte.cli import main
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    main()
"""


def test_a_killed_command_is_started_again_and_two_share_the_work(
    study: Path, tiny: Settings, tiny_assignments: list[str], tmp_path: Path
) -> None:
    undisturbed = Path(shutil.copytree(study, tmp_path / "undisturbed"))
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    sets = [word for value in [*tiny_assignments, *LONG] for word in ("--set", value)]
    command = [sys.executable, str(script), "experiment", str(study), "--networks", "baseline", "--workers", "1", *sets]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(study, "runs/*/resume/epoch=00001.ckpt")
    workers = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    psutil.wait_procs(workers, timeout=60)  # they notice that their parent is gone
    assert workers
    assert not [worker for worker in workers if worker.is_running()]
    interrupted = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(study, "runs/*-fold1-*/resume/epoch=00004.ckpt")
    interrupted.send_signal(signal.SIGINT)
    printed = interrupted.communicate(timeout=100)[1]
    assert interrupted.returncode == 130, printed
    assert "Traceback" not in printed
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    texts = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], texts
    assert len(Study.open(study).runs()) == 3
    assert any("3 of 3 runs are done" in text for text in texts)
    assert (study / "report.html").exists()
    assert not list(study.rglob("*.writing"))
    experiment(undisturbed, networks=["baseline"], settings=tiny.changed(LONG), workers=1)
    require_equal_results(study, undisturbed)


def test_a_training_that_raises_does_not_affect_the_others(
    study: Path, tiny: Settings, tiny_assignments: list[str], tmp_path: Path
) -> None:
    undisturbed = Path(shutil.copytree(study, tmp_path / "undisturbed"))
    sets = [word for value in [*tiny_assignments, "training.max_epochs=1"] for word in ("--set", value)]
    chosen = ["--networks", "baseline,only_stn", "--rotation-weights", "1e300", "--workers", str(os.cpu_count() or 1)]
    result = CliRunner().invoke(cli.app, ["experiment", str(study), *chosen, *sets])
    assert result.exit_code == 1, result.output
    failed = failed_runs(Study.open(study))
    assert list(failed) == [f"only_stn-w1e+300-fold{fold}-seed0" for fold in (1, 2, 3)]
    assert all("loss became" in failure.reason for failure in failed.values())
    assert set(scores(study)["network"]) == {"baseline"}
    lines = result.stderr.splitlines()
    assert "3 of 6 runs are done" in lines
    assert sum(line.startswith("warning: only_stn-w1e+300-fold") for line in lines) == 3
    assert "loss became" in (study / "report.html").read_text(encoding="utf-8")
    workers = os.cpu_count() or 1
    settings = tiny.changed(["training.max_epochs=1"])
    experiment(
        undisturbed, networks=["baseline", "pooled_stn"], rotation_weights=[0.5], settings=settings, workers=workers
    )
    assert weights(study).items() <= weights(undisturbed).items()
    expected = scores(undisturbed)
    of_baseline = expected[expected["network"] == "baseline"].reset_index(drop=True)
    pd.testing.assert_frame_equal(scores(study), of_baseline, check_exact=True)


def test_any_scheduler_can_be_used_and_results_are_kept_elsewhere(
    study: Path, tiny: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "copy"))
    results = tmp_path / "results"
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        options: dict[str, Any] = {"networks": ["baseline"], "settings": tiny, "scheduler": cluster.scheduler_address}
        ended = experiment(study, results=results, **options)
        assert len(ended.done) == 3
    assert [path.name for path in sorted(results.iterdir())] == sorted(ended.done)
    again = experiment(copy, networks=["baseline"], settings=tiny, results=results)
    assert again.done == ended.done
    assert not Study.open(copy).runs()
    assert again.report == copy / "report.html"


def test_workers_that_cannot_do_a_piece_are_an_error(study: Path, tiny: Settings) -> None:
    expected = r"1 of 1 worker cannot be used: .*: start workers with --nthreads 1"
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0", silence_logs=50) as cluster,
        pytest.raises(OrbicyteError, match=expected),
    ):
        experiment(study, networks=["baseline"], settings=tiny, scheduler=cluster.scheduler_address)
    assert not Study.open(study).runs()


def test_a_missing_scheduler_is_an_error(study: Path, tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.cluster.CONNECT_WITHIN_S", 1)
    with pytest.raises(OrbicyteError, match=r"no Dask scheduler answers at 127\.0\.0\.1:9"):
        experiment(study, networks=["baseline"], settings=tiny, scheduler="127.0.0.1:9")


def test_a_dry_run_prints_the_plan_and_trains_nothing(
    study: Path, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = experiment(study, networks=["baseline"], settings=tiny, dry_run=True, workers=2)
    assert (ended.done, ended.report) == ([], None)
    assert "3 runs to do, at most about 1 min with 2 at a time; on disk" in capfd.readouterr().err
    assert not Study.open(study).runs()


def test_a_dry_run_says_what_is_done_and_what_would_be_deleted(
    own: Study, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"networks": ["baseline"], "folds": [1], "dry_run": True, "workers": 1}
    experiment(own, settings=tiny, **options)
    assert "1 of 1 runs are done: nothing to do" in capfd.readouterr().err.splitlines()
    experiment(own, settings=tiny.changed(["loss.beta=3"]), again=True, **options)
    line = "--again: 1 run of other settings or patches will be deleted: baseline-fold1-seed0"
    assert line in capfd.readouterr().err.splitlines()
    assert RunFolder(own.run("baseline-fold1-seed0")).done()


def test_a_run_that_the_command_run_made_is_done(study: Path, tiny: Settings) -> None:
    run(study, networks=["baseline"], settings=tiny)
    again = experiment(study, networks=["baseline"], folds=[1], settings=tiny, dry_run=True)
    assert again.done == ["baseline-fold1-seed0"]


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Study:
    """A study with a trained network, the baseline on the first fold."""
    study = Study.open(shutil.copytree(trained, tmp_path / "study"))
    shutil.rmtree(study.run("only_stn-w0.5-fold1-seed0"))
    return study


@pytest.mark.parametrize(
    ("changed", "warning"),
    [
        ({"settings": {"loss": {"beta": 3.0}}}, "1 result in .* of other settings or patches, .*: only_stn-w0.5"),
        ({"data": {"fingerprint": "other"}}, "1 result in .* of other settings or patches, .*: only_stn-w0.5"),
        ({"versions": {"torch": "1.0"}}, "runs were trained with different versions of torch: 1.0 in 1"),
    ],
)
def test_the_report_has_the_kept_results_of_the_same_settings(
    trained: Path, own: Study, tiny: Settings, changed: dict[str, Any], warning: str, capfd: pytest.CaptureFixture[str]
) -> None:
    results = own.path.parent / "results"
    keep_result(RunFolder(trained / "runs" / "only_stn-w0.5-fold1-seed0"), results)
    record = results / "only_stn-w0.5-fold1-seed0" / "run.json"
    write_json(record, merged(read_json(record), changed))
    ended = experiment(own, networks=["baseline"], folds=[1], settings=tiny, results=results)
    assert ended.done == ["baseline-fold1-seed0"]
    assert sorted(path.name for path in results.iterdir()) == ["baseline-fold1-seed0", "only_stn-w0.5-fold1-seed0"]
    assert re.search(f"warning: {warning}", capfd.readouterr().err)
    assert ("only-STN" in own.report.read_text(encoding="utf-8")) == ("versions" in changed)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old | {name: merged(old[name], value) if isinstance(value, dict) else value for name, value in new.items()}


def test_a_folder_of_results_that_cannot_be_written_is_an_error_before_training(own: Study, tiny: Settings) -> None:
    results = own.path.parent / "results"
    results.write_text("a file")
    with pytest.raises(OrbicyteError, match=r"cannot write .*results"):
        experiment(own, networks=["baseline"], settings=tiny, results=results)


def test_a_result_that_cannot_be_copied_is_a_failure_of_its_run(
    own: Study, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OrbicyteError("cannot write: no space left on device")

    monkeypatch.setattr("orbicyte.stages.experiment.stage.keep_result", full)
    ended = experiment(own, networks=["baseline"], folds=[1], settings=tiny, results=own.path.parent / "results")
    assert (ended.done, ended.failed) == ([], {"baseline-fold1-seed0": "cannot write: no space left on device"})
    assert ended.report == own.report
    assert failed_runs(own) == {}


@pytest.mark.parametrize("name", ["devices", "num_nodes"])
def test_a_training_on_several_devices_is_not_a_piece_of_an_experiment(own: Study, tiny: Settings, name: str) -> None:
    with pytest.raises(OrbicyteError, match=rf"--set training\.{name}=2: .*one large training is 'orbicyte train'"):
        experiment(own, networks=["baseline"], settings=tiny.changed([f"training.{name}=2"]))
