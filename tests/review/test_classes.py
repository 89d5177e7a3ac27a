"""The labels that cells can get."""

from pathlib import Path

import pytest

from orbicyte.cell_types import TYPES
from orbicyte.errors import OrbicyteError
from orbicyte.review.classes import COMMAND_KEYS, keyed, read_classes


def test_the_papers_ten_types_have_the_digits_as_keys() -> None:
    assert [one["key"] for one in keyed(TYPES)] == list("1234567890")


def test_keys_are_digits_then_unused_letters_then_none() -> None:
    keys = [one["key"] for one in keyed([f"type {i}" for i in range(40)])]
    assert keys[9:13] == ["0", "b", "c", "e"]
    assert not {*"oux", *COMMAND_KEYS} & set(keys)
    assert keys[-1] is None
    assert len({key for key in keys if key}) == 10 + 26 - len("oux" + COMMAND_KEYS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "blast\n\n  plasma   cell \n"),
        ("a.txt", "\ufeffblast\r\nplasma cell\r\n"),
        ("a.json", '["blast", "plasma cell"]'),
        ("a.json", '{"classes": ["blast", "plasma cell"]}'),
        ("a.csv", "id,Name\n1,blast\n\n2,plasma cell\n"),
        ("a.csv", 'label\nblast\n"plasma cell"\n'),
    ],
)
def test_lists_may_be_lines_json_or_csv(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_classes(tmp_path / name) == ["blast", "plasma cell"]


def test_words_for_missing_values_are_no_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("label\nblast\nNA\nbl\u00e4tt\u00a0er \nbla\u0308tt er2\n", encoding="utf-8")
    assert read_classes(tmp_path / "a.csv") == ["blast", "blätt er", "blätt er2"]
    assert "left out 'NA'" in capsys.readouterr().err
    (tmp_path / "b.txt").write_text("band cell\nband-cell\n")
    read_classes(tmp_path / "b.txt")
    assert "'band cell', 'band-cell' are different cell types" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_lists_may_have_older_encodings(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Plasmazelle\nübrige\n", encoding=encoding)
    assert read_classes(tmp_path / "a.txt") == ["Plasmazelle", "übrige"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.txt", "", "is empty"),
        ("a.txt", "blast\nBlast\n", "duplicate cell types: blast"),
        ("a.txt", "blast\nUnsure\n", "Unsure is reserved"),
        ("a.txt", "blast\n" + "x" * 61, "1 to 60 printable characters"),
        ("a.txt", "bla\x07st\n", "1 to 60 printable characters"),
        ("a.txt", "bla\0st\n", "is not text"),
        ("a.json", r'["bla\u0000st"]', "1 to 60 printable characters"),
        ("a.json", "null", "expected a list of cell types"),
        ("a.json", '["blast", ""]', "1 to 60 printable characters"),
        ("a.json", "[1, 2]", "expected a list of cell types"),
        ("a.json", "[1, ", "cannot read"),
        ("a.csv", "id,colour\n1,red\n", "found id, colour"),
        ("a.csv", "", "found nothing"),
        ("a.csv", "name\n", "is empty"),
    ],
)
def test_an_invalid_list_is_a_one_line_error_with_the_path(
    name: str, content: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OrbicyteError, match=problem) as caught:
        read_classes(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_list_that_is_missing_or_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xff")
    for name in ("none.txt", "a.txt"):
        with pytest.raises(OrbicyteError, match=r"cannot read|is not text, or truncated"):
            read_classes(tmp_path / name)
