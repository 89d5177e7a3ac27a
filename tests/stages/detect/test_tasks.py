"""Slides on real Dask clusters, with a detector that needs no weights and can kill its worker."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from orbicyte.errors import OrbicyteError
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.stages.detect.stage import Detected, detect
from orbicyte.stages.detect.tasks import Found, SlideTask, find_cells
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import Failure, failures, read_detection, slide_names

MPP = 0.25
psutil: Any = importlib.import_module("psutil")  # without type hints; distributed needs it anyway


def run(slides: list[Path], study: Path, detector: Any, **options: Any) -> Detected:
    return detect(slides, study, detector=detector, device="cpu", **options)


def test_the_slide_of_a_killed_worker_is_tried_again_and_no_other_is_affected(
    tmp_path: Path,
    draw_slide: Callable[..., Path],
    standin: Callable[..., Any],
    tries: Callable[[str], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for seed, name in enumerate(("a", "b_once", "c_poison", "d", "e_white", "f_defect", "g_empty")):
        draw_slide(tmp_path / "smears" / f"{name}.png", seed)
    (tmp_path / "smears" / "h.svs").write_bytes(b"no slide")
    study = tmp_path / "study"
    detected = run([tmp_path / "smears"], study, standin(), workers=2)
    assert detected.cells == {"a": 3, "b_once": 3, "d": 3, "g_empty": 0}
    assert [tries(name) for name in ("a", "b_once", "c_poison", "d")] == [1, 2, 2, 1]
    assert detected.failed.keys() == {"c_poison", "e_white", "f_defect", "h"}
    assert "each worker that did it was killed" in detected.failed["c_poison"]
    assert detected.failed["e_white"].endswith("e_white.png: level 0 at (0, 0) cannot be decoded")
    assert "ValueError: no luck (a defect" in detected.failed["f_defect"]
    lines = capsys.readouterr().err.splitlines()
    assert "g_empty: no cells detected" in lines
    assert [line.split(" failed: ")[0] for line in lines[-4:]] == [
        f"warning: {name}" for name in sorted(detected.failed)
    ]
    assert len(read_cells(Study.open(study), "g_empty")) == 0
    kept = {failure.name: failure for failure in failures(Study.open(study))}
    assert {name: failure.reason for name, failure in kept.items()} == detected.failed
    assert "Traceback" in (kept["f_defect"].traceback or "")
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_any_scheduler_can_be_used_and_only_failed_slides_are_retried(
    tmp_path: Path,
    draw_slide: Callable[..., Path],
    smears: Path,
    standin: Callable[..., Any],
    tries: Callable[[str], int],
) -> None:
    bad = draw_slide(smears / "c_white.png", 7)
    study = tmp_path / "study"
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        address = cluster.scheduler_address
        assert run([smears], study, standin(), scheduler=address).failed.keys() == {"c_white"}
        draw_slide(smears / "d.png", 8)
        bad.rename(smears / "c.png").rename(bad)
        again = run([], study, standin(), scheduler=address, retry_failed=True)
        assert (again.cells, list(again.failed)) == ({}, ["c_white"])
    assert (tries("a"), tries("c_white"), tries("d")) == (1, 2, 0)
    assert slide_names(Study.open(study)) == ["a", "b"]


def test_a_missing_scheduler_is_an_error(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orbicyte.cluster.CONNECT_WITHIN_S", 1)
    for address in ("127.0.0.1:9", "nowhere"):
        with pytest.raises(OrbicyteError, match="no Dask scheduler answers at"):
            detect([smears], tmp_path / "study", detector=standin(), scheduler=address)


def test_a_slide_that_the_worker_cannot_see_is_a_failure_with_the_reason(
    tmp_path: Path, standin: Callable[..., Any], here: None
) -> None:
    task = SlideTask("a", str(tmp_path / "a.svs"), "0", None, None, standin(), "1", "cpu")
    outcome = find_cells(task, "topic")
    assert isinstance(outcome, Failure)
    assert "all workers need a slide at the same path" in outcome.reason


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
if __name__ == "__main__":
    import standin_detector
    from orbicyte.cli import main
    from orbicyte.stages.detect import stage
    stage.DetectorFolder = lambda: standin_detector.StandinDetector({log!r})
    main()
"""


def test_ctrl_c_keeps_finished_slides_and_leaves_no_worker(
    tmp_path: Path, draw_slide: Callable[..., Path], standin: Callable[..., Any]
) -> None:
    for seed, name in enumerate(("a", "b_slow")):
        draw_slide(tmp_path / "smears" / f"{name}.png", seed)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), log=str(tmp_path / "log")))
    study = tmp_path / "study"
    options = ["--out", str(study), "--device", "cpu", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, str(script), "detect", str(tmp_path / "smears"), *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 120
    ready = [study / "slides" / "a" / "detection.json", tmp_path / "log" / "b_slow.0"]
    while process.poll() is None and time.monotonic() < until and not all(path.exists() for path in ready):
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.splitlines()[-1].startswith("orbicyte: interrupted: finished work is kept")
    assert "Traceback" not in stderr
    assert workers
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running()]
    assert slide_names(Study.open(study)) == ["a"]
    assert not list(study.rglob("*.writing"))


def test_a_slide_that_changed_since_the_task_was_made_fails(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], here: None
) -> None:
    task = SlideTask("a", str(smears / "a.png"), "another", None, None, standin(), "1", "cpu")
    outcome = find_cells(task, "topic")
    assert not isinstance(outcome, Found)
    assert "was changed after this command began" in outcome.reason


def test_the_detector_of_orbicyte_works_in_a_worker(tmp_path: Path, smears: Path) -> None:
    from orbicyte.detection.detector import Detector

    detected = detect([smears / "a.png"], tmp_path / "study", device="cpu")
    study = Study.open(tmp_path / "study")
    assert (list(detected.cells), list(detected.failed)) == (["a"], [])
    record = read_detection(study, "a")
    assert record
    assert record.detector == Detector.load().fingerprint
    assert record.cells == len(read_cells(study, "a")) == detected.cells["a"]
    assert detect([smears / "a.png"], study, device="cpu").skipped == ["a"]


def test_a_worker_with_another_detector_fails_the_slide(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], here: None
) -> None:
    task = SlideTask("a", str(smears / "a.png"), fingerprint(smears / "a.png"), 0.25, None, standin(), "another", "cpu")
    outcome = find_cells(task, "topic")
    assert isinstance(outcome, Failure)
    assert "has another detector" in outcome.reason
