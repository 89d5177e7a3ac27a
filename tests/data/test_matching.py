from pathlib import Path

import pandas as pd
import pytest

from orbicyte.data.matching import attach, match
from orbicyte.errors import OrbicyteError

FILES = [Path("a/cell_1.png"), Path("b/cell_1.png"), Path("b/cell_2.png"), Path("b/cell.3.tif"), Path("é.png")]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/cell_1.png", 0),
        ("b\\cell_1.png", 1),
        ("C:\\data\\b\\cell_1.png", 1),
        ("/home/me/a/cell_1", 0),
        ("cell_2.png", 2),
        ("elsewhere/cell_2.png", 2),
        ("cell_2", 2),
        ("cell_2.JPG", 2),
        ("cell.3", 3),
        ("./b/cell.3.tif", 3),
        ("e\u0301.png", 4),
        ("cell_4.png", None),
        ("cell", None),
        ("/", None),
    ],
)
def test_names_in_the_forms_that_people_write(name: str, file: int | None) -> None:
    assert match(FILES, [name]) == [file]


@pytest.mark.parametrize("name", ["cell_1.png", "cell_1", "c\\cell_1.png"])
def test_a_name_of_two_files_is_ambiguous(name: str) -> None:
    with pytest.raises(OrbicyteError, match=r"matches 2 files \(a/cell_1.png, b/cell_1.png\)"):
        match(FILES, [name])


def test_a_file_in_the_folder_itself_has_priority_over_one_in_a_sub_folder() -> None:
    assert match([Path("x/a.png"), Path("a.png")], ["a.png"]) == [1]


def _table(*rows: tuple[str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["file", "label"], dtype=object)


def test_rows_are_in_the_order_of_the_files() -> None:
    table = _table(("q.png", "w"), ("cell_2", "z"), ("a/cell_1.png", "x"), ("a\\cell_1.png", "x"))
    rows, left = attach(FILES, table, Path("t.csv"))
    assert rows["label"].fillna("").tolist() == ["x", "", "z", "", ""]
    assert list(left["file"]) == ["q.png"]


@pytest.mark.parametrize("other", ["y", None])
def test_one_file_with_two_labels_is_an_error(other: str | None) -> None:
    with pytest.raises(OrbicyteError, match=r"t\.csv: b/cell_2\.png is listed with different label: 'x' and"):
        attach(FILES, _table(("cell_2.png", "x"), ("b/cell_2.png", other)), Path("t.csv"))
