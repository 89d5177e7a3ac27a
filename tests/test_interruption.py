"""A full disk, Ctrl-C, and a second process, in every stage: one line, no incomplete files, and work can continue."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from typer.testing import CliRunner

from orbicyte import cli
from orbicyte.study.runs import RunFolder

RUN = "baseline-fold1-seed0"
INTERRUPTED = "orbicyte: interrupted: finished work is kept; run the same command again to continue"


def invoke(*words: str | Path) -> tuple[int, list[str]]:
    """Exit code and lines on stderr."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr.splitlines()


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock" and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """The test's own copy of the trained study."""
    return Path(shutil.copytree(trained, tmp_path / "study"))


@pytest.fixture
def stages(synthetic_cells: Path, own: Path, tiny_assignments: list[str]) -> dict[str, list[str | Path]]:
    """A command for each stage, with work left to do."""
    return {
        "import": ["import", synthetic_cells, "--out", own.with_name("new")],
        "train": ["train", own, "--networks", "baseline", *settings(*tiny_assignments, "seed=5")],
        "embed": ["embed", own, RUN],
        "evaluate": ["evaluate", own, RUN, *settings("evaluation.angle_step_deg=90")],
        "report": ["report", own],
    }


def settings(*assignments: str) -> list[str]:
    return [word for value in assignments for word in ("--set", value)]


def full(write: Callable[..., Any], name: str) -> Callable[..., Any]:
    """``write`` on a disk that is full after the first half of the file ``name``."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        path = next((arg for arg in args if isinstance(arg, Path)), None)
        if path is None or name not in path.name:
            return write(*args, **kwargs)
        with path.open("wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    return fail


@pytest.mark.parametrize(
    ("stage", "function", "name", "place"),
    [
        ("import", "pyarrow.parquet.write_table", "cells.parquet", "new/patches"),
        ("train", "pathlib.Path.write_bytes", "epoch=00001", "resume/epoch=00001.ckpt"),
        ("train", "pathlib.Path.write_bytes", "weights", "weights.safetensors"),
        ("train", "pandas.DataFrame.to_csv", "log", "log.csv"),
        ("embed", "anndata.AnnData.write_h5ad", "embeddings", "embeddings.h5ad"),
        ("evaluate", "pandas.DataFrame.to_parquet", "scores", "scores.parquet"),
        ("evaluate", "pathlib.Path.write_text", "evaluation", "evaluation.json"),
        ("report", "pathlib.Path.write_bytes", "f1.svg", "figures/f1.svg"),
        ("report", "pathlib.Path.write_text", "report", "report.html"),
    ],
)
def test_a_full_disk_is_a_one_line_error_and_keeps_existing_files(
    own: Path,
    stages: dict[str, list[str | Path]],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    function: str,
    name: str,
    place: str,
) -> None:
    if stage == "embed":
        (own / "runs" / RUN / "embeddings.h5ad").unlink()
    before = tree(own)
    with monkeypatch.context() as patch:
        patch.setattr(function, full(resolve_name(function), name))
        code, lines = invoke(*stages[stage])
    assert code == 2
    *rest, last = lines
    assert last.startswith("orbicyte: cannot write ")
    assert last.endswith(f"{place}: No space left on device; free some disk space and run again")
    assert not any(line.startswith(("orbicyte:", "Traceback")) for line in rest)
    assert not list(own.parent.rglob("*.writing"))
    after = tree(own)
    assert after.items() >= {k: v for k, v in before.items() if "scores" not in k}.items()
    assert after.get(f"runs/{RUN}/scores/scores.parquet")
    code, lines = invoke(*stages[stage])
    assert code == 0, lines
    assert not any("already" in line for line in lines)


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("import", "orbicyte.data.patches.pq.write_table"),
        ("import", "orbicyte.data.listing.list_images"),
        ("train", "orbicyte.training.module.VAETraining.validation_step"),
        ("embed", "anndata.AnnData.write_h5ad"),
        ("embed", "orbicyte.embedding.Embedder.embed_stored"),
        ("evaluate", "orbicyte.embedding.Embedder.embed_stored"),
        ("evaluate", "orbicyte.metrics.movement.measure"),
        ("evaluate", "orbicyte.stages.evaluate._write_arrays"),
        ("report", "orbicyte.stages.report.render"),
    ],
)
def test_ctrl_c_prints_one_line_and_the_same_command_continues(
    own: Path, stages: dict[str, list[str | Path]], monkeypatch: pytest.MonkeyPatch, stage: str, place: str
) -> None:
    if stage == "embed":
        (own / "runs" / RUN / "embeddings.h5ad").unlink()
    before = tree(own)
    with monkeypatch.context() as patch:
        patch.setattr(place, interrupt)
        code, lines = invoke(*stages[stage])
    assert code == 130
    assert lines[-1] == INTERRUPTED
    assert sum(line.startswith("orbicyte:") for line in lines) == 1
    assert not list(own.parent.rglob("*.writing"))
    assert tree(own).items() >= {k: v for k, v in before.items() if "scores" not in k}.items()
    code, lines = invoke(*stages[stage])
    assert code == 0, lines
    assert not any("already" in line for line in lines)


def test_a_second_process_is_an_error_and_ctrl_c_ends_the_first(study: Path, tiny_assignments: list[str]) -> None:
    long = settings(*tiny_assignments, "training.max_epochs=60", "training.patience=60")
    words = ["train", str(study), "--networks", "baseline", *long]
    process = subprocess.Popen(
        [sys.executable, "-m", "orbicyte", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A shell without job control starts background processes that ignore Ctrl-C, and children inherit this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    folder = RunFolder(study / "runs" / RUN)
    while process.poll() is None and not list(folder.resume.glob("*.ckpt")):
        time.sleep(0.01)
    code, lines = invoke(*words)
    assert code == 2
    assert lines == [f"orbicyte: another orbicyte process is working on {folder.path}: wait until it ends"]
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, printed = process.communicate(timeout=120)
    assert process.returncode == 130
    assert output == ""
    assert printed.splitlines()[-1] == INTERRUPTED
    assert printed.count("orbicyte:") == 1
    assert "Traceback" not in printed
    assert not list(study.rglob("*.writing"))
    assert not folder.done()
    code, lines = invoke(*words)
    assert code == 0
    assert lines[0].startswith(f"{RUN}: continues after epoch ")
    assert len(folder.log.read_text().splitlines()) == 61
