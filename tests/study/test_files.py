import errno
from pathlib import Path

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.study.files import check_format, check_writable, read_json, replacing, write_json


@pytest.mark.parametrize(("content", "message"), [("{", "cannot read"), ("[]", "JSON object"), ("{}", "format number")])
def test_damaged_json_is_a_one_line_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(OrbicyteError, match=message) as caught:
        check_format(tmp_path / "a.json", 1)
    assert "\n" not in str(caught.value)


def test_json_round_trip(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"µm": [0.25, None]})
    assert read_json(tmp_path / "a.json") == {"µm": [0.25, None]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def _write_half(path: Path, folder: bool, error: BaseException) -> None:
    with replacing(path) as temporary:
        if folder:
            temporary.mkdir()
        (temporary / "part" if folder else temporary).write_text("half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize("folder", [False, True])
def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path, error: BaseException, folder: bool) -> None:
    path = tmp_path / "a"
    if not folder:
        path.write_text("old")
    expected = OrbicyteError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        _write_half(path, folder, error)
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if folder else ["a"])
    assert folder or path.read_text() == "old"


def test_the_message_for_a_full_disk_gives_advice(tmp_path: Path) -> None:
    with (
        pytest.raises(OrbicyteError, match=r"cannot write .*a: No space left.*; free some"),
        replacing(tmp_path / "a"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_remains_of_an_interrupted_write_are_replaced(tmp_path: Path) -> None:
    (tmp_path / ".a.writing").mkdir()
    (tmp_path / ".a.writing" / "part").write_text("half")
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_path_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    check_writable(tmp_path / "old.csv")
    check_writable(tmp_path / "new" / "a.csv")
    assert (tmp_path / "old.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "old.csv"]


def test_a_path_that_cannot_be_written_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for name, reason in (("file/a.csv", "File exists|Not a directory"), ("folder", "it is a folder")):
        with pytest.raises(OrbicyteError, match=f"cannot write .*: ({reason})") as caught:
            check_writable(tmp_path / name)
        assert "\n" not in str(caught.value)
