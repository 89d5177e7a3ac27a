"""Detect with a detector that needs no weights: which slides are processed, kept, refused, and processed again."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.stages.detect.stage import Detected, detect
from orbicyte.study import Study
from orbicyte.study.cells import read_cells
from orbicyte.study.slides import failures, read_detection, read_record

MPP = 0.25
psutil: Any = importlib.import_module("psutil")  # without type hints; distributed needs it anyway


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def run(slides: list[Path], study: Path, detector: Any, **options: Any) -> Detected:
    return detect(slides, study, detector=detector, device="cpu", **options)


def test_done_slides_are_skipped_and_a_moved_one_is_recognised(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], tries: Callable[[str], int], here: None
) -> None:
    study = tmp_path / "study"
    assert run([smears], study, standin()).cells == {"a": 3, "b": 3}
    before = tree(study)
    assert run([smears], study, standin()).skipped == ["a", "b"]
    assert run([(smears / "a.png").rename(tmp_path / "other.png")], study, standin()).skipped == ["a"]
    assert read_record(Study.open(study), "a").path == str(tmp_path / "other.png")
    assert {name: content for name, content in tree(study).items() if "a/slide" not in name} == {
        name: content for name, content in before.items() if "a/slide" not in name
    }
    assert (tries("a"), tries("b")) == (1, 1)


def test_an_incompletely_written_slide_is_done_again(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], here: None
) -> None:
    study = tmp_path / "study"
    run([smears], study, standin())
    (study / "slides" / "a" / "detection.json").unlink()
    (study / "slides" / "b" / "cells.parquet").unlink()
    assert run([smears], study, standin()).cells == {"a": 3, "b": 3}


def test_another_slide_of_the_same_path_overwrites_nothing(
    tmp_path: Path, draw_slide: Callable[..., Path], smears: Path, standin: Callable[..., Any], here: None
) -> None:
    study = tmp_path / "study"
    run([smears], study, standin())
    before = tree(study)
    first = shutil.copy(smears / "a.png", tmp_path / "first.png")
    draw_slide(smears / "a.png", 99)
    refused = run([smears], study, standin())
    assert refused.failed["a"].startswith(f"{smears / 'a.png'} is not the slide whose cells")
    assert "--replace" in refused.failed["a"]
    assert tree(study).items() >= before.items()
    another = (smears / "a.png").rename(tmp_path / "another.png")
    shutil.copy(first, smears / "a.png")
    assert run([smears], study, standin()).skipped == ["a", "b"]
    assert not failures(Study.open(study))
    another.rename(smears / "a.png")
    assert run([smears], study, standin(), replace=True).cells == {"a": 3}
    assert not failures(Study.open(study))
    decide(Study.open(study), "a", 0)
    before = tree(study)
    draw_slide(smears / "a.png", 100)
    refused = run([smears], study, standin(), replace=True)
    assert "those cells were reviewed: rename the new file" in refused.failed["a"]
    assert tree(study).items() >= before.items()


def test_two_slides_of_one_name_get_two_names_and_a_copy_is_left_out(
    tmp_path: Path,
    draw_slide: Callable[..., Path],
    standin: Callable[..., Any],
    here: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = tmp_path / "study"
    first = draw_slide(tmp_path / "x" / "a.png", 1)
    second = draw_slide(tmp_path / "y" / "a.png", 2)
    copy = Path(shutil.copy(first, tmp_path / "copy.png"))
    assert run([first, second, copy], study, standin()).cells.keys() == {"copy", "y_a"}
    assert f"{first} is the same as {copy}: left out" in capsys.readouterr().err
    third = draw_slide(tmp_path / "z" / "a.png", 3)
    assert run([third, second], study, standin()) == Detected({"a": 3}, ["y_a"], {})


def decide(study: Study, slide: str, cell: int, kind: str = "check", after: Any = None) -> str:
    id_ = read_cells(study, slide)["id"][cell]
    event = {"id": str(uuid.uuid4()), "slide": slide, "cell": id_, "kind": kind}
    with ReviewStore.open(study) as store:
        store.append("Ada", [{**event, "after": after or {"status": "rejected"}}])
    return str(id_)


def test_another_detector_is_used_only_with_again_and_reviewed_cells_are_kept(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run([smears], tmp_path / "study", standin())
    study = Study.open(tmp_path / "study")
    rejected = decide(study, "a", 0)
    moved = decide(study, "a", 1, "move", {"x_px": 80.0, "y_px": 70.0})
    before = tree(study.path)
    other = standin(fingerprint="other", places=((22.0, 22.0), (60.0, 20.0), (81.0, 72.0), (100.0, 40.0)))
    assert run([smears], study.path, other).skipped == ["a", "b"]
    assert "a: its cells were detected with another detector; they are kept (--again" in capsys.readouterr().err
    assert tree(study.path) == before
    assert run([smears], study.path, other, again=True).cells == {"a": 3, "b": 4}
    assert "a: 3 cells, 2 of them unchanged" in capsys.readouterr().err
    cells = reviewed_cells(study, ["a"]).set_index("id")
    assert list(cells.loc[rejected, ["x_px", "y_px", "status"]]) == [20, 20, "rejected"]
    assert list(cells.loc[moved, ["x_px", "y_px"]]) == [80, 70]
    assert sorted(cells["x_px"]) == [20, 80, 100]
    assert read_detection(study, "a").detector == "other"  # type: ignore[union-attr]
    assert run([smears], study.path, other, again=True).skipped == ["a", "b"]


def test_a_cell_added_in_review_is_not_found_a_second_time(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], here: None
) -> None:
    run([smears], tmp_path / "study", standin(places=()))
    study = Study.open(tmp_path / "study")
    added = {"id": str(uuid.uuid4()), "slide": "a", "cell": str(uuid.uuid4()), "kind": "add"}
    with ReviewStore.open(study) as store:
        store.append("Ada", [{**added, "after": {"x_px": 21, "y_px": 21, "diameter_px": 20}}])
    run([smears], study.path, standin(fingerprint="other"), again=True)
    assert sorted(reviewed_cells(study, ["a"])["x_px"]) == [21, 40, 60]


def test_mpp_is_used_if_the_file_has_none_and_the_table_overrides_both(
    tmp_path: Path, draw_slide: Callable[..., Path], standin: Callable[..., Any], here: None
) -> None:
    known, unknown = (
        draw_slide(tmp_path / "s" / "known.png", 1),
        draw_slide(tmp_path / "s" / "unknown.png", 2, mpp=None),
    )
    study = tmp_path / "study"
    refused = run([known, unknown], study, standin())
    assert "give --mpp, or --mpp-csv" in refused.failed["unknown"]
    assert run([known, unknown], study, standin(), mpp=0.5).cells == {"unknown": 3}
    assert read_record(Study.open(study), "known").mpp == pytest.approx(MPP, rel=1e-3)
    assert read_record(Study.open(study), "unknown").mpp == 0.5
    assert run([known, unknown], study, standin()).skipped == ["known", "unknown"]
    (tmp_path / "mpp.csv").write_text("file,mpp\nknown.png,0.4\n")
    assert run([known], study, standin(), mpp_csv=tmp_path / "mpp.csv").skipped == ["known"]
    assert run([known, unknown], study, standin(), mpp_csv=tmp_path / "mpp.csv", again=True).cells == {"known": 3}
    assert read_record(Study.open(study), "known").mpp == 0.4


def test_no_slides_are_an_error(tmp_path: Path, smears: Path, standin: Callable[..., Any]) -> None:
    with pytest.raises(OrbicyteError, match="expected slides, or --retry-failed"):
        run([], tmp_path / "study", standin())
    with pytest.raises(OrbicyteError, match="does not exist"):
        run([tmp_path / "none.svs"], tmp_path / "study", standin())
    assert not (tmp_path / "study").exists()
    Study.create(tmp_path / "study")
    assert run([], tmp_path / "study", standin(), retry_failed=True) == Detected({}, [], {})


def test_a_second_process_is_refused(tmp_path: Path, smears: Path, standin: Callable[..., Any]) -> None:
    study = Study.create(tmp_path / "study")
    script = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(); sys.stdin.read()"
    words = [sys.executable, "-c", script, str(study.path / ".lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(OrbicyteError, match="another orbicyte process is working on"):
            run([smears], study.path, standin())
        assert tree(study.path).keys() == {"study.json"}
        other.communicate()


@pytest.mark.parametrize("file", ["cells.parquet", "slide.json", "detection.json"])
@pytest.mark.parametrize("number", [28, 30])
def test_a_full_disk_or_a_read_only_study_is_an_error_and_the_old_cells_are_kept(
    file: str,
    number: int,
    tmp_path: Path,
    smears: Path,
    standin: Callable[..., Any],
    here: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = tmp_path / "study"
    run([smears], study, standin())
    before = {name: content for name, content in tree(study).items() if not name.endswith("detection.json")}
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == file:
            raise OSError(number, os.strerror(number))
        return replace(self, target)

    other = standin(fingerprint="other")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OrbicyteError, match=rf"cannot write .*{file}: {os.strerror(number)}"):
            run([smears], study, other, again=True)
    assert tree(study).items() >= before.items()
    assert not list(study.rglob("*.writing"))
    assert run([smears], study, other, again=True).cells.keys() == {"a", "b"}


def test_a_study_that_cannot_be_written_at_all_is_a_one_line_error(
    tmp_path: Path, smears: Path, standin: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.create(tmp_path / "study")

    def fail(self: FileLock, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(study.path / ".lock"))

    monkeypatch.setattr(FileLock, "acquire", fail)
    monkeypatch.setattr("orbicyte.stages.detect.stage.DetectorFolder", lambda: standin())
    result = CliRunner().invoke(app, ["detect", str(smears), "--out", str(study.path), "--device", "cpu"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"orbicyte: {study.path} is read-only: Permission denied")
    assert result.stderr.count("\n") == 1


def test_the_exit_code_is_2_if_a_slide_failed_and_the_last_line_is_the_retry_command(
    tmp_path: Path,
    draw_slide: Callable[..., Path],
    smears: Path,
    standin: Callable[..., Any],
    here: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orbicyte.stages.detect.stage.DetectorFolder", lambda: standin())
    draw_slide(smears / "c_white.png", 5)
    study = tmp_path / "study"
    result = CliRunner().invoke(app, ["detect", str(smears), "--out", str(study), "--device", "cpu"])
    assert result.exit_code == 2
    *_, listed, last = result.stderr.splitlines()
    assert listed.startswith("warning: c_white failed: ")
    assert last.startswith("orbicyte: 1 slide failed")
    assert last.endswith(f"orbicyte detect --out {study} --retry-failed")
    (smears / "c_white.png").rename(smears / "c.png")
    draw_slide(smears / "c_white.png", 6)
    result = CliRunner().invoke(app, ["detect", "--retry-failed", "--out", str(study), "--device", "cpu"])
    assert result.exit_code == 2
    assert json.loads((study / "slides" / "c_white" / "failed.json").read_text())["path"].endswith("c_white.png")
