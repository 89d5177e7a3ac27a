import errno
from pathlib import Path

import numpy as np
import pytest

from orbicyte.arrays import Floats
from orbicyte.errors import OrbicyteError
from orbicyte.study import appended
from orbicyte.study.appended import AppendedRows
from orbicyte.study.files import read_json

ABOUT = {"run": {"seed": 0, "weight": None}, "angles": (0.0, 7.5)}


def rows(start: int, stop: int) -> Floats:
    return np.arange(start * 3, stop * 3, dtype=np.float32).reshape(-1, 3)


def test_rows_are_read_as_they_were_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appended, "CHUNK", 4)
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        for start in range(0, 10, 5):
            kept.append(rows(start, start + 5))
        np.testing.assert_array_equal(kept.read(2, 7), rows(2, 7))
        np.testing.assert_array_equal(kept.read(8, 20), rows(8, 10))
        assert [len(chunk) for chunk in kept.chunks()] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate(list(kept.chunks())), rows(0, 10))


def test_an_error_keeps_the_rows_for_the_next_process(tmp_path: Path) -> None:
    def interrupted() -> None:
        with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
            kept.append(rows(0, 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        assert len(kept) == 4
        kept.append(rows(4, 6))
        np.testing.assert_array_equal(kept.read(0, 6), rows(0, 6))
    kept.discard()
    assert not (tmp_path / "rows").exists()


def test_after_a_kill_only_rows_that_were_on_the_disk_for_certain_are_kept(tmp_path: Path) -> None:
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        kept.append(rows(0, 4))
    with (tmp_path / "rows" / "rows.f32").open("ab") as file:
        file.write(rows(100, 102).tobytes() + b"half")
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        assert len(kept) == 4
        kept.append(rows(4, 5))
        np.testing.assert_array_equal(kept.read(0, 9), rows(0, 5))


@pytest.mark.parametrize(("width", "about"), [(4, ABOUT), (3, {**ABOUT, "angles": [0.0]})])
def test_rows_of_something_else_are_deleted(tmp_path: Path, width: int, about: dict[str, object]) -> None:
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        kept.append(rows(0, 4))
    with AppendedRows(tmp_path / "rows", width, about) as kept:
        assert len(kept) == 0


@pytest.mark.parametrize(("name", "content"), [("rows.json", b"{"), ("rows.json", b"[]"), ("rows.f32", b"")])
def test_damaged_files_are_begun_again(tmp_path: Path, name: str, content: bytes) -> None:
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        kept.append(rows(0, 4))
    (tmp_path / "rows" / name).write_bytes(content)
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        assert len(kept) == 0
        kept.append(rows(0, 2))
        np.testing.assert_array_equal(kept.read(0, 2), rows(0, 2))


def test_rows_are_kept_from_time_to_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("orbicyte.study.appended.time.monotonic", lambda: now[0])
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        for at in range(5):
            now[0] += 10
            kept.append(rows(at, at + 1))
        assert read_json(tmp_path / "rows" / "rows.json")["count"] == 4


def test_a_full_disk_is_a_one_line_error_and_keeps_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        kept.append(rows(0, 4))
    monkeypatch.setattr("os.fsync", full)
    message = r"cannot write .*rows\.f32: No space left on device; free some disk"
    with pytest.raises(OrbicyteError, match=message), AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        kept.append(rows(4, 8))
    monkeypatch.undo()
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        assert len(kept) == 4


def test_no_rows_leave_no_folder(tmp_path: Path) -> None:
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept:
        assert list(kept.chunks()) == []
    assert not (tmp_path / "rows").exists()


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    with AppendedRows(tmp_path / "rows", 3, ABOUT) as kept, pytest.raises(ValueError, match="rows of 3 numbers"):
        kept.append(np.zeros((2, 4), np.float32))
