"""The table of reviewed cells."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import COLUMNS, agreed, reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import read_cells, write_cells

Drafting = Callable[..., dict[str, Any]]
Deciding = Callable[..., None]


@pytest.fixture
def cells(found: Study) -> list[str]:
    return [str(cell) for cell in read_cells(found, "a")["id"]]


@pytest.fixture
def decide(found: Study, draft: Drafting) -> Deciding:
    def decide(who: str, cell: str, kind: str, **after: object) -> None:
        with ReviewStore.open(found) as store:
            store.append(who, [draft("a", cell, kind, **after)])

    return decide


def row(study: Study, cell: str, reader: str | None = None) -> "pd.Series[Any]":
    table = reviewed_cells(study, reader=reader)
    return table[table["id"] == cell].iloc[0]


def test_without_review_all_detected_cells_are_unchecked(found: Study) -> None:
    table = reviewed_cells(found)
    assert list(table.columns) == COLUMNS
    assert set(table["status"]) == {"unchecked"}
    assert table[["reviewer", "label", "labelled_by"]].isna().all(axis=None)
    assert list(table["slide"]) == ["a"] * 12 + ["b"] * 5
    for _, group in table.groupby("slide"):
        assert group["y_px"].is_monotonic_increasing
    found_b = read_cells(found, "b").sort_values(["y_px", "x_px"], ignore_index=True)
    same = reviewed_cells(found, ["b"])
    for column in ("id", "x_px", "y_px", "x_um", "y_um"):
        assert list(same[column]) == list(found_b[column])
    np.testing.assert_allclose(same["diameter_um"], found_b["diameter_um"], rtol=1e-6)
    assert [list(points) for points in same["outline_px"]] == [list(points) for points in found_b["outline_px"]]


def test_a_moved_or_resized_cell_has_no_outline_until_that_is_undone(
    found: Study, cells: list[str], decide: Deciding
) -> None:
    decide("Ada", cells[0], "move", x_px=100, y_px=200)
    decide("Bo", cells[1], "resize", diameter_px=20)
    moved, resized = row(found, cells[0]), row(found, cells[1])
    assert (moved["x_um"], moved["y_um"], moved["outline_px"], moved["reviewer"]) == (25, 50, None, "Ada")
    assert (resized["diameter_um"], resized["outline_px"], resized["reviewer"]) == (5, None, "Bo")
    with ReviewStore.open(found) as store:
        store.undo("Ada")
    assert row(found, cells[0])["outline_px"] is not None
    assert row(found, cells[0])["reviewer"] is None


def test_added_cells_are_in_the_table_and_undone_ones_are_not(found: Study, decide: Deciding) -> None:
    decide("Ada", "new", "add", x_px=8, y_px=4, diameter_px=40)
    added = row(found, "new")
    assert (added["status"], added["reviewer"], added["diameter_um"]) == ("kept", "Ada", 10)
    assert np.isnan(added["score"])
    assert added["outline_px"] is None
    assert reviewed_cells(found)["id"][0] == "new"
    with ReviewStore.open(found) as store:
        store.undo("Ada")
    assert "new" not in set(reviewed_cells(found)["id"])


def test_a_cell_gets_the_label_on_which_readers_agree(found: Study, cells: list[str], decide: Deciding) -> None:
    labels: dict[str, list[str | None]] = {
        "Ada": ["myelocyte", "myelocyte", "unsure", "not a cell", "other", "not a cell"],
        "Bo": ["myelocyte", "lymphocyte", "lymphocyte", "not a cell", None, "lymphocyte"],
    }
    for who, given in labels.items():
        for cell, label in zip(cells, given, strict=False):
            if label:
                decide(who, cell, "name", label=label)
    rows = [row(found, cell) for cell in cells[:6]]
    assert [one["label"] for one in rows] == ["myelocyte", None, "lymphocyte", None, "other", None]
    assert [one["status"] for one in rows] == ["unchecked"] * 3 + ["rejected"] + ["unchecked"] * 2
    assert [one["labelled_by"] for one in rows] == ["Ada, Bo"] * 4 + ["Ada"] + ["Ada, Bo"]
    alone = [row(found, cell, reader="Ada") for cell in cells[:6]]
    assert [one["label"] for one in alone] == ["myelocyte", "myelocyte", None, None, "other", None]
    assert [one["status"] for one in alone] == ["unchecked"] * 3 + ["rejected", "unchecked", "rejected"]
    assert {one["labelled_by"] for one in alone} == {"Ada"}
    assert reviewed_cells(found, reader="Cy")["label"].isna().all()


def test_unsure_does_not_count_as_a_label() -> None:
    assert agreed({}) is None
    assert agreed({"Ada": "unsure"}) is None
    assert agreed({"Ada": "unsure", "Bo": "myelocyte"}) == "myelocyte"


def test_decisions_on_cells_that_were_not_found_again_are_reported(
    found: Study, cells: list[str], decide: Deciding, capsys: pytest.CaptureFixture[str]
) -> None:
    decide("Ada", cells[0], "check", status="kept")
    table = read_cells(found, "a")
    write_cells(found, "a", table[table["id"] != cells[0]])
    assert cells[0] not in set(reviewed_cells(found)["id"])
    assert "a: 1 decisions are about cells" in capsys.readouterr().err


def test_the_detected_cells_of_each_slide_are_read_once(found: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def counted(study: Study, slide: str) -> pd.DataFrame:
        reads.append(slide)
        return read_cells(study, slide)

    monkeypatch.setattr("orbicyte.review.store.read_cells", counted)
    assert len(reviewed_cells(found)) == 17
    assert reads == ["a", "b"]


def test_an_unknown_slide_is_an_error(found: Study) -> None:
    with pytest.raises(OrbicyteError, match="no slide 'z'"):
        reviewed_cells(found, ["z"])


def test_a_study_without_slides_has_an_empty_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = reviewed_cells(Study.create(tmp_path_factory.mktemp("empty") / "study"))
    assert list(table.columns) == COLUMNS
    assert table.empty
