import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, cell_id, outline, read_cells, write_cells
from orbicyte.study.slides import slide_folder


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study")


def table(count: int) -> pd.DataFrame:
    rows = [
        (cell_id("f", i, 2 * i), float(i), 2.0 * i, 0.25 * i, 0.5 * i, 10.0, 0.5, [i, i, i + 1.0, i, i, i + 1.0])
        for i in range(count)
    ]
    return pd.DataFrame(rows, columns=SCHEMA.names)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_cells_are_the_same_after_writing_and_reading(count: int, study: Study) -> None:
    cells = table(count)
    write_cells(study, "a", cells)
    back = read_cells(study, "a")
    assert back[["id", "x_px", "y_px", "x_um", "y_um"]].equals(
        cells[["id", "x_px", "y_px", "x_um", "y_um"]].astype(back.dtypes[:5])
    )
    for one, other in zip(back["outline_px"], cells["outline_px"], strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.text(max_size=8), st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_same_cell_of_the_same_slide_has_the_same_id(slide: str, x_px: int, y_px: int) -> None:
    assert cell_id(slide, x_px, y_px) == cell_id(slide, x_px + 0.4, y_px - 0.4)
    assert cell_id(slide, x_px, y_px) != cell_id(slide, x_px + 1, y_px)
    assert cell_id(slide, x_px, y_px) != cell_id(slide + "'", x_px, y_px)


def test_an_outline_is_stored_as_alternating_x_and_y() -> None:
    assert outline(np.array([[1.0, 2.0], [3.0, 4.0]])) == [1, 2, 3, 4]


def test_a_missing_and_a_damaged_table_are_one_line_errors(study: Study) -> None:
    with pytest.raises(OrbicyteError, match="a: no cells detected yet"):
        read_cells(study, "a")
    write_cells(study, "a", table(3))
    path = slide_folder(study, "a") / "cells.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OrbicyteError, match="is damaged"):
        read_cells(study, "a")


def test_a_full_disk_keeps_the_old_table(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cells(study, "a", table(3))

    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(OrbicyteError, match=r"cannot write .*cells\.parquet: No space left on device; free some"):
        write_cells(study, "a", table(9))
    assert len(read_cells(study, "a")) == 3
    assert [path.name for path in slide_folder(study, "a").iterdir()] == ["cells.parquet"]
