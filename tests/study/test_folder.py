import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.files import write_json
from orbicyte.study.folder import InUseError


def test_create_may_be_repeated_and_open_needs_a_study(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match="does not exist: expected the folder of a study"):
        Study.open(tmp_path / "s")
    (tmp_path / "s").mkdir()
    with pytest.raises(OrbicyteError, match=r"no study\.json\): make one from slides with 'orbicyte detect'"):
        Study.open(tmp_path / "s")
    assert Study.create(tmp_path / "s") == Study.create(tmp_path / "s") == Study.open(tmp_path / "s")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_new_study_is_removed_after_an_error_unless_something_is_stored(is_there: bool, tmp_path: Path) -> None:
    path = tmp_path / "s"
    if is_there:
        path.mkdir()
    with pytest.raises(ValueError, match="no"), Study.creating(path) as study, study.lock():
        raise ValueError("no")
    assert [file.name for file in tmp_path.rglob("*")] == (["s"] if is_there else [])
    with pytest.raises(ValueError, match="no"), Study.creating(path) as study:
        store(study)
    assert Study.open(path).patches.exists()
    study.patches.rmdir()
    with pytest.raises(ValueError, match="no"), Study.creating(path):
        raise ValueError("no")
    assert Study.open(path)  # it was there before


def store(study: Study) -> None:
    """Something is stored, then an error."""
    study.patches.mkdir()
    raise ValueError("no")


def test_a_study_keeps_its_own_id_when_moved(tmp_path: Path) -> None:
    first, second = Study.create(tmp_path / "a" / "s"), Study.create(tmp_path / "b" / "s")
    given = first.id
    assert given != second.id
    first.path.rename(tmp_path / "moved")
    assert Study.open(tmp_path / "moved").id == given


def test_studies_made_before_ids_have_one_from_their_path(tmp_path: Path) -> None:
    for name in "ab":
        write_json(tmp_path / name / "study.json", {"format": 1})
    ids = [Study.open(tmp_path / name).id for name in "aab"]
    assert ids[0] == ids[1] != ids[2]


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OrbicyteError, match="not an empty folder"):
        Study.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_newer_format_is_an_error(tmp_path: Path) -> None:
    write_json(tmp_path / "study.json", {"format": 99})
    for enter in (Study.open, Study.create):
        with pytest.raises(OrbicyteError, match="format 99, this orbicyte reads up to 1: install a newer"):
            enter(tmp_path)


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES])
def test_a_read_only_study_is_a_one_line_error(error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    study = Study.create(tmp_path)
    monkeypatch.setattr("orbicyte.study.folder.FileLock.acquire", refuse)
    with pytest.raises(OrbicyteError, match=f"^{tmp_path} is read-only: {os.strerror(error)}"), study.lock():
        pass


HOLD = """
import sys
from orbicyte.study import Study
study = Study.open(sys.argv[1])
with study.lock_run(sys.argv[2]) if sys.argv[2] else study.lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(study: Study, run: str = "") -> Iterator[None]:
    """Another process holds the lock of the study, or of one run."""
    command = [sys.executable, "-c", HOLD, str(study.path), run]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.kill()


def test_a_study_is_locked_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orbicyte.study.folder.MOMENT_S", 0.2)
    study = Study.create(tmp_path)
    with held_by_another(study):
        with pytest.raises(OrbicyteError, match="another orbicyte process"), study.lock():
            pass
        with pytest.raises(InUseError, match="another orbicyte process"), study.lock_run("a"):
            pass
        with pytest.raises(InUseError, match="another orbicyte process"):
            study.check_free()
    with study.lock(), study.lock():
        study.check_free()


WRITES = """
import sys, time
from pathlib import Path
from orbicyte.study import Study
with Study.open(sys.argv[1]).lock_report():
    print("held", flush=True)
    time.sleep(0.5)
    Path(sys.argv[1], "written").touch()
"""


def test_a_process_waits_for_another_one_that_writes_the_report(tmp_path: Path) -> None:
    study = Study.create(tmp_path)
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with study.lock_report():
            assert (tmp_path / "written").exists()


def test_runs_are_locked_one_by_one_and_keep_others_from_locking_the_study(tmp_path: Path) -> None:
    study = Study.create(tmp_path)
    with held_by_another(study, "a"):
        with study.lock_run("b"), study.lock_run("b"):
            pass
        for lock in (study.lock_run("a"), study.lock()):
            with pytest.raises(InUseError, match=rf"is working on {study.run('a')}: wait until it ends"), lock:
                pass
    with study.lock(), study.lock_run("a"), study.lock():
        pass


def test_a_run_is_given_by_name_or_by_its_folder_in_this_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.create(tmp_path / "study")
    expected = study.path / "runs" / "first"
    expected.mkdir(parents=True)
    (tmp_path / "link").symlink_to(study.path)
    for given in ("first", "first/", expected, f"{expected}/", tmp_path / "link" / "runs" / "first"):
        assert study.run(given) == expected
    monkeypatch.chdir(tmp_path)
    assert study.run("study/runs/first") == expected
    monkeypatch.chdir(expected)
    assert study.run(".") == study.run("../first") == expected
    for wrong in (tmp_path / "other" / "runs" / "first", study.path / "first", "runs/first"):
        with pytest.raises(OrbicyteError, match="expected a name, or a folder in"):
            study.run(wrong)
